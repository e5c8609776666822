"""Environments that people really have: a company's proxy for everything, keys with signs that no header can carry."""

import json
from pathlib import Path

import pytest

from tests.command_line import cotfactory, cotfactory_process
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher

NOBODY = "http://127.0.0.1:9"
PROXIED = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), NOBODY)
NOT_EXEMPT = {"NO_PROXY": "", "no_proxy": ""}


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("--direct",), id="direct"),
        pytest.param((), id="flow", marks=[pytest.mark.prefect, pytest.mark.slow]),
    ],
)
def test_the_demo_needs_no_exemption_from_a_proxy(tmp_path: Path, how: tuple[str, ...]) -> None:
    own = {"PREFECT_HOME": str(tmp_path / "home"), "PREFECT_API_URL": ""}
    environment = PROXIED | NOT_EXEMPT | own
    done = cotfactory_process("run", *how, "--limit", "3", "--workspace", tmp_path / "w", "--json", **environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["candidates"] == 24


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("key", ["sk-1\nsk-2", "sk-1\u2011x"], ids=["line break", "non-ASCII"])
def test_a_key_that_cannot_be_sent_is_one_message(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, command: str, key: str
) -> None:
    options = ("--direct",) if command == "run" else ()
    done = cotfactory(command, write_recipe(), "--workspace", tmp_path / "w", *options, OPENAI_API_KEY=key)
    assert done.returncode == (2 if command == "run" else 1)
    assert done.stderr.count("OPENAI_API_KEY") >= 1
    assert "Traceback" not in done.stderr
    assert "sk-1" not in done.stderr + done.stdout
    assert teacher.calls == 0
