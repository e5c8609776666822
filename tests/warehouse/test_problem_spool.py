"""Problems on disk are the problems that were written, at their positions."""

from pathlib import Path

import pytest

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.problem import CallCase, CallTests, ConversationTurn, Problem
from cotfactory.warehouse.problem_spool import saved_problems, spool_problems
from tests.builders import a_problem

# What a file of text could lose: line ends inside a question, characters of many bytes, choices, nested tests.
PROBLEMS = [
    a_problem(),
    a_problem("Which\nof these\u2028is it? \U0001f600", "A", "choice", choices=("one", "two")),
    a_problem("Double it.", "", "code").model_copy(
        update={
            "tests": CallTests(entry_point="f", cases=(CallCase(args=(1, [2.5, "x"], None), expected={"a": 10**30}),))
        }
    ),
]


def test_problems_come_back_as_they_were(tmp_path: Path) -> None:
    spool = spool_problems(iter(PROBLEMS), tmp_path)
    assert list(spool) == PROBLEMS
    assert (len(spool), spool[-1], spool[1:]) == (3, PROBLEMS[-1], PROBLEMS[1:])
    with pytest.raises(IndexError):
        spool[3]
    assert not list(tmp_path.iterdir())  # nothing is left behind, not even by a kill


def test_without_some_the_others_keep_their_order(tmp_path: Path) -> None:
    spool = spool_problems(PROBLEMS, tmp_path)
    rest = spool.without({PROBLEMS[1].problem_id})
    assert list(rest) == [PROBLEMS[0], PROBLEMS[2]]
    assert list(rest.without({PROBLEMS[0].problem_id})) == [PROBLEMS[2]]
    assert len(spool) == 3


def test_saved_problems_come_back_with_all_that_is_known_of_them(tmp_path: Path) -> None:
    """Whatever stood before them in the file, and with more than one part of it."""
    first = a_problem().model_copy(update={"license": "MIT"})
    turn = ConversationTurn(conversation_id="c", number=2, turns=2, follows=first)
    problems = [first, *PROBLEMS, a_problem("And now?").model_copy(update={"turn": turn})]
    spool = spool_problems(problems, tmp_path)
    spool.save(tmp_path / "saved")
    again = saved_problems(tmp_path / "saved")
    assert list(again) == problems
    assert (again.facts, again.later_turns(), list(again.ids())) == (spool.facts, {4: 2}, list(spool.ids()))
    assert list(again.ids()) == [problem.problem_id for problem in problems]
    assert list(again.without({first.problem_id})) == [
        problem for problem in problems if problem.problem_id != first.problem_id
    ]
    assert again.facts.runs_programs
    assert set(again.facts.licenses) == {"MIT", a_problem().license}
    assert again.facts.digest != spool_problems(problems[:4], tmp_path).facts.digest
    assert not list(tmp_path.iterdir())  # it has lost its name


def test_no_problem_is_no_error(tmp_path: Path) -> None:
    nothing: list[Problem] = []
    spool_problems(nothing, tmp_path).save(tmp_path / "saved")
    assert not saved_problems(tmp_path / "saved")


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot be written"):
        spool_problems(PROBLEMS, tmp_path / "missing")
