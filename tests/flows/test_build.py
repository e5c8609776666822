"""The line as a whole: pays once, resumes, stops where it must, and makes the same release again."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from cotfactory.flows.build import build, regrade_stored, release_stored
from cotfactory.flows.host.interpreter import give_up_if_interrupted
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.summary import RunSummary
from cotfactory.publishing import sorted_rows
from cotfactory.schemas.errors import (
    BudgetReached,
    ContractFailed,
    ProblemSourceError,
    RecipeError,
    TeacherRefused,
    TeacherUnavailable,
    WorkspaceError,
)
from cotfactory.warehouse import wanted
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.tables import SCHEMAS
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive
from tests.command_line import run_command
from tests.flows.conftest import KEY_LIKE, WriteRecipe, plant_key
from tests.flows.counting_teacher import CountingTeacher, right, wrong


def run(recipe: Path, workspace: Path, limit: int | None = None) -> RunSummary:
    with TerminalProgress() as progress:
        return asyncio.run(build(BuildRequest(load_recipe(recipe), workspace, limit), DirectStages(), progress))


def releases(workspace: Path) -> list[str]:
    return sorted(str(path.relative_to(workspace / "releases")) for path in workspace.glob("releases/*/*"))


def ask(workspace: Path, question: str) -> list[tuple[Any, ...]]:
    return query_catalog(Workspace(workspace), question)[1]


def test_a_tokenizer_that_cannot_be_opened_is_told_before_any_work(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tokenizer").mkdir()
    recipe = write_recipe(release={"license": "mit", "tokenizer": "./tokenizer"})
    with pytest.raises(RecipeError, match=r"has no tokenizer\.json"):
        run(recipe, tmp_path / "w")
    assert teacher.calls == 0
    assert "problems" not in capsys.readouterr().err  # neither loaded nor checked


def test_from_problems_to_a_release_that_loads(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: wrong(question, seed) if seed == 2 else right(question, seed)
    workspace = tmp_path / "w"
    summary = run(write_recipe(), workspace)
    assert summary.verdicts == {"correct": 12, "incorrect": 6, "no_answer": 0, "ungraded": 0}
    assert (summary.problems, summary.candidates, summary.teacher_calls, summary.kept) == (6, 18, 18, 12)
    assert [stage.count for stage in summary.funnel] == [6, 18, 18, 18, 12, 12, 18]
    assert summary.mutants is not None
    assert summary.mutants.made > 0
    assert summary.mutants.accepted == 0
    assert summary.release is not None
    assert summary.release.rows == {"sft": 12, "rl": 6}
    rows = datasets.load_dataset(summary.release.path, "sft", split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == 12
    assert {row["pass_rate"] for row in rows} == {2 / 3}
    views = ("problems", "candidates", "grades", "decisions", "runs", "releases")
    counts = [ask(workspace, f"SELECT count(*) FROM {view}")[0][0] for view in views]
    assert counts == [6, 18, 18, 18, 1, 1]


def test_a_second_run_asks_nothing_and_makes_the_same_rows(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe()
    first = run(recipe, tmp_path / "w")
    asked = teacher.calls
    second = run(recipe, tmp_path / "w")
    assert (teacher.calls, second.teacher_calls, second.reused) == (asked, 0, 18)
    assert first.release is not None
    assert second.release is not None
    assert second.release.rows_sha == first.release.rows_sha
    assert second.release.unchanged
    assert releases(tmp_path / "w") == ["sums/v1.0.0"]


@pytest.mark.parametrize("returns_several", [True, False])
def test_samples_may_share_a_request(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, returns_several: bool
) -> None:
    teacher.returns_several = returns_several
    alone = run(write_recipe(), tmp_path / "alone")
    calls, shared = teacher.calls, yaml.safe_load(write_recipe().read_text())
    shared["teachers"][0]["limits"]["samples_per_request"] = 4
    summary = run(write_recipe(teachers=shared["teachers"]), tmp_path / "w")
    assert summary.teacher_calls == summary.candidates == 18
    assert teacher.calls - calls == 6 if returns_several else teacher.calls - calls >= 18
    assert summary.release is not None
    assert alone.release is not None
    assert summary.release.rows == alone.release.rows
    if returns_several:
        assert (summary.tokens.input, summary.tokens.output) == (6 * 3, 6 * 5)  # as it was billed: once for three
    assert run(write_recipe(), tmp_path / "w").teacher_calls == 0  # the very samples that are asked for one by one


def test_an_edited_recipe_pays_only_for_what_is_missing(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    run(write_recipe(count=5), tmp_path / "w")
    more = run(write_recipe(count=6, attempts=5), tmp_path / "w")
    assert more.teacher_calls == 5 * 2 + 5
    other = run(write_recipe(count=6, attempts=4, name="other", shard_problems=2), tmp_path / "w")
    assert other.teacher_calls == 0  # another recipe, other shards, the same requests
    assert set(teacher.asked.values()) == {1}
    assert releases(tmp_path / "w") == ["other/v1.0.0", "sums/v1.0.0", "sums/v1.1.0"]


def test_the_rows_do_not_depend_on_shards_or_on_the_order_of_problems(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    first = run(write_recipe(), tmp_path / "a")
    recipe = write_recipe(shard_problems=1)
    lines = (tmp_path / "sums.jsonl").read_text().splitlines()
    (tmp_path / "sums.jsonl").write_text("\n".join(reversed(lines)) + "\n")
    other = run(recipe, tmp_path / "b")
    assert first.release is not None
    assert other.release is not None
    assert first.release.rows_sha == other.release.rows_sha


def test_the_rows_and_decisions_do_not_depend_on_how_much_is_in_memory(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, workspace = write_recipe(), tmp_path / "w"
    decided = "SELECT * EXCLUDE (decided_at) FROM decisions"
    at_once, decisions = run(recipe, workspace), ask(workspace, decided)
    shutil.rmtree(workspace / "releases")
    monkeypatch.setattr(wanted, "WINDOW_ROWS", 1)
    monkeypatch.setattr(sorted_rows, "SPOOL_BYTES", 1)
    with TerminalProgress() as progress:
        request = BuildRequest(load_recipe(recipe), workspace)
        in_pieces = asyncio.run(release_stored(request, DirectStages(), progress))
    assert at_once.release is not None
    assert in_pieces.release is not None
    assert in_pieces.release.rows_sha == at_once.release.rows_sha
    assert ask(workspace, decided) == decisions


def test_adaptive_attempts_stop_on_the_prefix(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: (
        wrong(question, seed) if "0 + 1" in question or seed == 0 else right(question, seed)
    )
    attempts = {"max": 8, "stop_after_correct": 2, "give_up_after": 4}
    summary = run(write_recipe(count=3, attempts=attempts), tmp_path / "w")
    # 0 + 1: four wrong ones and it is given up; the others: wrong, right, right.
    assert summary.teacher_calls == 4 + 3 + 3
    rates = ask(tmp_path / "w", "SELECT count(*) FROM candidates GROUP BY problem_id ORDER BY 1")
    assert rates == [(3,), (3,), (4,)]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from cotfactory.flows.ask import shard
from cotfactory.flows.build import build
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.load_recipe import load_recipe

left = int(sys.argv[3])
grade_row = shard.grade_row

def killing(*args):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return grade_row(*args)

shard.grade_row = killing
asyncio.run(build(BuildRequest(load_recipe(Path(sys.argv[1])), Path(sys.argv[2])), DirectStages(), TerminalProgress()))
"""


