"""APPS (codeparrot/apps): contest problems with `input_output` and `solutions` as JSON (Hendrycks et al., 2021)."""

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.input_output import InputOutputColumn, SolutionsColumn
from cotfactory.generators.problems.formats.program_tests import first_python, unsupported
from cotfactory.generators.problems.starter_code import with_code


class AppsRow(BenchmarkRow):
    """A problem; `input_output` and `solutions` are empty texts where the row has none."""

    problem_id: int | str
    question: str
    input_output: InputOutputColumn
    solutions: SolutionsColumn = None
    starter_code: str = ""

    def problem(self) -> ProblemFields:
        """Return the problem, with the first solution in today's Python."""
        given = self.input_output
        return {
            "id": self.problem_id,
            "question": with_code(self.question, self.starter_code),
            "tests": given.tests(self.starter_code) if given else unsupported("the row has no tests"),
            "solution": first_python(self.solutions or []),
        }
