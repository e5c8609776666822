"""Answers that programs compute: which program is run, what of it is the answer, and how that is compared."""

from collections.abc import Iterator

import pytest

from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade, grade_batch, grader_name_and_version, self_test
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.problem import Problem
from tests.builders import a_problem
from tests.graders.programs import attempt

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def tools(sandbox: Sandbox) -> Iterator[Tools]:
    with open_tools(sandbox) as opened:
        yield opened


def computed(reference: str, question: str = "How many are there?") -> Problem:
    return a_problem(question, reference, "math").model_copy(update={"program": "run"})


def fenced(*programs: str) -> str:
    return "\n\nThen:\n\n".join(f"```python\n{program}\n```" for program in programs)


@pytest.mark.parametrize(
    ("reference", "response"),
    [
        ("18", fenced("eggs = 16\nprint((eggs - 7) * 2.0)")),  # 18.0
        ("18", "eggs = 16\nans = (eggs - 7) * 2"),  # program of thoughts: bare code, and no print
        ("18", fenced("def solution():\n    return 18")),  # PAL
        ("18", fenced("def solver():\n    ans = 18\n    return ans")),
        ("18", "    eggs = 16\n    ans = eggs + 2\n    return ans"),  # the body of a function that a prompt began
        ("18", fenced("ans = []\nfor n in range(18):\n    ans.append(n)\nprint(len(ans))")),  # no answer of that name
        ("18", fenced("print('eggs:', 16)\nans = 16 + 2")),  # what it says last
        ("18", fenced("total = 18\ntotal")),  # as in a notebook
        ("18", fenced("eggs = 16", "print(eggs + 2)")),  # the last block goes on from the first
        ("18", fenced("print(17)", "print(18)")),  # a correction
        ("18", fenced("print(18)") + "\n```output\n18\n```\nSo the answer is \\boxed{17}."),  # the program counts
        ("18", "<think>\n" + fenced("print(3)") + "\n</think>\n" + fenced("print(18)")),
        ("18", fenced("print('step 1: 16')\nprint('Answer: 18')")),
        ("18", fenced("print(f'${18:.2f}')")),
        ("18", fenced("if __name__ == '__main__':\n    print(18)")),
        ("18", fenced("import sys\nprint(18)\nsys.exit()")),
        ("18", fenced("answer = np.sum([9, 9])")),  # everybody's name for numpy
        ("18", "```python\nprint(18)"),  # never closed, though the teacher was done
        ("\\frac{1}{3}", fenced("print(1 / 3)")),
        ("0.3", fenced("print(0.1 + 0.2)")),
        ("2\\sqrt{3}", fenced("import math\nprint(math.sqrt(12))")),
        ("2\\sqrt{3}", fenced("from sympy import sqrt\nprint(sqrt(12))")),
        ("0", fenced("import math\nprint(math.sin(math.pi))")),
        ("x = 2", fenced("from sympy import *\nx = symbols('x')\nprint(solve(x - 2, x, dict=True))")),
        ("\\{2, 3\\}", fenced("print([2, 3])")),
        ("2, 3", fenced("print(2, 3)")),
    ],
)
def test_what_a_program_gives_is_its_answer(reference: str, response: str, tools: Tools) -> None:
    found = grade(computed(reference), attempt(response), tools)
    assert (found.verdict, found.reason) == ("correct", "equal"), found


@pytest.mark.parametrize(
    ("reference", "response", "verdict", "reason"),
    [
        (
            "18",
            fenced("print(17)") + "\nThe answer is \\boxed{18}.",
            "incorrect",
            "different",
        ),  # what it says, not does
        ("18", fenced("print(18)\nans = 17"), "incorrect", "different"),
        ("18", fenced("print('17 or 18')"), "no_answer", "several_answers"),
        ("18", fenced("print(1 / 0)"), "no_answer", "raised"),
        ("18", fenced("print(18"), "no_answer", "raised"),
        ("18", fenced("eggs = 18"), "no_answer", "no_output"),
        ("18", fenced("while True:\n    pass"), "no_answer", "timeout"),
        ("18", "The answer is \\boxed{18}.", "no_answer", "no_program"),
        ("18", "", "no_answer", "no_program"),
        ("18", fenced("import torch\nprint(18)"), "ungraded", "missing_module"),  # ours to install
        ("18", fenced("import no_such_module\nprint(18)"), "no_answer", "raised"),  # nobody could
        ("1/3", fenced("print(0.33)"), "incorrect", "different"),  # no float of full length
        ("1e-13", fenced("print(2e-13)"), "incorrect", "different"),  # small, and no 0
        ("(2, 3)", fenced("print('[2, 3]')"), "incorrect", "different"),  # another interval
        ("18", fenced("import os\nos.write(3, b'18')\nos._exit(0)"), "no_answer", "no_output"),
        ("18", fenced("import os\nos.write(3, b'[' * 50000)\nos._exit(0)"), "no_answer", "no_output"),
    ],
)
def test_what_is_no_right_answer(reference: str, response: str, verdict: str, reason: str, tools: Tools) -> None:
    found = grade(computed(reference), attempt(response), tools)
    assert (found.verdict, found.reason) == (verdict, reason), found


def test_a_program_that_ran_into_the_token_limit_is_not_run(tools: Tools) -> None:
    found = grade(computed("18"), attempt(fenced("print(18)"), finish_reason="length"), tools)
    assert (found.verdict, found.reason) == ("no_answer", "truncated")


def test_without_a_sandbox_nothing_is_known(tools: Tools) -> None:
    found = grade(computed("18"), attempt(fenced("print(18)")), Tools(tools.algebra, None))
    assert (found.verdict, found.reason) == ("ungraded", "no_sandbox")


def test_the_grade_says_what_ran_where(tools: Tools) -> None:
    problem = computed("18")
    (found,) = grade_batch([(problem, attempt(fenced("print(18)")))], tools)
    assert (found.grader, found.grader_version) == grader_name_and_version(problem)
    assert (found.extracted_answer, found.evidence.rule) == ("print(18)", "program")
    assert found.evidence.detail == "it gives 18"
    assert found.evidence.image_digest


def test_the_reference_is_tested_as_it_is_stated(tools: Tools) -> None:
    assert self_test(computed("18"), tools).verdict == "correct"
    assert self_test(computed("4/0"), tools).verdict != "correct"
