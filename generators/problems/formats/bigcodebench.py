"""BigCodeBench (bigcode/bigcodebench): functions that use libraries, with unittest classes."""

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields


class BigCodeBenchRow(BenchmarkRow):
    """A problem: `instruct_prompt` is its text, `complete_prompt` the code up to the body of the function."""

    task_id: str
    instruct_prompt: str
    complete_prompt: str
    canonical_solution: str
    entry_point: str
    test: str

    def problem(self) -> ProblemFields:
        """Return the problem."""
        return {
            "id": self.task_id,
            "question": self.instruct_prompt.strip(),
            "tests": {"kind": "assert", "code": self.test, "entry_point": self.entry_point},
            "solution": f"{self.complete_prompt.rstrip()}\n{self.canonical_solution}",
        }
