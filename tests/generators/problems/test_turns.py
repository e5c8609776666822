"""Conversations in problem files: one problem a turn, in its place; what is none is told with its line."""

import json
from pathlib import Path

import pytest

from cotfactory.generators.problems.file_source import load_file
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource

FIRST = {"question": "What is 6 * 7?", "answer": "42", "answer_kind": "math"}
SECOND = {"question": "Twice that?", "answer": 84, "answer_kind": "math"}
THIRD = {"question": "Which is even?", "choices": ["7", "8"], "answer": "8", "answer_kind": "choice"}


def loaded(folder: Path, *rows: dict[str, object], **source: object) -> list[Problem]:
    (folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return list(load_file(FileSource.model_validate({"source": "file", "path": "p.jsonl", **source}), folder))


def test_each_turn_is_a_problem_that_follows_the_one_before(tmp_path: Path) -> None:
    row = {"id": 7, "turns": [FIRST, SECOND, THIRD], "license": "mit", "domain": "sums"}
    first, second, third = problems = loaded(tmp_path, row)
    assert [problem.source_row_id for problem in problems] == ["7#1", "7#2", "7#3"]
    assert [(problem.answer_kind, problem.answer) for problem in problems] == [
        ("math", "42"),
        ("math", "84"),
        ("choice", "B"),
    ]
    assert {(problem.license, problem.domain, problem.split_group) for problem in problems} == {
        ("mit", "sums", first.split_group)
    }
    assert (first.follows, second.follows, third.follows) == (None, first, second)
    assert {problem.turn.conversation_id for problem in problems if problem.turn is not None} == {
        first.turn.conversation_id if first.turn is not None else ""
    }
    assert all(Problem.model_validate_json(problem.model_dump_json()) == problem for problem in problems)


def test_turns_take_what_the_source_says_of_all_rows(tmp_path: Path) -> None:
    turns = [{"question": "What is 1 + 1?", "answer": "2"}, {"question": "And its capital?", "answer": "Two, two"}]
    turns[1]["answer_kind"] = "text"
    problems = loaded(tmp_path, {"id": "a", "turns": turns}, answer_kind="math", text={"compare": "set"})
    assert [(problem.answer_kind, problem.text_compare) for problem in problems] == [("math", "words"), ("text", "set")]


def test_the_same_turns_in_another_conversation_are_other_problems(tmp_path: Path) -> None:
    longer = {"id": 1, "turns": [FIRST, SECOND, THIRD]}
    shorter = {"id": 2, "turns": [FIRST, SECOND]}
    ids = [problem.problem_id for problem in loaded(tmp_path, longer, shorter)]
    assert len(set(ids)) == len(ids)


def test_a_limit_counts_conversations_and_keeps_them_whole(tmp_path: Path) -> None:
    rows = ({"id": number, "turns": [FIRST, SECOND]} for number in range(3))
    assert len(loaded(tmp_path, *rows, limit=2)) == 4


def test_a_cell_of_text_holds_turns_as_json(tmp_path: Path) -> None:
    turns = json.dumps([FIRST, SECOND]).replace('"', '""')
    (tmp_path / "p.csv").write_text(f'id,question,turns\n1,,"{turns}"\n2,What is 1 + 1?,\n', "utf-8")
    source = FileSource(source="file", path="p.csv", answer_kind="math")
    with pytest.raises(ProblemSourceError, match="no 'answer'"):  # of the second row, which is no conversation
        list(load_file(source, tmp_path))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        # A single turn is a question like any other: nothing says what it is a conversation for.
        ({"id": 1, "turns": [FIRST]}, r"'turns' of problem 1 \(line 1 of p.jsonl\) is a list of 1: expected"),
        ({"id": 1, "turns": [FIRST] * 21}, "is a list of 21: expected a list of 2 to 20 turns"),
        ({"id": 1, "turns": {"0": FIRST}}, "expected a list of 2 to 20 turns"),
        ({"id": 1, "turns": "[{"}, "expected JSON"),
        ({"id": 1, "turns": [FIRST, "Twice that?"]}, "Turn 2 of problem 1 .* is 'Twice that\\?': expected an object"),
        # Would it be the first turn, or all that was said before?
        ({"id": 1, "question": "6 * 7?", "turns": [FIRST, SECOND]}, "has 'question' beside `turns`"),
        ({"id": 1, "turns": [FIRST, {"question": "And?"}]}, "turn 2 of line 1 of p.jsonl.* has no 'answer_kind'"),
        ({"id": 1, "turns": [FIRST, {**SECOND, "anser": "84"}]}, "Unknown field 'anser' in turn 2 .* mean 'answer'"),
        ({"id": 1, "turns": [FIRST, {**SECOND, "id": "x"}]}, "Unknown field 'id' in turn 2 .* belongs beside `turns`"),
        # Its judge would see one question of many.
        ({"id": 1, "turns": [FIRST, {**SECOND, "answer_kind": "rubric"}]}, "has answer_kind rubric: expected math"),
        ({"id": 1, "turns": [FIRST, {**THIRD, "answer": "9"}]}, "none of its 2 choices"),
        ({"turns": [FIRST, SECOND]}, "no 'id'"),
    ],
)  # fmt: skip
def test_what_is_no_conversation_is_told_with_its_place(tmp_path: Path, row: dict[str, object], told: str) -> None:
    with pytest.raises(ProblemSourceError, match=told):
        loaded(tmp_path, row)


def test_two_conversations_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemSourceError, match=r"Duplicate id '1#1' in line 2 of p\.jsonl"):
        loaded(tmp_path, {"id": 1, "turns": [FIRST, SECOND]}, {"id": 1, "turns": [FIRST, THIRD]})
