"""Each canned question, on a workspace that two simulated teachers filled; and where the report is."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cotfactory.flows.inspect.ask_catalog import answer, list_questions
from cotfactory.flows.inspect.canned_questions import CANNED_QUESTIONS
from cotfactory.flows.release.publish import find_report
from cotfactory.flows.run import run_recipe
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.tables import SCHEMAS, write_table
from cotfactory.warehouse.workspace import Workspace

Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked")
    teacher = {"sampling": {"max_tokens": 500}, "price": {"input": 1.0, "output": 2.0}}
    recipe = {
        "name": "asked",
        "problems": [{"source": "procedural", "families": ["linear_equations", "short_text"], "count": 6}],
        "teachers": [
            {"name": "good", "model": "good", "simulated": {"slipped": 0, "confident": 0}, **teacher},
            {"name": "bad", "model": "bad", "simulated": {"slipped": 0.3, "confident": 0.1}, **teacher},
        ],
        "attempts": 2,
        "budget": {"usd": 5.0},
        "release": {"license": "cc0-1.0"},
    }
    (folder / "asked.yaml").write_text(yaml.safe_dump(recipe))
    run_recipe(folder / "asked.yaml", folder / "w", None, direct=True, publish=False)
    return folder / "w"


@pytest.fixture(scope="module")
def ask(workspace: Path) -> Ask:
    return lambda question: list(json.loads(answer(question, workspace, "json").text()))


def test_all_are_listed_and_answered(ask: Ask) -> None:
    listed = json.loads(list_questions("json").text())
    assert [row["name"] for row in listed] == list(CANNED_QUESTIONS)
    of_others = ("flips", "solved-by-one-teacher", "policy-by-step")
    of_people = ("who-disagrees", "disputed-by-people", "review-pace")  # tests/flows/review/test_effects.py
    assert all(ask(name) for name in CANNED_QUESTIONS if name not in of_others + of_people)
    assert [ask(name) for name in of_people] == [[], [], []]


def test_cost_per_kept_chain(ask: Ask) -> None:
    chains = ask("SELECT c.teacher, c.cost_usd, d.kept FROM candidates c JOIN decisions d USING (candidate_id)")
    rows = ask("cost-per-kept-chain")
    assert {row["teacher"] for row in rows} == {"good", "bad"}
    for row in rows:
        own = [chain for chain in chains if chain["teacher"] == row["teacher"]]
        kept = sum(chain["kept"] for chain in own)
        assert (row["recipe"], row["chains"], row["kept"]) == ("asked", 24, kept)
        assert row["usd_per_kept"] == pytest.approx(sum(chain["cost_usd"] for chain in own) / kept)


def test_verdict_by_length(ask: Ask) -> None:
    rows = ask("verdict-by-length")
    assert sum(row["chains"] for row in rows) == 48
    for row in rows:
        assert row["correct"] + row["incorrect"] + row["no_answer"] + row["ungraded"] == row["chains"]
        assert row["tokens_from"].bit_count() == 1


def test_solved_by_one_teacher(ask: Ask) -> None:
    verdicts = ask("SELECT problem_id, teacher, verdict FROM candidates JOIN grades USING (candidate_id, problem_id)")
    solvers: dict[str, set[str]] = {}
    for row in verdicts:
        if row["verdict"] == "correct":
            solvers.setdefault(row["problem_id"], set()).add(row["teacher"])
    expected = {problem: min(who) for problem, who in solvers.items() if len(who) == 1}
    assert {row["problem_id"]: row["only_teacher"] for row in ask("solved-by-one-teacher")} == expected
    assert expected


def test_drop_reasons_and_spend(ask: Ask) -> None:
    dropped = ask("SELECT reason FROM decisions WHERE NOT kept")
    counted: Counter[str] = Counter()
    for row in ask("drop-reasons-by-source"):
        assert row["source"].startswith("procedural/")
        counted[row["reason"]] += row["chains"] + row["problems"]
    assert counted == Counter(row["reason"] for row in dropped)
    spent = ask("spend-by-day")
    (total,) = ask("SELECT sum(cost_usd) AS usd FROM candidates")
    assert sum(row["usd"] for row in spent) == pytest.approx(total["usd"])
    assert sum(row["chains"] for row in spent) == 48


def test_flips_between_grader_versions(ask: Ask, workspace: Path) -> None:
    assert ask("flips") == []
    place = Workspace(workspace.resolve())
    columns, rows = query_catalog(place, "SELECT * FROM grades WHERE verdict = 'correct' ORDER BY candidate_id LIMIT 3")
    older = {"grader_version": "0", "graded_at": datetime(2020, 1, 1, tzinfo=UTC), "verdict": "incorrect"}
    grades = [dict(zip(columns, row, strict=True)) | older for row in rows]
    grades[2]["verdict"] = "correct"  # another version, the same verdict: no flip
    assert set(columns) == set(SCHEMAS["grades"].names)
    write_table(place, "grades", "older", grades)
    flips = ask("flips")
    assert sum(row["chains"] for row in flips) == 2
    for row in flips:
        assert (row["from_version"], row["verdict_before"], row["verdict_after"]) == ("0", "incorrect", "correct")
        assert row["to_version"] != "0"


def test_where_the_report_is(workspace: Path) -> None:
    newest = find_report(None, workspace)
    assert (newest.name, newest.version) == ("asked", "v1.0.0")
    assert Path(newest.text()).read_text("utf-8").startswith("<!doctype html>")
    assert find_report("asked@v1.0.0", workspace) == find_report(str(Path(newest.path).parent), workspace) == newest


def test_no_report_is_said_so(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no release"):
        find_report(None, tmp_path)
    with pytest.raises(InputError, match="is no release"):
        find_report("asked@v9.0.0", workspace)
    old = tmp_path / "releases" / "asked" / "v1.0.0"
    old.mkdir(parents=True)
    (old / "manifest.json").write_bytes((workspace / "releases/asked/v1.0.0/manifest.json").read_bytes())
    with pytest.raises(InputError, match="was released by"):
        find_report("asked@v1.0.0", tmp_path)


def test_no_question_is_said_so(workspace: Path) -> None:
    with pytest.raises(InputError, match="no question"):
        answer(None, workspace, "table")
    for misspelt, meant in (("drop-reasons", "drop-reasons-by-source"), ("verdict_by_length", "verdict-by-length")):
        with pytest.raises(InputError, match=f"name '{misspelt}': .*, did you mean '{meant}'"):
            answer(misspelt, workspace, "table")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_money_is_shown_as_money(workspace: Path, form: str) -> None:
    """What adding floats up leaves far behind the point is nothing that anybody paid; other numbers stay exact."""
    question = "SELECT 0.1::DOUBLE + 0.2::DOUBLE AS usd, 0.1::DOUBLE + 0.2::DOUBLE AS share, 1e-9::DOUBLE AS cost_usd"
    told = answer(question, workspace, form).text()
    assert "0.30000000000000004" in told  # the share
    assert told.count("0.3000000000") == 1
    assert "1e-09" in told
