"""Problems with tests, candidates that are programs, and tools that hold nothing but a sandbox."""

from dataclasses import dataclass

from cotfactory.graders.code.grade_code import grade_code
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import CallCase, CallTests, Problem, StdioCase, StdioTests, Tests
from tests.builders import a_candidate, a_problem


@dataclass(frozen=True)
class SandboxOnly:
    """Tools as far as code is concerned."""

    sandbox: Sandbox | None


def code_problem(tests: Tests | None, question: str = "Write the program.") -> Problem:
    return a_problem(question, "", "code", tests=tests, problem_id="problem")


def attempt(response: str, finish_reason: str = "stop") -> Candidate:
    return a_candidate(response, candidate_id="candidate", problem="problem", finish_reason=finish_reason)


def grade_program(problem: Problem, program: str, sandbox: Sandbox | None) -> Grade:
    return grade_code(problem, attempt(f"```python\n{program}\n```"), SandboxOnly(sandbox))


DIGIT_SUM = code_problem(
    CallTests(
        entry_point="digit_sum",
        cases=tuple(CallCase(args=(n,), expected=total) for n, total in ((7, 7), (38, 11), (10**40 - 1, 360))),
    )
)
DIGIT_SUM_SOLUTION = "def digit_sum(n):\n    return sum(map(int, str(n)))\n"
DIGIT_SUM_SCRIPT = code_problem(
    StdioTests(cases=(StdioCase(stdin="7\n", stdout="7\n7\n"), StdioCase(stdin="38\n", stdout="38\n11\n")))
)
DIGIT_SUM_SCRIPT_SOLUTION = "n = int(input())\nprint(n)\nprint(sum(map(int, str(n))))\n"
