"""Runs over problems that a teacher writes: what is kept of good and bad replies, whose answer counts, what is paid."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import cotfactory
from cotfactory.flows.inspect.doctor import examine_workspace
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.schemas.errors import ContractFailed
from tests.flows.counting_teacher import CountingTeacher

PLACES = ("harbour", "library", "bakery", "stadium", "orchard", "museum", "market", "school", "garden", "airport")
SEED = "On Monday {n} people came to the {place} and on Tuesday another {m} did. How many came on both days together?"
SAYS_THE_SAME = "The {place} counted {n} visitors first, then {m} a day later. What was the total?"
SAYS_MORE = "Three times in a row {n} and {m} crates are unloaded at the {place}. How many crates are that overall?"
A_BENCHMARKS = "In every one of {n} rooms of the {place} hang {m} pictures, and tickets cost 3. How many hang there?"
ANOTHER = "The {place} sold {n} tickets at 2 euros and {m} at 1 euro. How many euros is that?"


class Writer:
    """A teacher that writes, by the seed's place, what a test wants, and votes as it is told."""

    def __init__(self, server: CountingTeacher) -> None:
        self.server = server
        self.replies: dict[str, str] = {}
        self.mistakes: dict[str, int] = {}
        server.talk = self.talk

    def talk(self, turns: list[str], seed: int) -> tuple[str | int, str]:
        asked = turns[-1]
        where = next(name for name in PLACES if name in asked)
        if "<problem>" in asked:
            way = "same" if "other words" in asked else "more"
            return self.replies.get(where, self.replies[way]).format(**numbers(asked), place=where), "stop"
        wrong = seed < self.mistakes.get(where, 0)
        return f"I see. \\boxed{{{answer(asked) + seed + 1 if wrong else answer(asked)}}}", "stop"


def numbers(text: str) -> dict[str, str]:
    n, m = re.findall(r"\d+", text)[:2]
    return {"n": n, "m": m}


def answer(question: str) -> int:
    n, m = map(int, numbers(question).values())
    if "tickets" in question:
        return 2 * n + m
    return 3 * (n + m) if "crates" in question else n + m


BOTH = {"same": f"<problem>{SAYS_THE_SAME}</problem>", "more": f"Sure!\n<problem>\n{SAYS_MORE}\n</problem>"}


@pytest.fixture
def writer(teacher: CountingTeacher) -> Writer:
    writing = Writer(teacher)
    writing.replies = dict(BOTH)
    return writing


