"""Imports from files: what is written, what is left out, and where our verdict and theirs differ."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cotfactory.flows.cli import app
from cotfactory.flows.inspect.grade_recordings import grade_recordings
from cotfactory.flows.inspect.import_rollouts import ImportRequest, ImportSummary, import_rollouts
from cotfactory.flows.library import run
from cotfactory.generators.local_teachers.recordings import count_recordings
from cotfactory.schemas.errors import InputError, ProblemSourceError
from tests.generators.imports.rows import episode, gym_row, node, openr1_row, said

Row = dict[str, Any]


def write(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def imported(source: Path, form: str, **options: Any) -> tuple[ImportSummary, list[Row], list[Row], list[Row]]:
    out = source.parent / "imported"
    summary = import_rollouts(ImportRequest(source=str(source), form=form, out=out, **options))
    problems, recordings = lines(out / "problems.jsonl"), lines(out / "recordings.jsonl.gz")
    return summary, problems, recordings, lines(out / "rewards.jsonl.gz")


def lines(path: Path) -> list[Row]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def test_an_import_is_problems_recordings_and_rewards(tmp_path: Path) -> None:
    source = write(tmp_path / "openr1.jsonl", [openr1_row("<think>6 * 7</think>\\boxed{42}", "\\boxed{41}")])

    summary, problems, recordings, rewards = imported(source, "openr1", license="apache-2.0")

    assert (summary.problems, summary.recordings, summary.models) == (1, 2, {"deepseek-r1": 2})
    assert problems == [
        {
            "id": "u-1",
            "question": "What is 6 * 7?",
            "answer": "42",
            "answer_kind": "math",
            "solution": "Six sevens are $\\boxed{42}$.",
            "domain": "Algebra",
            "source": "openr1",
            "license": "apache-2.0",
        }
    ]
    assert [(line["problem_id"], line["sample"], line["response"]) for line in recordings] == [
        ("u-1", 0, "<think>6 * 7</think>\\boxed{42}"),
        ("u-1", 1, "\\boxed{41}"),
    ]
    assert [(line["where"], line["grader"], line["reward"]) for line in rewards] == [
        ("line 1 of openr1.jsonl, generations[0]", "math_verify", 1.0),
        ("line 1 of openr1.jsonl, generations[0]", "llama", None),
        ("line 1 of openr1.jsonl, generations[1]", "math_verify", 1.0),
        ("line 1 of openr1.jsonl, generations[1]", "llama", None),
    ]


def test_what_failed_comes_to_nothing(tmp_path: Path) -> None:
    """NeMo-Gym writes failures to a file of their own, which may hold a response and a filler reward."""
    folder = tmp_path / "run"
    folder.mkdir()
    write(folder / "rollouts.jsonl", [gym_row(said("42")), gym_row(_ng_rollout_index=1)])
    write(folder / "rollouts_failures.jsonl", [gym_row(said("43"), reward=0.0, _ng_rollout_index=2)])

    summary, _, recordings, rewards = imported(folder, "nemo-gym")

    assert [line["response"] for line in recordings] == ["42"]
    assert [line["reward"] for line in rewards] == [1.0]
    assert summary.left_out == {"failed": 2}
    assert "rollouts.jsonl" in summary.first_left_out["failed"]


def test_rollouts_of_one_problem_are_its_samples_and_none_comes_twice(tmp_path: Path) -> None:
    rows = [
        gym_row(said("42")),
        gym_row(said("42"), _ng_rollout_index=1),  # the same words, another rollout
        gym_row(said("42")),  # a line that a resumed run wrote once more
    ]

    summary, problems, recordings, _ = imported(write(tmp_path / "rollouts.jsonl", rows), "nemo-gym")

    assert len(problems) == 1
    assert [line["sample"] for line in recordings] == [0, 1]
    assert summary.left_out == {"repeated": 1}


def test_two_problems_with_one_id_stay_two(tmp_path: Path) -> None:
    rows = [openr1_row("42"), openr1_row("43", problem="What is 6 * 7 + 1?", answer="43")]

    _, problems, recordings, _ = imported(write(tmp_path / "rows.jsonl", rows), "openr1")

    assert len({problem["id"] for problem in problems}) == 2
    assert [line["problem_id"] for line in recordings] == [problem["id"] for problem in problems]


def test_the_box_of_a_solution_is_the_reference_where_there_is_no_other(tmp_path: Path) -> None:
    row = openr1_row("42", answer=None, solution="First \\boxed{6}, then \\boxed{\\frac{84}{2}}.")

    _, problems, _, _ = imported(write(tmp_path / "rows.jsonl", [row]), "openr1")

    assert problems[0]["answer"] == "\\frac{84}{2}"


def test_texts_that_are_no_unicode_are_left_out(tmp_path: Path) -> None:
    rows = [openr1_row("\ud800", "42"), openr1_row("41", problem="What is \ud800?")]

    summary, _, recordings, _ = imported(write(tmp_path / "rows.jsonl", rows), "openr1")

    assert [line["response"] for line in recordings] == ["42"]
    assert summary.left_out == {"not_unicode": 1, "unusable_problem": 1}


def test_ten_thousand_generations_come_back_whole(tmp_path: Path) -> None:
    rows = [
        openr1_row(
            *(f"{problem}-{place} \u2028 \\boxed{{{problem}}}" for place in range(4)),
            uuid=f"u-{problem % 2000}",  # ids that are used twice
            problem=f"What is {problem}?",
            answer=str(problem),
            correctness_math_verify=[place % 2 == 0 for place in range(4)],
        )
        for problem in range(2500)
    ]

    summary, problems, recordings, rewards = imported(write(tmp_path / "rows.jsonl", rows), "openr1")

    assert (summary.problems, summary.recordings, summary.left_out) == (2500, 10_000, {})
    question = {problem["id"]: problem["question"] for problem in problems}
    assert Counter((question[line["problem_id"]], line["response"]) for line in recordings) == Counter(
        (row["problem"], generation) for row in rows for generation in row["generations"]
    )
    labels = {(line["problem_id"], line["sample"]): line["reward"] for line in rewards if line["grader"] != "llama"}
    assert all(labels[line["problem_id"], line["sample"]] == (line["sample"] % 2 == 0) for line in recordings)


def test_turns_are_kept_and_their_last_answer_is_graded(tmp_path: Path) -> None:
    row = episode(
        node("user", "What is 6 * 7?", None),
        node("assistant", "", 0, tool_calls=[{"name": "python", "arguments": "6*7"}]),
        node("tool", "42", 1),
        node("assistant", "\\boxed{42}", 2),
    )

    _, _, recordings, _ = imported(write(tmp_path / "traces.jsonl", [row]), "verifiers")
    folder = tmp_path / "imported"
    graded = grade_recordings(folder / "problems.jsonl", folder / "recordings.jsonl.gz", tmp_path / "grades.jsonl")

    assert [turn["role"] for turn in recordings[0]["turns"]] == ["assistant", "tool", "assistant"]
    assert recordings[0]["turns"][0]["tool_calls"] == [{"name": "python", "arguments": "6*7"}]
    assert graded.verdicts["correct"] == 1
    counts = count_recordings(folder / "recordings.jsonl.gz")
    assert counts.by_question == {}, "the last answer of a conversation was replayed as one to its first question"


def test_an_import_is_what_a_run_takes(tmp_path: Path) -> None:
    imported(write(tmp_path / "rows.jsonl", [openr1_row("<think>6 * 7</think>\\boxed{42}", "\\boxed{41}")]), "openr1")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        """
