"""MultiPL-E (nuprl/MultiPL-E): HumanEval and MBPP in other languages (Cassano et al., 2022)."""

import re

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.program_tests import unsupported
from cotfactory.generators.problems.starter_code import with_code

CHECKED = re.compile(r"^(?:def test_check\(\):\n[ \t]+)?check\((\w+)\)\s*(?:^test_check\(\)\s*)?\Z", re.MULTILINE)
"""How the tests of a Python row end: with the function that `check` is called for, which names it."""


class MultiPlERow(BenchmarkRow):
    """A problem: `prompt` is the code up to the function's body, `tests` what follows the body."""

    name: str
    language: str
    prompt: str
    tests: str

    def problem(self) -> ProblemFields:
        """Return the problem; of other languages than Python nothing here judges it. Raises ValueError for other tests.

        There the tests are code that ends the program's own, and would run within its reach.
        """
        return {
            "id": self.name,
            "question": with_code("", self.prompt, "Complete this function:"),
            "tests": self._tests(),
        }

    def _tests(self) -> ProblemFields:
        if self.language not in ("py", "python"):
            return unsupported(f"its tests are code in {self.language}: expected Python, or stdio tests")
        checked = CHECKED.search(self.tests)
        if checked is None:
            raise ValueError(
                f"`tests` ends with {self.tests[-40:]!r}: expected `check(NAME)`, which names the function"
            )
        return {"kind": "assert", "code": self.tests[: checked.start()], "entry_point": checked.group(1)}
