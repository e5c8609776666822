"""TACO (BAAI/TACO): contest problems with `input_output` and `solutions` as JSON, and no id (Li et al., 2023)."""

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.input_output import InputOutputColumn, SolutionsColumn
from cotfactory.generators.problems.formats.program_tests import first_python, unsupported
from cotfactory.generators.problems.formats.stated_limits import bytes_of, limits_of, seconds_of
from cotfactory.generators.problems.starter_code import with_code


class TacoRow(BenchmarkRow):
    """A problem; its row's place is its name."""

    question: str
    input_output: InputOutputColumn
    solutions: SolutionsColumn = None
    starter_code: str | None = None
    time_limit: str | None = None
    memory_limit: str | None = None

    def problem(self) -> ProblemFields:
        """Return the problem, with the first solution in today's Python."""
        given, starter_code = self.input_output, self.starter_code or ""
        tests = given.tests(starter_code) if given else unsupported("the row has no tests")
        return {
            "question": with_code(self.question, starter_code),
            "tests": tests,
            "solution": first_python(self.solutions or []),
            **limits_of(tests, seconds_of(self.time_limit), bytes_of(self.memory_limit)),
        }
