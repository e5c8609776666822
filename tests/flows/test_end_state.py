"""How a run ended, told to whoever was not there: the state's name and line, the morning's page, the figures."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cotfactory.flows.end_state import end_state
from cotfactory.flows.run_metrics import metrics_lines
from cotfactory.flows.run_page import run_page
from cotfactory.flows.summary import PublishedSummary, ReleaseSummary, RunSummary, Tokens
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.errors import BudgetReached, ContractFailed, PublishError, RunInterrupted, WorkspaceBusy
from cotfactory.schemas.spending import Books

HUB = PublishedSummary(repo="org/a", tag="v1.1.0", url="http://hub/org/a", is_new=True)


def release(**changes: Any) -> ReleaseSummary:
    stated = {"path": "/w/releases/a/v1.1.0", "version": "v1.1.0", "rows_sha": "x", "rows": {"sft": 1200, "rl": 7}}
    return ReleaseSummary.model_validate({**stated, "unchanged": False, **changes})


def summary(**changes: Any) -> RunSummary:
    return RunSummary(
        **{
            "recipe": "a", "run_id": "r", "problems": 7, "candidates": 1400, "teacher_calls": 1234, "failed_calls": 1,
            "lost_in_flight": 0, "reused": 166, "verdicts": {"correct": 1200}, "dropped": {},
            "dropped_problems": {}, "kept": 1200, "rollouts": 0,
            "tokens": Tokens(input=10, output=20), "cost_usd": 3.2, "funnel": (), "mutants": None,
            "alarms": (), "release": release(), "seconds": 7.5,
            **changes,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error", "name", "said"),
    [
        ({}, None, "Released", "v1.1.0: 1,200 sft, 7 rl; 1,234 calls, $3.20"),
        ({"published": HUB}, None, "Released", "v1.1.0: 1,200 sft, 7 rl; published to org/a; 1,234 calls, $3.20"),
        ({"release": release(unchanged=True)}, None, "Unchanged", "v1.1.0 stands, there is nothing new"),
        # A release that the Hub did not take the night before.
        ({"release": release(unchanged=True), "published": HUB}, None, "Unchanged", "published to org/a"),
        # What is held back is unchanged too, and says why.
        ({"release": release(unchanged=True, held_back="12 new rows of 100")}, None, "HeldBack", "12 new rows of 100"),
        (
            {"release": None},
            BudgetReached("no more than $1", "raise"),
            "BudgetReached",
            "no more than $1 - raise",
        ),
        ({}, ContractFailed("rl: 7\nfailed"), "ContractFailed", "rl: 7 failed (1,234 calls, $3.20)"),
        (
            {"release": None},
            WorkspaceBusy("in use by process 7", "wait"),
            "WorkspaceBusy",
            "in use by process 7 - wait",
        ),
        ({}, RunInterrupted("SIGTERM", 143), "Interrupted", "interrupted by SIGTERM"),
        ({}, PublishError("the Hub answered 503"), "Failed", "the Hub answered 503"),
        ({}, ValueError(), "Failed", "ValueError"),
    ],
)
def test_each_end_has_its_name(changes: dict[str, Any], error: Exception | None, name: str, said: str) -> None:
    ended = end_state(summary(**changes), error)
    assert ended.name == name
    assert said in ended.message
    assert "\n" not in ended.message


def test_a_page_shows_what_strangers_wrote_as_text() -> None:
    alarm = Alarm(teacher="t", kind="slow", seen=1, samples=2, text="<script>alert(1)</script>\n| a row |")
    told = summary(first_error="answered 500: \x1b[31m<img src=x>| b |", alarms=(alarm,), published=HUB)
    page = run_page(told, end_state(told, None))
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert "| rows | 1,200 sft, 7 rl |" in page
    assert "[org/a v1.1.0](http://hub/org/a)" in page
    assert "\\| b \\|" in page


def test_figures_are_whole_and_labels_escaped() -> None:
    budget = Books(
        budget="a", budget_usd=10.0, spent_usd=0.1 + 0.2, spent_tokens=1, unconfirmed_usd=0.0, unconfirmed_tokens=0
    )
    told = summary(budget=budget, release=release(rows={'a"b\\': 3}))
    lines = list(metrics_lines(told, "done", datetime(2026, 11, 28, tzinfo=UTC)))
    assert 'cotfactory_run_ended_timestamp_seconds{recipe="a"} 1795824000' in lines
    assert 'cotfactory_run_budget_spent_usd{recipe="a"} 0.3' in lines
    assert 'cotfactory_run_rows{recipe="a",product="a\\"b\\\\"} 3' in lines
    assert 'cotfactory_run_info{recipe="a",run="r",status="done",version="v1.1.0"} 1' in lines
    named = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(named) == len(set(named))
