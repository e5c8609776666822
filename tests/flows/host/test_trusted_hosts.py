"""A value of the environment goes to the provider it is known for, to this machine, or where the user said."""

from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.host.trusted_hosts import refuse_unbound_keys, trust, trusted_hosts_file, unbound_keys
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.recipe import Recipe

ENVIRONMENT = {"OPENAI_API_KEY": "sk-1", "HF_TOKEN": "hf_1", "AWS_SECRET": "aws", "TOGETHER_API_KEY": "t"}

OWN_KEY = {"api-key": "x"}


def recipe(**teacher: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "r",
            "problems": [{"source": "file", "path": "p.jsonl"}],
            "teachers": [{"name": "t", "model": "m", **teacher}],
            "release": {"license": "mit"},
        }
    )


@pytest.mark.parametrize(
    ("teacher", "environment", "sent"),
    [
        ({"base_url": "https://api.openai.com/v1"}, {}, []),
        ({"base_url": "https://API.OpenAI.com/v1"}, {}, []),
        ({"base_url": "https://api.together.xyz/v1", "api_key_env": "TOGETHER_API_KEY"}, {}, []),
        ({"base_url": "https://api.openai.com.evil.example/v1"}, {}, ["OPENAI_API_KEY api.openai.com.evil.example"]),
        ({"base_url": "https://api.openai.com@evil.example/v1"}, {}, ["OPENAI_API_KEY evil.example"]),
        ({"base_url": "https://evil.example/v1", "api_key_env": "HF_TOKEN"}, {}, ["HF_TOKEN evil.example"]),
        # One provider's key is not another's.
        ({"base_url": "https://api.openai.com/v1", "api_key_env": "HF_TOKEN"}, {}, ["HF_TOKEN api.openai.com"]),
        # This machine is the user's own; a variable that is not set is no secret.
        ({"base_url": "http://127.0.0.1:8000/${AWS_SECRET}/v1"}, {}, []),
        ({"base_url": "http://10.0.0.7/v1", "api_key_env": "MY_KEY"}, {}, []),
        ({"base_url": "http://10.0.0.7/v1", "api_key_env": "MY_KEY"}, {"MY_KEY": "k"}, ["MY_KEY 10.0.0.7"]),
        # In the path, the query, the host and the headers.
        ({"base_url": "https://h.example/${AWS_SECRET}/v1", "headers": OWN_KEY}, {}, ["AWS_SECRET h.example"]),
        ({"base_url": "https://h.example/v1?k=${AWS_SECRET}", "headers": OWN_KEY}, {}, ["AWS_SECRET h.example"]),
        ({"base_url": "https://${AWS_SECRET}.h.example/v1", "headers": OWN_KEY}, {}, ["AWS_SECRET aws.h.example"]),
        ({"base_url": "https://h.example/v1", "headers": {"api-key": "${HF_TOKEN}"}}, {}, ["HF_TOKEN h.example"]),
        ({"base_urls": ["https://a.example/v1", "https://api.openai.com/v1"]}, {}, ["OPENAI_API_KEY a.example"]),
        # A URL of the user's environment is where the user wants to ask; its key still wants a word.
        ({}, {"OPENAI_BASE_URL": "https://gateway.example/v1"}, []),
        ({"api_key_env": "HF_TOKEN"}, {"OPENAI_BASE_URL": "https://g.example/v1"}, ["HF_TOKEN g.example"]),
        ({"base_url": "${GATEWAY}/v1"}, {"GATEWAY": "https://g.example"}, ["OPENAI_API_KEY g.example"]),
        ({"base_url": "${GATEWAY}${AWS_SECRET}", "headers": OWN_KEY}, {"GATEWAY": "https://g.example/"},
         ["GATEWAY g.example", "AWS_SECRET g.example"]),
        ({"recordings": "r.jsonl"}, {}, []),
        ({"start": "vllm serve m --port {port}"}, {}, []),
    ],
)  # fmt: skip
def test_what_goes_where(teacher: dict[str, Any], environment: dict[str, str], sent: list[str], tmp_path: Path) -> None:
    here = {**ENVIRONMENT, **environment, "XDG_CONFIG_HOME": str(tmp_path)}
    found = unbound_keys(recipe(**teacher), here)
    assert [f"{use.variable} {use.host}" for use in found] == sent
    if sent:
        with pytest.raises(RecipeError, match="expected a key to go only to its provider"):
            refuse_unbound_keys(recipe(**teacher), here)


def test_a_host_that_was_trusted_is_remembered_for_this_key_alone(tmp_path: Path) -> None:
    here = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(tmp_path)}
    gateway = recipe(base_url="https://g.example/v1")
    trust(gateway, ["G.example"], here)
    refuse_unbound_keys(gateway, here)
    assert unbound_keys(recipe(base_url="https://g.example/v1", api_key_env="HF_TOKEN"), here)
    assert unbound_keys(recipe(base_url="https://other.example/v1"), here)
    assert trusted_hosts_file(here).stat().st_mode & 0o777 == 0o600


def test_a_host_that_is_sent_nothing_is_misspelt(tmp_path: Path) -> None:
    here = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(RecipeError, match=r"--trust g\.exampel: .* name one of the hosts .*: g\.example"):
        trust(recipe(base_url="https://g.example/v1"), ["g.exampel"], here)
    assert not trusted_hosts_file(here).exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"h": "OPENAI_API_KEY"}'])
def test_a_file_of_trusted_hosts_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    here = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(tmp_path)}
    trusted_hosts_file(here).parent.mkdir()
    trusted_hosts_file(here).write_text(content)
    with pytest.raises(RecipeError, match=r"trusted_hosts\.json"):
        unbound_keys(recipe(base_url="https://g.example/v1"), here)


@pytest.mark.parametrize("url", ["http://[::1/v1", "http://h:99999/v1", "ftp://h/v1", "h.example/v1", "https:///v1"])
def test_a_url_that_is_none_is_refused_when_the_recipe_is_read(url: str) -> None:
    with pytest.raises(ValueError, match="expected http:// or https://"):
        recipe(base_url=url)
