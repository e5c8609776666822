"""Problems with tests, candidates that are programs, and tools that hold nothing but a sandbox."""

from dataclasses import dataclass
from datetime import UTC, datetime

from cotfactory.graders.code.grade_code import grade_code
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import CallCase, CallTests, Problem, StdioCase, StdioTests, Tests
from cotfactory.schemas.teaching import Sampling, Usage


@dataclass(frozen=True)
class SandboxOnly:
    """Tools as far as code is concerned."""

    sandbox: Sandbox | None


def code_problem(tests: Tests | None, question: str = "Write the program.") -> Problem:
    return Problem(
        problem_id="problem",
        source="tests",
        source_row_id="0",
        question=question,
        answer="",
        answer_kind="code",
        tests=tests,
        split_group="0",
    )


def attempt(response: str, finish_reason: str = "stop") -> Candidate:
    return Candidate(
        candidate_id="candidate",
        problem_id="problem",
        teacher="teacher",
        prompt_id="prompt",
        sampling=Sampling(),
        sample_index=0,
        reasoning=None,
        response=response,
        finish_reason=finish_reason,
        usage=Usage(),
        cost_usd=None,
        latency_ms=1.0,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


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
