"""Endpoints and keys come from the environment only, and a key that cannot be sent is not shown."""

import pytest

from cotfactory.flows.settings import hub_target, remote_endpoint
from cotfactory.schemas.errors import InputError, RecipeError
from cotfactory.schemas.teacher_spec import TeacherSpec


def spec(**changes: object) -> TeacherSpec:
    return TeacherSpec.model_validate({"name": "t", "model": "m", **changes})


def test_the_key_comes_from_the_variable_the_recipe_names() -> None:
    endpoint = remote_endpoint(spec(base_url="http://10.0.0.1/v1/", api_key_env="MY_KEY"), {"MY_KEY": "secret"})
    assert (endpoint.base_url, endpoint.api_key) == ("http://10.0.0.1/v1", "secret")
    assert "secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("teacher", "environment", "said"),
    [
        (spec(), {}, "OPENAI_BASE_URL"),
        (spec(base_url="http://10.0.0.1/v1"), {}, "OPENAI_API_KEY"),
        (spec(base_url="http://127.0.0.1/v1", api_key_env="MY_KEY"), {"OPENAI_API_KEY": "x"}, "MY_KEY"),
    ],
)
def test_nowhere_to_ask_or_no_key(teacher: TeacherSpec, environment: dict[str, str], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        remote_endpoint(teacher, environment)


@pytest.mark.parametrize("ending", ["\n", "\r\n", " ", "\n\n"])
def test_a_key_is_sent_without_the_line_break_of_its_file(ending: str) -> None:
    """`$(cat key.txt)` keeps the carriage return of a file from Windows, a Docker secret its newline."""
    environment = {"OPENAI_API_KEY": f"sk-1{ending}", "HF_TOKEN": f"hf_1{ending}"}
    teacher = spec(base_url="http://10.0.0.1/v1")
    assert remote_endpoint(teacher, environment).api_key == "sk-1"
    token = hub_target(environment).token
    assert token is not None
    assert token.get_secret_value() == "hf_1"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sk-1\nsk-2", "a line break"),  # two keys in one file
        ("sk-1\r\nX-Other: 1", "a line break"),
        ("sk-1 sk-2", "a space"),
        ("sk\u00a01", "a space"),  # what a web page puts there
        ("sk-\x001", "a control character"),
        ("sk-\x7f1", "a control character"),
        ("sk\u20111", "a non-ASCII sign"),  # a hyphen that does not break
        ("\u201csk-1\u201d", "a non-ASCII sign"),
        ("sk-1\u200b", "a non-ASCII sign"),
    ],
)
def test_a_key_that_no_header_can_carry_is_named_and_not_shown(key: str, said: str) -> None:
    with pytest.raises(InputError, match=f"variable MY_KEY holds {said}") as caught:
        remote_endpoint(spec(base_url="http://10.0.0.1/v1", api_key_env="MY_KEY"), {"MY_KEY": key})
    assert "sk" not in str(caught.value)


def test_a_server_on_this_machine_needs_no_key() -> None:
    assert remote_endpoint(spec(base_url="http://localhost:8000/v1"), {}).base_url == "http://localhost:8000/v1"
