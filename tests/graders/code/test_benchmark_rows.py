"""Rows of known data sets, from their format to a grade: what solves them passes, their own solution too."""

from pathlib import Path

import pytest

from cotfactory.graders.code.grade_code import grade_code
from cotfactory.graders.sandbox.execution import Sandbox
from tests.generators.problems.formats.rows import EXAMPLES, FormatExample
from tests.generators.problems.formats.test_formats import only
from tests.graders.programs import SandboxOnly, attempt

ROWS = [(name, example) for name, examples in EXAMPLES.items() for example in examples]


@pytest.mark.docker
@pytest.mark.parametrize(("row_format", "example"), ROWS)
def test_what_solves_a_row_is_told_from_what_does_not(
    row_format: str, example: FormatExample, tmp_path: Path, sandbox: Sandbox
) -> None:
    problem = only(tmp_path, row_format, example.row)
    right, wrong = (
        grade_code(problem, attempt(f"```python\n{program}```"), SandboxOnly(sandbox))
        for program in (example.right, example.wrong)
    )
    assert (right.verdict, right.evidence.weak) == ("correct", False)
    assert wrong.verdict == "incorrect"


@pytest.mark.docker
@pytest.mark.parametrize(("row_format", "example"), ROWS)
def test_the_solution_of_a_row_passes_its_tests(
    row_format: str, example: FormatExample, tmp_path: Path, sandbox: Sandbox
) -> None:
    problem = only(tmp_path, row_format, example.row)
    if problem.solution is not None:
        grade = grade_code(problem, attempt(f"```python\n{problem.solution}\n```"), SandboxOnly(sandbox))
        assert (grade.verdict, grade.reason) == ("correct", "passed")
