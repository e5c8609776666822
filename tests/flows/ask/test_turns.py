"""Conversations from the first question to rows: which answer each turn follows, and that nothing is paid twice."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
import yaml

from cotfactory.flows.ask.turns import unreleased_turns
from cotfactory.flows.build import build
from cotfactory.flows.inspect.estimate import plan_recipe
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.errors import RecipeError
from tests.flows.counting_teacher import CountingTeacher, counting_teacher
from tests.flows.test_build import KILLED, ask

CONVERSATIONS, SAMPLES = 4, 3
PRODUCTS = ["sft", "sft_turns", "rl", "all_graded"]


def talk(said: list[str], seed: int) -> tuple[str, str]:
    """Answer `What is A + B?`, then twice that, then one more.

    Sample 2 is wrong at once, sample 0 of the second conversation in its second turn.
    """
    a, b = map(int, re.findall(r"\d+", said[0])[:2])
    turn = len(said) // 2
    value = [a + b, 2 * (a + b), 2 * (a + b) + 1][turn]
    if (turn == 0 and seed == 2) or (turn == 1 and (a, seed) == (1, 0)):
        value = -5
    return f"<think>Secret {seed}.{turn}.{a}</think>Sample {seed} in turn {turn} says \\boxed{{{value}}}.", "stop"


def run(recipe: Path, workspace: Path) -> RunSummary:
    request = BuildRequest(load_recipe(recipe), workspace, with_pictures=False)
    with TerminalProgress() as progress:
        return asyncio.run(build(request, DirectStages(), progress))


def write_conversations(folder: Path, teacher: CountingTeacher, turns: int = 3, **changes: Any) -> Path:
    """Write a recipe of conversations of so many turns; keywords replace recipe keys."""
    teacher.talk = talk
    rows = [
        {
            "id": n,
            "answer_kind": "math",
            "turns": [
                {"question": f"What is {n} + {n + 1}?", "answer": str(2 * n + 1)},
                {"question": "Twice that?", "answer": str(4 * n + 2)},
                {"question": "And one more?", "answer": str(4 * n + 3)},
            ][:turns],
        }
        for n in range(CONVERSATIONS)
    ]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sampling = {"max_tokens": 50, "seed": 0}
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": sampling, "limits": {"retries": 0}}
    recipe = {
        "name": "sums",
        "problems": [{"source": "file", "path": "sums.jsonl", "license": "mit"}],
        "teachers": [spec],
        "attempts": SAMPLES,
        "curation": {"near_duplicates": {"within": "off"}},
        "release": {"license": "mit", "products": PRODUCTS},
        "shard_problems": 3,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe | changes))
    return path


class Whole(NamedTuple):
    """A run of all conversations from nothing, in a folder of its own."""

    teacher: CountingTeacher
    recipe: Path
    workspace: Path
    summary: RunSummary

    @property
    def rows_sha(self) -> str:
        assert self.summary.release is not None
        return self.summary.release.rows_sha


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    with counting_teacher() as teacher:
        recipe = write_conversations(folder, teacher)
        yield Whole(teacher, recipe, folder / "w", run(recipe, folder / "w"))


def rows(summary: RunSummary, product: str) -> list[dict[str, Any]]:
    assert summary.release is not None
    files = sorted((Path(summary.release.path) / product).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_a_turn_is_asked_after_the_right_answer_of_its_own_sample(whole: Whole) -> None:
    summary, teacher = whole.summary, whole.teacher
    # 12 first turns, of which sample 2 ends at once; 8 second ones, of which one is wrong; 7 third ones.
    assert (summary.teacher_calls, teacher.calls, summary.missing) == (27, 27, 0)
    assert summary.verdicts == {"correct": 22, "incorrect": 5, "no_answer": 0, "ungraded": 0}
    later = [body for body in teacher.bodies if len(body["messages"]) > 1]
    assert sorted(len(body["messages"]) for body in later) == [3] * 8 + [5] * 7
    for body in later:
        roles = [message["role"] for message in body["messages"]]
        assert roles == (["user", "assistant"] * 2 + ["user"])[-len(roles) :]
        answers = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        assert all(f"Sample {body['seed']} in turn {turn}" in answer for turn, answer in enumerate(answers))
        assert "Secret" not in str(body["messages"])  # what was thought before is not sent
    again = run(whole.recipe, whole.workspace)
    assert (again.teacher_calls, teacher.calls, again.reused) == (0, 27, 27)
    assert again.release is not None
    assert (again.release.rows_sha, again.release.unchanged) == (whole.rows_sha, True)


def test_rows_hold_a_turn_and_all_that_was_said_before_it(whole: Whole) -> None:
    summary = whole.summary
    # Other products show first turns alone; all attempts are there with the prompt that they answer.
    assert {row["source_row_id"][-2:] for product in ("sft", "rl") for row in rows(summary, product)} == {"#1"}
    graded = {row["candidate_id"]: row for row in rows(summary, "all_graded")}
    assert len(graded) == 27
    third = next(row for row in graded.values() if row["source_row_id"] == "0#3")
    assert [message["role"] for message in third["prompt"]] == ["user", "assistant", "user", "assistant", "user"]
    held = defaultdict[str, list[int]](list)
    for row in rows(summary, "sft_turns"):
        held[row["conversation_id"]].append(row["turn"])
        assert len(row["prompt"]) == 2 * row["turn"] - 1
        assert "Secret" not in str(row["prompt"])
        assert "Secret" in row["completion"][0]["reasoning_content"]
    assert sorted(map(sorted, held.values())) == [[1], *[[1, 2, 3]] * 7]
    # How hard a later turn is, is told by those alone that came to it.
    rates = {row["source_row_id"]: (row["pass_rate_c"], row["pass_rate_n"]) for row in graded.values()}
    assert (rates["1#1"], rates["1#2"], rates["1#3"]) == ((2, 3), (1, 2), (1, 1))


@pytest.mark.parametrize("after", [15, pytest.param(24, marks=pytest.mark.slow)])
def test_a_run_killed_in_mid_conversation_goes_on_and_pays_nothing_twice(
    whole: Whole, teacher: CountingTeacher, tmp_path: Path, after: int
) -> None:
    """Killed in the second turn, and in the third."""
    recipe, workspace = write_conversations(tmp_path, teacher), tmp_path / "w"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(recipe), str(workspace), str(after)], check=False)
    assert killed.returncode == -signal.SIGKILL
    summary = run(recipe, workspace)
    assert summary.reused >= after
    assert teacher.calls <= 27 + summary.lost_in_flight
    assert ask(workspace, "SELECT count(*), count(DISTINCT candidate_id) FROM candidates") == [(27, 27)]
    assert summary.release is not None
    assert summary.release.rows_sha == whole.rows_sha


def test_more_attempts_and_another_turn_pay_for_what_is_new_alone(
    whole: Whole, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """A stopping rule decides about first turns; each right answer to one is gone on from, once."""
    few = {"max": 3, "stop_after_correct": 1}
    summary = run(write_conversations(tmp_path, teacher, turns=2, attempts=few), tmp_path / "w")
    assert summary.teacher_calls == 4 + 4
    summary = run(write_conversations(tmp_path, teacher), tmp_path / "w")
    assert (summary.reused, summary.teacher_calls, teacher.calls) == (8, 19, 27)
    assert summary.release is not None
    assert summary.release.rows_sha == whole.rows_sha


def test_what_follows_a_dropped_turn_is_dropped_with_it(teacher: CountingTeacher, tmp_path: Path) -> None:
    """A problem whose second reference is none has no third turn; a chain that follows a leak would show it."""
    key = "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD"

    def leaking(said: list[str], seed: int) -> tuple[str, str]:
        text, reason = talk(said, seed)
        leaks = len(said) == 1 and said[0].startswith("What is 2 ") and seed == 0
        return f"{text} My key is {key}." if leaks else text, reason

    recipe, sums = write_conversations(tmp_path, teacher), tmp_path / "sums.jsonl"
    teacher.talk = leaking
    sums.write_text(sums.read_text().replace('"Twice that?", "answer": "2"', '"Twice that?", "answer": "4/0"'))
    summary = run(recipe, tmp_path / "w")
    # Of conversation 0 the second turn is a bad reference, and the third goes with it.
    assert summary.dropped_problems == {"bad_reference": 1, "earlier_turn": 1}
    assert (summary.dropped["key_like"], summary.dropped["earlier_turn"]) == (1, 2)
    assert teacher.calls == 12 + 6 + 5
    assert key not in str([rows(summary, product) for product in PRODUCTS])


def test_a_plan_counts_later_turns_by_the_right_answers_there_may_be(
    whole: Whole, teacher: CountingTeacher, tmp_path: Path
) -> None:
    estimate = plan_recipe(write_conversations(tmp_path, teacher), tmp_path / "w")
    assert (estimate.samples_wanted, estimate.calls_at_most) == (36, 36)
    assert 12 < estimate.calls_expected < 36
    one_more = yaml.safe_load(whole.recipe.read_text()) | {"attempts": SAMPLES + 1}
    more = whole.recipe.with_name("more.yaml")
    more.write_text(yaml.safe_dump(one_more))
    estimate = plan_recipe(more, whole.workspace)
    # What ended is not gone on with; each new first answer may be, twice.
    assert (estimate.reused, estimate.calls_at_most) == (27, 3 * CONVERSATIONS)


def test_turns_that_no_product_shows_are_told(teacher: CountingTeacher, tmp_path: Path) -> None:
    recipe = load_recipe(write_conversations(tmp_path, teacher, release={"license": "mit", "products": ["sft"]}))
    assert [line.partition(":")[0] for line in unreleased_turns(8, recipe)] == [
        "no product of this recipe shows later turns of conversations (8 problems)"
    ]
    assert not unreleased_turns(0, recipe)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"strategy": "refine"}, r"has `strategy: refine`, and problem 0#2 of sums.jsonl is a later turn"),
        ({"retry_truncated": 100}, "has `retry_truncated`"),
        ({"recordings": "r.jsonl", "base_url": None, "limits": {}}, "has `recordings`"),
    ],
)
def test_teachers_that_cannot_hold_a_conversation_are_refused(
    teacher: CountingTeacher, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    (tmp_path / "r.jsonl").write_text("{}\n")
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"max_tokens": 50}, **changes}
    given = {key: value for key, value in spec.items() if value is not None}
    recipe = write_conversations(tmp_path, teacher, teachers=[given])
    with pytest.raises(RecipeError, match=told):
        run(recipe, tmp_path / "w")
    assert teacher.calls == 0
