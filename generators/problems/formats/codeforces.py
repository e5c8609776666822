"""open-r1/codeforces: problems of Codeforces with official tests and, where several outputs are right, a checker."""

from pydantic import BaseModel

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.program_tests import stdio_tests, unsupported
from cotfactory.generators.problems.formats.stated_limits import limits_of
from cotfactory.generators.problems.row import INTERACTIVE


class CodeforcesCase(BaseModel):
    """What a program reads, and what it prints."""

    input: str
    output: str


class CodeforcesRow(BenchmarkRow):
    """A problem: its statement in parts, the examples that the statement shows, and the tests that it does not."""

    id: str
    title: str
    description: str
    input_format: str | None = None
    output_format: str | None = None
    interaction_format: str | None = None
    note: str | None = None
    examples: list[CodeforcesCase] | None = None
    official_tests: list[CodeforcesCase] | None = None
    input_mode: str | None = "stdio"
    generated_checker: str | None = None
    time_limit: float | None = None
    """Seconds."""
    memory_limit: float | None = None
    """Megabytes."""

    def problem(self) -> ProblemFields:
        """Return the problem. Its solutions are another data set."""
        tests = self._tests()
        checked = self.generated_checker and tests["kind"] == "stdio"
        checker = {"checker": {"code": self.generated_checker}} if checked else {}
        limits = limits_of(tests, self.time_limit, self.memory_limit and self.memory_limit * (1 << 20))
        return {"id": self.id, "question": self._question(), "tests": tests, **checker, **limits}

    def _question(self) -> str:
        examples = [
            f"Input:\n```\n{case.input.strip()}\n```\nOutput:\n```\n{case.output.strip()}\n```"
            for case in self.examples or []
        ]
        parts = [
            ("", self.description),
            ("Input", self.input_format),
            ("Output", self.output_format),
            ("Interaction", self.interaction_format),
            ("Examples", "\n\n".join(examples)),
            ("Note", self.note),
        ]
        written = [f"## {name}\n\n{text.strip()}" if name else text.strip() for name, text in parts if text]
        return "\n\n".join([f"# {self.title.strip()}", *written])

    def _tests(self) -> ProblemFields:
        if self.interaction_format:
            return unsupported(INTERACTIVE)
        if self.input_mode not in (None, "stdio"):
            return unsupported("the program would have to read or write files of given names")
        if not self.official_tests:
            return unsupported("the row has no tests beside the examples of its statement")
        return stdio_tests((case.input, case.output) for case in self.official_tests)