@pytest.mark.parametrize("after", [1, 7, 15])
def test_kill_9_pays_nothing_twice_and_loses_nothing(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, after: int
) -> None:
    """Killed right after the N-th completion was graded; only what was in flight then may be asked again."""
    recipe, workspace = write_recipe(), tmp_path / "w"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(recipe), str(workspace), str(after)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert open_journals(workspace / "ledger")
    summary = run(recipe, workspace)
    assert summary.candidates == 18
    assert summary.reused >= after
    assert teacher.calls <= 18 + summary.lost_in_flight
    assert ask(workspace, "SELECT count(*), count(DISTINCT candidate_id) FROM candidates") == [(18, 18)]
    fresh = run(recipe, tmp_path / "fresh")
    assert fresh.release is not None
    assert summary.release is not None
    assert fresh.release.rows_sha == summary.release.rows_sha


def test_ctrl_c_seals_what_was_bought_and_counts_what_was_in_flight(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe, workspace = write_recipe(count=40), tmp_path / "w"
    arguments = run_command(recipe, workspace, "--direct")
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    teacher.on_ask = lambda: process.send_signal(signal.SIGINT) if teacher.calls == 10 else None
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert not open_journals(workspace / "ledger")
    ((lost,),) = ask(workspace, "SELECT lost_in_flight FROM runs")
    before = teacher.calls
    summary = run(recipe, workspace)
    assert summary.candidates == 120
    assert summary.reused >= before - lost
    assert teacher.calls <= 120 + lost


class Interrupting(TerminalProgress):
    """Interrupts the build at the first step of a stage."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self._at = stage
        self.building: asyncio.Task[RunSummary]

    def advance(self, steps: int = 1) -> None:
        super().advance(steps)
        if self._name == self._at:
            self.building.get_loop().call_soon_threadsafe(self.building.cancel)
            ends_at = time.monotonic() + 60
            while time.monotonic() < ends_at:
                give_up_if_interrupted()
                time.sleep(0.001)
            raise AssertionError("nobody told the stage")


@pytest.mark.parametrize("stage", ["curate", "release"])
def test_a_stage_that_is_interrupted_gives_up_at_once(write_recipe: WriteRecipe, tmp_path: Path, stage: str) -> None:
    """A million chains are curated in half an hour: nobody waits for that after Ctrl-C."""
    recipe, workspace = write_recipe(), tmp_path / "w"

    async def interrupt() -> None:
        with Interrupting(stage) as progress:
            request = BuildRequest(load_recipe(recipe), workspace)
            progress.building = asyncio.create_task(build(request, DirectStages(), progress))
            with pytest.raises(asyncio.CancelledError):
                await progress.building

    asyncio.run(interrupt())
    assert ask(workspace, "SELECT status FROM runs") == [("interrupted",)]
    assert not releases(workspace)
    assert not [*workspace.rglob("*.writing"), *(workspace / "staging").iterdir()]
    summary = run(recipe, workspace)
    assert (summary.reused, summary.teacher_calls) == (18, 0)
    assert len(releases(workspace)) == 1


PRICED = {
    "name": "t",
    "model": "m",
    "price": {"input": 1000.0, "output": 1000.0},  # a real call costs 8 tokens = 0.008 USD
    "sampling": {"max_tokens": 50, "seed": 0},
}


def test_the_budget_stops_the_run_and_keeps_what_was_bought(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    spec = PRICED | {"base_url": teacher.base_url}
    with pytest.raises(BudgetReached) as caught:
        run(write_recipe(count=40, teachers=[spec], budget={"usd": 0.5}), tmp_path / "w")
    summary = caught.value.summary
    assert isinstance(summary, RunSummary)
    assert 0 < summary.cost_usd <= 0.5
    assert summary.release is None
    assert ask(tmp_path / "w", "SELECT count(*), sum(cost_usd) <= 0.5 FROM candidates") == [(teacher.calls, True)]
    assert ask(tmp_path / "w", "SELECT status FROM runs") == [("budget",)]
    before = teacher.calls
    with pytest.raises(BudgetReached):  # what earlier runs spent counts
        run(write_recipe(count=40, teachers=[spec], budget={"usd": 0.5}), tmp_path / "w")
    assert teacher.calls == before
    more = run(write_recipe(count=40, teachers=[spec], budget={"usd": 5.0}), tmp_path / "w")
    assert more.reused == before
    assert set(teacher.asked.values()) == {1}


def test_a_reply_without_usage_is_charged_at_its_worst(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """An endpoint that does not say what it billed must not make the budget blind."""
    teacher.usage = None
    spec = PRICED | {"base_url": teacher.base_url}
    with pytest.raises(BudgetReached):
        run(write_recipe(count=40, teachers=[spec], budget={"usd": 1.0}), tmp_path / "w")
    assert teacher.calls <= 1.0 / 0.05  # 50 output tokens alone are worth 0.05 USD
    ((cost, estimated),) = ask(tmp_path / "w", "SELECT sum(cost_usd), bool_and(usage.estimated) FROM candidates")
    assert 0 < cost <= 1.0
    assert estimated


def test_a_hidden_system_prompt_cannot_push_a_run_over_its_budget(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """The endpoint bills 2,000 tokens more than the prompt has: after the first bill that is known."""
    teacher.usage = {"prompt_tokens": 2000, "completion_tokens": 5, "total_tokens": 2005}
    spec = PRICED | {"base_url": teacher.base_url}
    with pytest.raises(BudgetReached) as caught:
        run(write_recipe(count=40, teachers=[spec], budget={"usd": 10.0}), tmp_path / "w")
    assert isinstance(caught.value.summary, RunSummary)
    assert 2 < caught.value.summary.cost_usd <= 10.0


def test_a_failing_contract_leaves_no_release(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe()
    plant_key(tmp_path / "sums.jsonl")
    with pytest.raises(ContractFailed, match=r"(?s)rl: .*6 of 6, such as [0-9a-f]+, [0-9a-f]+, [0-9a-f]+"):
        run(recipe, tmp_path / "w")
    assert releases(tmp_path / "w") == []
    assert list((tmp_path / "w" / "releases").iterdir()) == []
    assert list((tmp_path / "w" / "staging").rglob("*.parquet")) == []
    assert ask(tmp_path / "w", "SELECT status, kept FROM runs") == [("contract", 18)]


def test_a_chain_that_quotes_a_key_is_dropped_and_the_rest_released(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: (f"{KEY_LIKE} " if seed == 1 else "") + right(question, seed)
    summary = run(write_recipe(), tmp_path / "w")
    assert summary.dropped == {"key_like": 6}
    assert summary.kept == 12


def test_a_limited_run_does_not_replace_the_whole(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe, workspace = write_recipe(), tmp_path / "w"
    run(recipe, workspace)
    summary = run(recipe, workspace, limit=2)
    assert summary.teacher_calls == 0
    assert releases(workspace) == ["sums-first-2/v1.0.0", "sums/v1.0.0"]
    assert ask(workspace, "SELECT count(*) FROM decisions WHERE recipe = 'sums'") == [(18,)]


def test_a_request_the_endpoint_rejects_does_not_stop_the_others(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Too long, or against a policy: 400 is about this prompt, and asking it again in this run is useless."""
    teacher.answer = lambda question, seed: 400 if "3 + 4" in question else right(question, seed)
    summary = run(write_recipe(), tmp_path / "w")
    assert (summary.failed_calls, summary.candidates) == (3, 15)
    assert summary.release is not None


def test_a_second_teacher_that_is_down_stops_the_run_before_the_first_is_asked(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    up = {"name": "up", "model": "m", "base_url": teacher.base_url, "sampling": {"seed": 0}}
    down = {"name": "down", "model": "n", "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(TeacherUnavailable, match=r"127\.0\.0\.1:9"):
        run(write_recipe(teachers=[up, down]), tmp_path / "w")
    assert teacher.calls == 0


def test_two_teachers_are_both_asked(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    specs = [
        {"name": name, "model": name, "base_url": teacher.base_url, "sampling": {"seed": 0}} for name in ("a", "b")
    ]
    teacher.answer = lambda question, seed: right(question, seed + teacher.calls * 10)
    summary = run(write_recipe(teachers=specs), tmp_path / "w")
    assert (summary.teacher_calls, summary.kept) == (36, 36)
    assert ask(tmp_path / "w", "SELECT teacher, count(*) FROM candidates GROUP BY ALL ORDER BY ALL") == [
        ("a", 18),
        ("b", 18),
    ]


def test_a_refused_key_stops_at_once_and_names_the_variable(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: 401
    with pytest.raises(TeacherRefused, match="OPENAI_API_KEY"):
        run(write_recipe(count=50), tmp_path / "w")
    assert teacher.calls <= 64  # those in flight, not all 150


def test_a_teacher_that_is_down_stops_the_run_before_anything_is_asked(
    write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    spec = {"name": "t", "model": "m", "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(TeacherUnavailable, match="cannot be reached"):
        run(write_recipe(teachers=[spec]), tmp_path / "w")


def test_a_request_that_fails_is_left_for_the_next_run(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    teacher.answer = lambda question, seed: 500 if "3 + 4" in question and seed == 1 else right(question, seed)
    first = run(write_recipe(), tmp_path / "w")
    assert (first.failed_calls, first.candidates) == (1, 17)
    teacher.answer = right
    second = run(write_recipe(), tmp_path / "w")
    assert (second.teacher_calls, second.candidates) == (1, 18)


def test_a_bad_reference_is_dropped_counted_and_never_asked(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    recipe = write_recipe()
    with (tmp_path / "sums.jsonl").open("a") as file:
        file.write(json.dumps({"id": "bad", "question": "What is 1 + 0?", "answer": " ", "answer_kind": "math"}) + "\n")
    summary = run(recipe, tmp_path / "w")
    assert summary.dropped_problems == {"bad_reference": 1}
    assert summary.problems == 7
    assert not [question for question, _ in teacher.asked if "1 + 0" in question]
    dropped = "SELECT source_row_id, reason FROM decisions JOIN problems USING (problem_id) WHERE NOT kept"
    assert ask(tmp_path / "w", dropped) == [("bad", "bad_reference")]


def test_a_question_that_is_there_twice_is_asked_once(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """From another source it is another problem, but the same request: paying and publishing it twice is wrong."""
    recipe = write_recipe(count=3)
    with (tmp_path / "sums.jsonl").open("a") as file:
        twin = {"id": "twin", "question": "What is 1 + 2?", "answer": "3", "answer_kind": "math", "source": "elsewhere"}
        file.write(json.dumps(twin) + "\n")
    summary = run(recipe, tmp_path / "w")
    assert (summary.problems, summary.candidates, summary.kept) == (4, 9, 9)
    assert (summary.dropped_problems, summary.dropped) == ({"duplicate": 1}, {})
    assert set(teacher.asked.values()) == {1}


def test_questions_that_contradict_each_other_are_not_asked(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """Same id, source and question, another answer: nobody knows who is right, so neither is paid for."""
    recipe = write_recipe(count=3, problems=[{"source": "file", "path": name} for name in ("sums.jsonl", "more.jsonl")])
    lines = [json.loads(line) for line in (tmp_path / "sums.jsonl").read_text().splitlines()]
    for name, answer in (("sums.jsonl", "3"), ("more.jsonl", "-1")):
        named = [{**line, "source": "s"} | ({"answer": answer} if line["id"] == "sum-1" else {}) for line in lines]
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in named))
    summary = run(recipe, tmp_path / "w")
    assert summary.dropped_problems == {"duplicate": 2}
    assert not [question for question, _ in teacher.asked if "1 + 2" in question]
    assert summary.candidates == 6


def test_a_second_run_at_the_same_time_is_refused(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    with exclusive(open_workspace(tmp_path / "w")), pytest.raises(WorkspaceError, match="in use"):
        run(write_recipe(), tmp_path / "w")
    assert teacher.calls == 0


class LettingGo(TerminalProgress):
    """Has whoever holds the workspace let it go as soon as it is told that somebody waits."""

    def __init__(self, holding: ExitStack) -> None:
        super().__init__()
        self.holding, self.waited_for = holding, ""

    def note(self, text: str) -> None:
        if "waited for" in text:
            self.waited_for = text
            self.holding.close()
        super().note(text)


def test_a_run_may_wait_for_another(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    """As two deployments do that are due at one hour."""
    with ExitStack() as holding, LettingGo(holding) as progress:
        holding.enter_context(exclusive(open_workspace(tmp_path / "w")))
        request = BuildRequest(load_recipe(write_recipe(count=1)), tmp_path / "w", wait_s=600)
        assert asyncio.run(build(request, DirectStages(), progress)).teacher_calls == 3
    assert f"in use by another run (process {os.getpid()}): it is waited for, at most 600 s" in progress.waited_for


def test_people_can_ask_while_a_run_goes_on(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    seen: list[int] = []
    teacher.on_ask = lambda: seen.append(ask(tmp_path / "w", "SELECT count(*) FROM candidates")[0][0])
    run(write_recipe(count=12, shard_problems=2), tmp_path / "w")
    assert seen[0] == 0
    assert 0 < max(seen) < 36  # shards become visible one after the other


def test_regrade_asks_nothing_and_lists_flips(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer grader, simulated by storing an older one's wrong verdicts first."""
    recipe, workspace = write_recipe(), tmp_path / "w"
    run(recipe, workspace)
    grades = next(path for path in (workspace / "tables" / "grades").glob("*.parquet") if path.stem != "empty")
    rows = [{**row, "verdict": "incorrect"} for row in pq.read_table(grades).to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMAS["grades"]), grades)
    (workspace / "sums" / "grades" / f"{grades.stem}.sha256").unlink()
    before = teacher.calls
    request = BuildRequest(load_recipe(recipe), workspace)
    with TerminalProgress() as progress:
        flips = asyncio.run(regrade_stored(request, DirectStages(), progress))
    assert teacher.calls == before
    assert len(flips) == len(rows)
    assert {(flip.before, flip.after) for flip in flips} == {("incorrect", "correct")}
    assert ask(workspace, "SELECT DISTINCT verdict FROM grades") == [("correct",)]


def test_release_uses_what_is_stored(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    run(write_recipe(), tmp_path / "w", limit=3)
    before = teacher.calls
    request = BuildRequest(load_recipe(write_recipe()), tmp_path / "w")
    with TerminalProgress() as progress:
        summary = asyncio.run(release_stored(request, DirectStages(), progress))
    assert teacher.calls == before
    assert summary.release is not None
    assert summary.release.rows["sft"] == 9


def test_no_problems_left_is_an_error(write_recipe: WriteRecipe, tmp_path: Path) -> None:
    recipe = write_recipe(count=1)
    (tmp_path / "sums.jsonl").write_text(
        json.dumps({"id": "1", "question": "What?", "answer": " ", "answer_kind": "math"}) + "\n"
    )
    with pytest.raises(ProblemSourceError, match="None of 1 problem has a reference answer"):
        run(recipe, tmp_path / "w")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file system of its own")
def test_a_full_disk_stops_the_run_and_loses_nothing(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path
) -> None:
    """A workspace on a file system of 80 MB; while the run goes on something else fills it up."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        filler = place / "filler"

        def fill() -> None:
            if teacher.calls == 5:
                # Unbuffered: what is left in a buffer would be written, and fail, once more when the file is closed.
                with suppress(OSError), filler.open("wb", buffering=0) as file:
                    while file.write(b"x" * 4096):
                        pass

        teacher.on_ask = fill
        with pytest.raises(WorkspaceError):
            run(write_recipe(count=30), place / "w")
        paid = teacher.calls
        filler.unlink()
        summary = run(write_recipe(count=30), place / "w")
        assert summary.candidates == 90
        assert teacher.calls == 90  # nothing that had been paid was paid again
        assert paid < 90
    finally:
        subprocess.run(["umount", str(place)], check=True)
