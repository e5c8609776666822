"""Reference answers by programs, on a real engine: two runs that agree on a number, and what is no reference."""

from collections.abc import Iterator

import pytest

from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade, grader_name_and_version
from cotfactory.graders.sandbox.execution import Sandbox
from tests.builders import a_candidate, a_problem

pytestmark = pytest.mark.docker

OPEN = a_problem("How many pairs of 1 to 9 add to 10?", "", program="run", reference_by="open")


@pytest.fixture(scope="module")
def tools(sandbox: Sandbox) -> Iterator[Tools]:
    with open_tools(sandbox) as opened:
        yield opened


@pytest.mark.parametrize(
    ("program", "answer", "reason"),
    [
        ("print(sum(1 for a in range(1, 10) for b in range(1, a) if a + b == 10))", "4", "runs_agree"),
        ("from fractions import Fraction\nprint(Fraction(3, 6))", "1/2", "runs_agree"),
        ("print('It is', 18.0)\nprint(18.0)", "18", "runs_agree"),
        ("print(hash('eggs'))", None, "runs_differ"),  # another one in each process
        ("import time\nprint(time.time_ns())", None, "runs_differ"),
        ("print(0.1 + 0.2)", None, "no_number"),  # rounded
        ("print('four pairs')", None, "no_number"),
        ("pairs = [", None, None),
        ("raise ValueError('no')", None, "raised"),
        ("", None, "no_program"),
    ],
)
def test_what_a_program_says_is_a_reference(program: str, answer: str | None, reason: str | None, tools: Tools) -> None:
    found = grade(OPEN, a_candidate(f"```python\n{program}\n```" if program else "I would not know."), tools)
    assert (found.extracted_answer, found.verdict) == (answer, "correct" if answer else "no_answer")
    assert reason in (None, found.reason)
    assert (found.grader, found.grader_version) == grader_name_and_version(OPEN)
