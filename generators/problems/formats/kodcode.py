"""KodCode (KodCode/KodCode-V1): questions with a solution and pytest functions that import it (Xu et al., 2025)."""

from pydantic import BaseModel

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.starter_code import with_code


class KodCodeFunction(BaseModel):
    """A function that the tests import: its name, and the line that declares it."""

    function_name: str
    function_declaration: str = ""


class KodCodeRow(BenchmarkRow):
    """A problem: `test` begins with `from solution import ...`; `test_info` names what it imports."""

    question_id: str
    question: str
    solution: str
    test: str
    test_info: list[KodCodeFunction] | None = None
    subset: str | None = None

    def problem(self) -> ProblemFields:
        """Return the problem; the question is told the declaration, which the tests rely on and it may not name."""
        functions = self.test_info or []
        declared = "\n\n".join(function.function_declaration for function in functions).strip()
        is_told = all(function.function_name in self.question for function in functions)
        tests: ProblemFields = {"kind": "assert", "code": self.test}
        if len(functions) == 1:
            tests["entry_point"] = functions[0].function_name
        return {
            "id": self.question_id,
            "question": self.question.strip() if is_told else with_code(self.question, declared, "Declare it so:"),
            "tests": tests,
            "solution": self.solution,
            "domain": self.subset,
        }
