"""What people are told while a run goes on is right under stopping rules, too."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.summary import ReleaseSummary, RunSummary, Tokens
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong
from tests.flows.test_build import run

ADAPTIVE = {"max": 8, "stop_after_correct": 2, "give_up_after": 4}


def told(capsys: pytest.CaptureFixture[str], asked: int, not_needed: int, total: int = 1000) -> str:
    with TerminalProgress() as progress, progress.stage("ask", total):
        progress.not_needed(not_needed)
        for _ in range(asked):
            progress.graded("correct", 0.001)
    return capsys.readouterr().err


def test_the_projection_knows_that_decided_problems_ask_for_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    # 100 calls settled 400 of 1,000 samples: 250 calls will be made, not 1,000.
    assert "$0.1000 of about $0.2500" in told(capsys, asked=100, not_needed=300)


def test_share_and_money_of_a_stage_are_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalProgress() as progress:
        with progress.stage("ask and grade", 3):
            progress.failed("reset by peer")
            for verdict in ("correct", "correct", "incorrect"):
                progress.graded(verdict, 0.01)
        with progress.stage("grade stored chains"):  # where nothing is stored: no line
            pass
        with progress.stage("ask turn 2 and grade", 2):
            progress.graded("correct", 0.02)
            progress.graded("incorrect", 0.02)
    first, second = (line for line in capsys.readouterr().err.splitlines() if "request failed" not in line)
    assert first.startswith("ask and grade ")
    assert first.endswith("67% accepted  $0.0300  1 failed")
    assert second.startswith("ask turn 2 and grade ")
    assert second.endswith("50% accepted  $0.0400")


@pytest.mark.parametrize(("asked", "not_needed"), [(10, 80), (700, 300)])
def test_nothing_is_projected_from_a_few_samples_or_at_the_end(
    asked: int, not_needed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "of about" not in told(capsys, asked, not_needed)


def test_the_bar_of_an_adaptive_run_reaches_its_end(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher.answer = lambda question, seed: (wrong if "0 + 1" in question else right)(question, seed)
    run(write_recipe(3, attempts=ADAPTIVE), tmp_path / "w")
    assert teacher.calls == 4 + 2 + 2
    assert " 24/24 " in capsys.readouterr().err
    # What the first three problems no longer want is nothing that the next run may still ask for.
    run(write_recipe(5, attempts=ADAPTIVE), tmp_path / "w")
    assert teacher.calls == 8 + 2 + 2
    assert " 16/16 " in capsys.readouterr().err


def test_nobody_who_listens_is_no_reason_to_end(tmp_path: Path) -> None:
    """The reader of standard error is gone: every note and line is let go, and the command ends as if it were there."""
    command = [
        sys.executable,
        "-m",
        "cotfactory",
        "run",
        "--limit",
        "3",
        "--direct",
        "--workspace",
        str(tmp_path / "w"),
    ]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stderr=writing, stdout=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == 0
    assert Path(done.stdout.strip()).is_dir()


def test_the_last_lines_say_what_came_of_a_run_and_what_to_do_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    release = ReleaseSummary(
        path="w/releases/r/v1.0.0", version="v1.0.0", rows_sha="", rows={"kto": 0, "sft": 1200}, unchanged=False
    )
    counts = dict.fromkeys(("problems", "teacher_calls", "failed_calls", "lost_in_flight", "reused", "rollouts"), 0)
    others: dict[str, Any] = {
        "verdicts": {},
        "dropped": {"incorrect": 1, "duplicate": 3},
        "dropped_problems": {"bad_reference": 2},
        "funnel": (),
        "mutants": None,
        "alarms": (),
        "release": release,
    }
    tokens = Tokens(input=0, output=0)
    with TerminalProgress() as progress:
        progress.ended(
            RunSummary(
                recipe="r",
                run_id="x",
                candidates=1,
                kept=1,
                tokens=tokens,
                cost_usd=0.0,
                seconds=1.0,
                **counts,
                **others,
            )
        )
    assert capsys.readouterr().err.splitlines()[-7:] == [
        "dropped:  4 chains (1 incorrect, 3 duplicate), 2 problems (2 bad_reference)",
        "paid:     0 teacher calls, 0 reused, $0.0000",
        "release:  w/releases/r/v1.0.0 (v1.0.0, new)",
        "rows:     0 kto, 1,200 sft",
        "report:   w/releases/r/v1.0.0/report.html",
        'load:     datasets.load_dataset("w/releases/r/v1.0.0", "sft")',
        "next:     cotfactory publish w/releases/r/v1.0.0 --repo ORG/NAME --create",
    ]
