"""CodeContests (deepmind/code_contests): contest problems with tests by who made them (Li et al., AlphaCode, 2022)."""

from typing import Self

from pydantic import BaseModel, model_validator

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.program_tests import first_python, stdio_tests, unsupported
from cotfactory.generators.problems.formats.stated_limits import limits_of

PYTHON3 = 3
"""Its number among the languages of `solutions`: 1 is Python 2, 2 is C++, 4 is Java."""


class CodeContestsCases(BaseModel):
    """Tests as two lists of texts, pair by pair."""

    input: list[str]
    output: list[str]

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        if len(self.input) != len(self.output):
            raise ValueError(f"{len(self.input)} inputs and {len(self.output)} outputs: expected as many")
        return self


class CodeContestsSolutions(BaseModel):
    """Accepted programs, each with the number of its language."""

    language: list[int] = []
    solution: list[str] = []


class CodeContestsTime(BaseModel):
    """A time as protocol buffers write it."""

    seconds: int = 0
    nanos: int = 0

    @property
    def total_s(self) -> float:
        """Return it in seconds."""
        return self.seconds + self.nanos / 1e9


class CodeContestsRow(BenchmarkRow):
    """A problem; `input_file` and `output_file` are empty where standard input and output are used."""

    name: str
    description: str
    public_tests: CodeContestsCases
    private_tests: CodeContestsCases
    generated_tests: CodeContestsCases
    solutions: CodeContestsSolutions = CodeContestsSolutions()
    input_file: str | None = None
    output_file: str | None = None
    time_limit: CodeContestsTime | None = None
    memory_limit_bytes: int | None = None

    def problem(self) -> ProblemFields:
        """Return the problem with all of its tests, and the first accepted program in Python 3."""
        programs = zip(self.solutions.solution, self.solutions.language, strict=False)
        tests, limit = self._tests(), self.time_limit
        return {
            "id": self.name,
            "question": self.description.strip(),
            "tests": tests,
            **limits_of(tests, limit.total_s if limit else None, self.memory_limit_bytes),
            "solution": first_python(code for code, language in programs if language == PYTHON3),
        }

    def _tests(self) -> ProblemFields:
        if self.input_file or self.output_file:
            return unsupported("the program would have to read or write files of given names")
        parts = (self.public_tests, self.private_tests, self.generated_tests)
        pairs = [pair for part in parts for pair in zip(part.input, part.output, strict=True)]
        return stdio_tests(pairs) if pairs else unsupported("the row has no tests")
