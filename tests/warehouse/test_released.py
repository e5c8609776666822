"""A release's problems are read back from the workspace, also from tables of an earlier version."""

import pytest

from cotfactory.warehouse.released import stored_problem
from tests.builders import AT, a_problem


@pytest.mark.parametrize("since", ["tests", "rubric", "domain"])
def test_a_table_that_was_written_before_it_got_a_column(since: str) -> None:
    problem = a_problem()
    row = {**problem.model_dump(), "loaded_at": AT}
    del row[since]
    assert stored_problem(row) == problem