name: imported
problems: [{source: file, path: imported/problems.jsonl}]
teachers: [{name: r1, model: deepseek-r1, recordings: imported/recordings.jsonl.gz}]
attempts: 2
curation: {require_reasoning: false}
release: {products: [sft], license: apache-2.0}
"""
    )

    summary = run(recipe, tmp_path / "workspace")

    assert (summary.verdicts["correct"], summary.verdicts["incorrect"]) == (1, 1)
    assert not summary.cost_usd


def test_the_second_opinion_names_every_wrong_label(tmp_path: Path) -> None:
    rows = [
        openr1_row(
            f"\\boxed{{{value}}}",
            f"\\boxed{{{value + 1}}}",
            uuid=f"u-{value}",
            problem=f"What is {value - 1} + 1?",
            answer=str(value),
            correctness_math_verify=[value % 10 != 0, value % 10 == 1],  # wrong where it ends in 0, and in 1
        )
        for value in range(100, 150)
    ]
    rows.append(openr1_row("1", problem="Prove it.", answer="See the proof above, which shows it.", uuid="proof"))
    source = write(tmp_path / "rows.jsonl", rows)

    result = CliRunner().invoke(
        app, ["import", str(source), "--as", "openr1", "--out", str(tmp_path / "out"), "--second-opinion", "--json"]
    )

    assert result.exit_code == 0, result.output
    *told, summary = result.stdout.splitlines()
    assert len(told) == 10
    assert told[0] == (
        "line 1 of rows.jsonl, generations[0]: math_verify says wrong (0), we say correct (equal): "
        'read "100", reference "100"'
    )
    compared = json.loads(summary)["second_opinion"]["compared"]
    assert compared["math_verify"] == {"differs": 10, "same": 90, "reference_unusable": 1}
    assert compared["llama"] == {"theirs_unknown": 101}
    differences = lines(tmp_path / "out" / "second_opinion.jsonl")
    assert {(row["problem_id"], row["sample"]) for row in differences} == {
        *((f"u-{value}", 0) for value in range(100, 150, 10)),
        *((f"u-{value}", 1) for value in range(101, 150, 10)),
    }
    assert differences[1]["response"] == "\\boxed{102}"


def test_a_partial_reward_is_no_verdict(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": "6 * 7?"}, {"role": "assistant", "content": "42"}]}]
    source = write(tmp_path / "rows.jsonl", [{**rows[0], "answer": "42", "reward": 0.5}])

    options = ["--out", str(tmp_path / "out"), "--second-opinion", "--json"]
    result = CliRunner().invoke(app, ["import", str(source), "--as", "messages", *options])
    compared = json.loads(result.stdout.splitlines()[-1])["second_opinion"]["compared"]

    assert compared == {"reward": {"theirs_partial": 1}}


def test_mistakes_are_named_and_leave_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "rows.jsonl", [openr1_row("42"), {"problem": "What is 6 * 7?"}])

    with pytest.raises(ProblemSourceError, match=r"line 2 of rows\.jsonl is no row of openr1: `generations`"):
        imported(source, "openr1")
    assert list((tmp_path / "imported").iterdir()) == []
    with pytest.raises(InputError, match=r"Unknown format 'open-r1'.*did you mean 'openr1'"):
        imported(source, "open-r1")
