"""HumanEval+ (evalplus/humanevalplus): functions to complete, with `check(candidate)` over inputs and results."""

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.starter_code import with_code


class HumanEvalPlusRow(BenchmarkRow):
    """A problem, as of HumanEval: `prompt` is the code up to the function's body, which `canonical_solution` is."""

    task_id: str
    prompt: str
    canonical_solution: str
    entry_point: str
    test: str

    def problem(self) -> ProblemFields:
        """Return the problem."""
        return {
            "id": self.task_id,
            "question": with_code("", self.prompt, f"Complete the function `{self.entry_point}`:").strip(),
            "tests": {"kind": "assert", "code": self.test, "entry_point": self.entry_point},
            "solution": self.prompt + self.canonical_solution,
        }
