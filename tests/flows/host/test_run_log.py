"""What a run says afterwards: who failed, how often, why - and never a key."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from cotfactory.flows.host import run_log as module
from cotfactory.flows.host.run_log import place_in_run, run_log
from cotfactory.flows.inspect.ask_catalog import describe_workspace
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right

KEY = "sk-of-this-test-0123456789"


def lines_of(folder: Path) -> list[dict[str, Any]]:
    (path,) = (folder / "logs").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def teacher_of(teacher: CountingTeacher, **limits: int) -> list[dict[str, Any]]:
    return [
        {
            "name": "t",
            "model": "m",
            "base_url": teacher.base_url,
            "api_key_env": "KEY_OF_THIS_TEST",
            "sampling": {"max_tokens": 50, "seed": 0},
            "limits": limits,
        }
    ]


def test_retries_and_failures_are_written_down_without_the_key(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint refuses sample 1 of one problem for good, and says the key it was sent."""
    monkeypatch.setenv("KEY_OF_THIS_TEST", KEY)

    async def echo(request: Any) -> Any:
        from aiohttp import web

        return web.json_response(
            {"error": {"message": f"bad luck with {request.headers['Authorization']}"}}, status=500
        )

    teacher.answer = lambda question, seed: echo if (question, seed) == ("What is 0 + 1?", 1) else right(question, seed)
    cotfactory.run(write_recipe(teachers=teacher_of(teacher, retries=2)), tmp_path / "w")
    lines = lines_of(tmp_path / "w")

    tries = [line for line in lines if line["message"] == "request failed, another try follows"]
    (lost,) = [line for line in lines if line["message"] == "request failed for good in this run"]
    assert [line["attempt"] for line in tries] == [1, 2]
    assert {line["request_id"] for line in tries} == {lost["request_id"]}
    for line in (*tries, lost):
        assert line["teacher"] == "t"
        assert line["level"] == "warning"
        assert line["stage"] == "ask t from problem 0"
        assert line["shard"]
        assert "bad luck with Bearer ***" in line["error"]
    assert all(line["wait_s"] > 0 for line in tries)

    stages = [line["stage"] for line in lines if line["message"] == "stage done"]
    assert {"load problems", "curate", "release"} <= set(stages)
    assert lines[-1]["message"] == "run ended: done"
    assert KEY not in "".join(path.read_text("utf-8", "replace") for path in (tmp_path / "w" / "logs").iterdir())


def test_status_names_the_log_of_a_run_that_failed(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    teacher.answer = lambda *_: 401
    with pytest.raises(cotfactory.CotfactoryError):
        cotfactory.run(write_recipe(), tmp_path / "w")
    (path,) = (tmp_path / "w" / "logs").glob("*.jsonl")
    assert f"log:      {path}" in capfd.readouterr().err.replace("\n", "")
    status = describe_workspace(tmp_path / "w")
    assert status.runs[0].log == str(path)
    assert f"what happened: {path}" in status.text()
    assert any("answered 401" in line.get("error", "") for line in lines_of(tmp_path / "w"))

    teacher.answer = right
    cotfactory.run(write_recipe(), tmp_path / "w")
    assert [run.log for run in describe_workspace(tmp_path / "w").runs] == [None, str(path)]


@pytest.mark.parametrize(("level", "answered", "stages"), [("debug", 18, True), ("info", 0, True), ("error", 0, False)])
def test_the_level_says_how_much(
    write_recipe: WriteRecipe, tmp_path: Path, level: str, answered: int, stages: bool
) -> None:
    cotfactory.run(write_recipe(), tmp_path / "w", log_level=level)
    lines = lines_of(tmp_path / "w") if list((tmp_path / "w" / "logs").iterdir()) else []
    assert sum(line["message"] == "answered" for line in lines) == answered
    assert any(line["message"] == "stage begins" for line in lines) == stages


def test_an_unknown_level_is_named(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    with pytest.raises(cotfactory.CotfactoryError, match="Unknown log level 'loud': expected one of debug, info"):
        cotfactory.run(write_recipe(), tmp_path / "w", log_level="loud")


def test_old_logs_are_deleted_and_the_newest_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    for number in range(6):
        with run_log(tmp_path, f"2026112{number}T000000-abcdef", logging.INFO, frozenset()):
            logging.getLogger("cotfactory.tests").info("run %d", number)
    assert [path.name[:9] for path in sorted(tmp_path.iterdir())] == ["20261123T", "20261124T", "20261125T"]


def test_lines_are_json_whatever_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest would keep the half character for its report, and hand it to another process, which cannot be done.
    monkeypatch.setattr(logging.getLogger("cotfactory"), "propagate", False)
    logger = logging.getLogger("cotfactory.tests")
    with run_log(tmp_path, "r", logging.INFO, frozenset({"secret", "secret-longer"})), place_in_run(stage="one\ntwo"):
        logger.warning("half \ud800, bell \x07, %s", "secret-longer", extra={"error": ValueError("\x1b[31m secret")})
        logging.getLogger("elsewhere").warning("not ours")
    logger.warning("after its end")
    (line,) = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text("utf-8", "replace").splitlines()]
    assert (line["stage"], line["error"]) == ("one\ntwo", "\x1b[31m ***")
    assert line["message"].endswith("***")
    assert "\x1b" not in (tmp_path / "r.jsonl").read_text("utf-8", "replace")  # escaped: `cat` cannot be fooled


def test_a_disk_that_is_full_costs_lines_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.jsonl").symlink_to("/dev/full")
    with run_log(tmp_path, "r", logging.INFO, frozenset()):
        logging.getLogger("cotfactory.tests").warning("lost")
    assert capfd.readouterr().err == ""