@pytest.fixture
def grown(tmp_path: Path, writer: Writer) -> Any:
    """Write ten solved problems and a recipe that grows more of them; keywords replace keys of the source."""
    rows = [
        {"id": place, "question": SEED.format(n=10 + n, m=40 + n, place=place), "answer": str(50 + 2 * n)}
        for n, place in enumerate(PLACES)
    ]
    (tmp_path / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write(recipe: dict[str, Any] | None = None, **changes: Any) -> Path:
        asked = {
            "base_url": writer.server.base_url,
            "sampling": {"max_tokens": 50, "seed": 0},
            "limits": {"retries": 0},
        }
        source = {
            "source": "grown",
            "from": {"source": "file", "path": "seeds.jsonl", "license": "cc-by-4.0", "answer_kind": "math"},
            "by": "w",
            "ways": ["rephrase", "harder"],
            "reference": {"by": ["majority"], "votes": 4, "known_share": 0.3},
        }
        whole = {
            "name": "grown",
            "problems": [source | changes],
            "teachers": [{"name": "w", "model": "m", **asked}],
            "attempts": 4,
            "release": {"license": "cc-by-4.0"},
            **(recipe or {}),
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(whole))
        return path

    return write


def run(path: Path, workspace: Path) -> Any:
    return cotfactory.run(path, workspace=workspace)


def problems(workspace: Path) -> list[dict[str, Any]]:
    """Return the grown problems with the reason for which they are dropped, if so."""
    query = """
        SELECT p.*, d.reason AS dropped FROM problems AS p
        LEFT JOIN (FROM decisions WHERE candidate_id IS NULL) AS d USING (problem_id) ORDER BY source, source_row_id
    """
    return list(cotfactory.sql(workspace, query).to_pylist())


def test_problems_are_written_answered_by_votes_and_asked(grown: Any, writer: Writer, tmp_path: Path) -> None:
    # Before anything is known: one call for each seed and way, and votes on these and on known ones, which are samples.
    (before,) = plan_recipe(grown(), tmp_path / "w").grown
    assert (before.wanted, before.usable, before.stored, before.calls_at_most) == (20, 0, 0, 20 + 4 * (20 + 6))
    summary = run(grown(), tmp_path / "w")
    found = problems(tmp_path / "w")
    assert summary.problems == len(found) == 20
    assert {row["reference_by"] for row in found} == {"majority"}
    for row in found:
        assert int(row["answer"]) == answer(row["question"])
        assert (row["license"], row["source_row_id"] in row["question"], row["parent_id"] is None) == (
            "cc-by-4.0",
            True,
            False,
        )
    # 20 written and, of 4 votes each, 20 new problems and 6 known ones: the votes are the samples.
    assert (writer.server.calls, summary.teacher_calls, summary.reused) == (20 + 80 + 24, 20 + 80 + 24, 0)
    again = run(grown(), tmp_path / "w")
    assert (writer.server.calls, again.reused, again.release.rows_sha) == (124, 80, summary.release.rows_sha)
    plan = plan_recipe(grown(), tmp_path / "w")
    assert (plan.problems, plan.samples_wanted, plan.reused, plan.calls_at_most) == (20, 80, 80, 0)
    assert "124 calls for them stored, none left; 20 of use" in plan.text()
    # Two more samples of each, which are no votes; ten more problems, with votes and as many known ones as they need.
    assert plan_recipe(grown({"attempts": 6}), tmp_path / "w").calls_at_most == 2 * 20
    (more,) = plan_recipe(grown(count=30), tmp_path / "w").grown
    assert (more.stored, more.calls_at_most) == (124, 10 + 4 * (10 + 3))


BAD = {
    "harbour": "",
    "library": "I would write about a library with {n} books and {m} readers, how many are they?",
    "bakery": f"<problem>{SAYS_MORE}</problem>\n<problem>{ANOTHER}</problem>",
    "stadium": '{{"problem": "How many of {n} and {m} are there at the stadium?',
    "orchard": f"<problem>{SEED}</problem>",
    "museum": f"<problem>{A_BENCHMARKS}</problem>",
    "market": f"<problem>Problem 1: {ANOTHER}\nProblem 2: {SAYS_MORE}</problem>",
    "school": f"<problem>{ANOTHER}</problem>",
}


def test_bad_replies_become_no_problems(grown: Any, writer: Writer, tmp_path: Path) -> None:
    writer.replies |= BAD
    writer.mistakes = {"airport": 4}  # every vote says something else
    benchmark = {"id": 1, "question": A_BENCHMARKS.format(n=777, m=8, place="museum")}
    (tmp_path / "benchmark.jsonl").write_text(json.dumps(benchmark) + "\n")
    curation = {"decontaminate": [{"source": "file", "path": "benchmark.jsonl"}]}
    run(grown({"curation": curation}, ways=["rephrase"]), tmp_path / "w")
    found = {row["source_row_id"]: (row["dropped"], row["reference_by"]) for row in problems(tmp_path / "w")}
    assert found == {
        "airport": ("no_reference", "open"),
        "garden": (None, "majority"),
        "museum": ("contaminated", "open"),  # but for its numbers
        "orchard": ("near_twin", "open"),  # the seed itself
        "school": ("no_reference", "open"),  # another question than the seed's, for its answer is another
    }
    asked = [body["messages"][-1]["content"] for body in writer.server.bodies]
    assert not any("tickets" in text and "museum" in text for text in asked)  # nobody is paid to answer it
    assert examine_workspace(tmp_path / "w").faults == ()  # what was asked for a dropped problem is no damage


def test_too_easy_problems_and_answers_that_nobody_is_sure_of(grown: Any, writer: Writer, tmp_path: Path) -> None:
    writer.mistakes = {"garden": 1, "airport": 1}  # three of four votes are right
    rules = {"by": ["majority"], "votes": 4, "known_share": 0.3, "require": {"precision_low": 0.9}}
    path = grown(ways=["rephrase"], reference=rules, pass_rate={"max": 0.8})
    with pytest.raises(ContractFailed, match=r"reference\.require\.precision_low"):  # three known problems prove little
        run(path, tmp_path / "w")
    dropped = {row["source_row_id"]: row["dropped"] for row in problems(tmp_path / "w")}
    assert dropped == {place: None if place in writer.mistakes else "outside_difficulty" for place in PLACES}
