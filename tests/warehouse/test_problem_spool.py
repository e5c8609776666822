"""Problems on disk are the problems that were written, at their positions."""

from pathlib import Path

import pytest

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.problem import CallCase, CallTests, Problem
from cotfactory.warehouse.problem_spool import spool_problems
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


def test_no_problem_is_no_error(tmp_path: Path) -> None:
    nothing: list[Problem] = []
    assert not spool_problems(nothing, tmp_path)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot be written"):
        spool_problems(PROBLEMS, tmp_path / "missing")
