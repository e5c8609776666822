"""What a recipe adds to requests arrives, is part of ids where it should be, and keys stay nowhere."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import CotfactoryError
from tests.flows.conftest import WriteRecipe
from tests.generators.endpoint_server import USUAL, EndpointServer, Rules, endpoint

KEY = "tenant-key-0123456789"
TRUNCATED = {"license": "mit", "stop_above": {"truncated": 1}}
Serve = Callable[[Rules], EndpointServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda rules: stack.enter_context(endpoint(rules))


def teacher(server: EndpointServer, **keys: Any) -> dict[str, Any]:
    return {"name": "t", "model": "m", "base_url": server.base_url, "limits": {"retries": 0}} | keys


def run(write_recipe: WriteRecipe, workspace: Path, *teachers: dict[str, Any], **changes: Any) -> RunSummary:
    return cotfactory.run(write_recipe(**{"teachers": list(teachers), "attempts": 2, **changes}), workspace)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_seed_is_sent_unless_the_recipe_gives_one(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    """A strict endpoint refuses the field; the samples are told apart all the same."""
    server = serve(Rules(fields=USUAL, refusal=422))
    summary = run(write_recipe, tmp_path / "w", teacher(server, sampling={"temperature": 0.7}))
    assert (summary.candidates, summary.failed_calls, server.refusals) == (12, 0, [])
    seeds = serve(Rules())
    run(write_recipe, tmp_path / "v", teacher(seeds, sampling={"seed": 40}), shard_problems=1)
    assert sorted(body["seed"] for body in seeds.bodies) == [40] * 6 + [41] * 6


def test_what_was_bought_with_the_seed_of_before_is_not_bought_again(
    serve: Serve, write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    """Base 0 was sent by default once: workspaces of then hold these very ids."""
    server = serve(Rules())
    run(write_recipe, tmp_path / "w", teacher(server, sampling={"seed": 0}))
    again = run(write_recipe, tmp_path / "w", teacher(server))
    assert (again.teacher_calls, again.reused) == (0, 12)


def test_further_fields_arrive_and_are_part_of_the_id(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    server = serve(Rules())
    told = {"chat_template_kwargs": {"enable_thinking": True}, "min_p": 0.05, "stop": ["###"], "a": None}
    first = run(write_recipe, tmp_path / "w", teacher(server, extra_body=told))
    assert all(told.items() <= body.items() for body in server.bodies)
    assert run(write_recipe, tmp_path / "w", teacher(server, extra_body=dict(reversed(told.items())))).reused == 12
    assert run(write_recipe, tmp_path / "w", teacher(server, extra_body=told | {"min_p": 0.1})).teacher_calls == 12
    assert first.release is not None
    manifest = json.loads((Path(first.release.path) / "manifest.json").read_text())
    assert json.loads(manifest["recipe"])["teachers"][0]["extra_body"] == told


def test_a_system_message_comes_first_and_is_published(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    server = serve(Rules())
    with_it = teacher(server, system="Think in English. ${x}$ is a formula.")
    release = run(write_recipe, tmp_path / "w", with_it, release={"license": "mit", "products": ["sft", "rl"]}).release
    assert {body["messages"][0]["role"] for body in server.bodies} == {"system"}
    assert {len(body["messages"]) for body in server.bodies} == {2}
    assert release is not None
    row = cotfactory.open_release(release.path).table("sft").to_pylist()[0]
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][0]["content"] == "Think in English. ${x}$ is a formula."
    without = run(write_recipe, tmp_path / "w", teacher(server))
    assert (without.teacher_calls, without.reused) == (12, 0)


def test_a_system_message_stays_before_every_later_turn(
    serve: Serve, write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    server = serve(Rules())
    run(write_recipe, tmp_path / "w", teacher(server, system="Think.", strategy="refine"), attempts=1)
    roles = sorted([message["role"][0] for message in body["messages"]] for body in server.bodies)
    assert roles == 6 * [["s", "u"]] + 6 * [["s", "u", "a", "u"]] + 6 * [["s", "u", "a", "u", "a", "u"]]


def test_a_limit_under_its_newer_name(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    """A budget takes it as the worst case, and what is stored says which name it had."""
    old = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    server = serve(Rules(refused={"max_tokens": old}, finish_reason="length"))
    spec = teacher(server, sampling={"max_completion_tokens": 70}, price={"input": 1, "output": 10})
    retried = spec | {"retry_truncated": 200}
    summary = run(write_recipe, tmp_path / "w", retried, budget={"usd": 1.0}, release=TRUNCATED)
    assert (summary.teacher_calls, server.refusals) == (24, [])
    assert {body["max_completion_tokens"] for body in server.bodies} == {70, 200}
    limits = cotfactory.sql(tmp_path / "w", "SELECT DISTINCT sampling.max_completion_tokens AS n FROM candidates")
    assert set(limits["n"].to_pylist()) == {70, 200}


def test_headers_arrive_and_stay_nowhere(
    serve: Serve, write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("TENANT_KEY", KEY)
    monkeypatch.setenv("TENANT", "t-7")
    server = serve(Rules(headers={"X-Tenant": "t-7", "X-Key": f"Token {KEY}", "User-Agent": "cot/1"}))
    headers = {"X-Tenant": "${TENANT}", "X-Key": "Token ${TENANT_KEY}", "User-Agent": "cot/1"}
    summary = run(write_recipe, tmp_path / "w", teacher(server, headers=headers))
    assert (summary.candidates, server.refusals) == (12, [])
    moved = run(write_recipe, tmp_path / "w", teacher(server, headers=headers | {"X-More": "1"}))
    assert (moved.teacher_calls, moved.reused) == (0, 12)  # no part of an id

    echo = serve(Rules(refused={"model": f"no model for the tenant t-7 with {KEY}"}))
    with pytest.raises(CotfactoryError) as caught:
        run(write_recipe, tmp_path / "w", teacher(echo, model="n", headers=headers), attempts=1)
    told = str(caught.value) + "".join(capsys.readouterr())
    assert KEY not in told
    left = everything_in(tmp_path / "w")
    assert KEY.encode() not in left
    assert b"t-7" not in left
    assert b"cot/1" not in left
    assert summary.release is not None
    assert "${X_TENANT}" in (Path(summary.release.path) / "README.md").read_text()


def test_a_key_in_a_header_is_the_only_one_sent(
    serve: Serve, write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure: `api-key`, a query in the URL, and no Authorization that would be looked at first."""
    monkeypatch.setenv("AZURE_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "of-another-provider")
    path = "/openai/deployments/gpt"
    server = serve(Rules(path=path, headers={"api-key": KEY}, query={"api-version": "2024-10-21", "x": "a b"}))
    base_url = f"{server.base_url}/?api-version=2024-10-21&x=a%20b"
    spec = teacher(server) | {"base_url": base_url, "headers": {"api-key": "${AZURE_KEY}"}}
    assert run(write_recipe, tmp_path / "w", spec).candidates == 12
    assert not any("Authorization" in headers for headers in server.headers)
    assert KEY.encode() not in everything_in(tmp_path / "w")


@pytest.mark.parametrize("value", ["a\nb", "clé", "a\r\nX-Other: 1"])
def test_a_header_that_cannot_be_sent_is_told_without_its_value(
    serve: Serve, write_recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TENANT_KEY", value)
    with pytest.raises(CotfactoryError, match="'X-Key' of teacher 't' holds a line break") as caught:
        run(write_recipe, tmp_path / "w", teacher(serve(Rules()), headers={"X-Key": "${TENANT_KEY}"}))
    assert value not in str(caught.value)


def test_a_header_that_is_not_set_is_told(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path) -> None:
    with pytest.raises(CotfactoryError, match=r"Teacher 't' uses \$\{NOT_SET_HERE\}, which is not set"):
        run(write_recipe, tmp_path / "w", teacher(serve(Rules()), headers={"X-Key": "${NOT_SET_HERE}"}))


@pytest.mark.parametrize("inline", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_prompt_of_ones_own(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path, *, inline: bool) -> None:
    """As a file or in the recipe it is the same; it is published, and a change of words is asked anew."""
    server = serve(Rules())
    template = "{# how we ask #}Work it out: {{ problem.question }} ${a}$"
    (tmp_path / "mine.j2").write_text(template)
    summary = run(write_recipe, tmp_path / "w", teacher(server, prompt=template if inline else "./mine.j2"))
    assert "Work it out: What is 0 + 1? ${a}$" in {body["messages"][0]["content"] for body in server.bodies}
    assert summary.release is not None
    manifest = json.loads((Path(summary.release.path) / "manifest.json").read_text())
    assert json.loads(manifest["recipe"])["teachers"][0]["prompt"] == template
    assert run(write_recipe, tmp_path / "w", teacher(server, prompt=template.replace("how", "why"))).teacher_calls == 0
    assert run(write_recipe, tmp_path / "w", teacher(server, prompt=template.replace("out", "up"))).teacher_calls == 12


@pytest.mark.parametrize(
    ("prompt", "said"),
    [("./not-there.j2", "not-there.j2 cannot be read"), ("nice", "Unknown prompt 'nice'"), ("Hi!", "does not ask")],
)
def test_a_prompt_that_is_none(serve: Serve, write_recipe: WriteRecipe, tmp_path: Path, prompt: str, said: str) -> None:
    with pytest.raises(CotfactoryError, match=said):
        run(write_recipe, tmp_path / "w", teacher(serve(Rules()), prompt=prompt))
