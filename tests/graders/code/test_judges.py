"""Problems with a judge, limits and starter code of their own, on a real engine."""

from typing import Any

import pytest

from cotfactory.generators.problems.row import problem_from_row
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.problem import Problem
from tests.graders.programs import grade_program

pytestmark = pytest.mark.docker


def written(tests: dict[str, Any], **fields: Any) -> Problem:
    """Return a problem as a problem file writes it."""
    question = fields.pop("question", "Write the program.")
    row = {"id": "1", "question": question, "answer_kind": "code", "source": "s", "tests": tests, **fields}
    return problem_from_row(row, "line 1")


def stdio(stdin: str, stdout: str, **case: Any) -> dict[str, Any]:
    return {"kind": "stdio", "cases": [{"stdin": stdin, "stdout": stdout, **case}]}


def calls(entry_point: str, *args: Any, expected: Any, **case: Any) -> dict[str, Any]:
    cases = [{"args": list(args), "expected": expected, **case}]
    return {"kind": "calls", "entry_point": entry_point, "cases": cases}


MEAN = "input(); x = list(map(int, input().split())); print('%.6f' % (sum(x) / len(x)))"
PAIRS = "def pairs(x): return [[2, 3], [1, 3], [1, 2]]"
SORT = "def sort(x): x.sort()"


@pytest.mark.parametrize(
    ("problem", "program", "verdict", "reason"),
    [
        # a float to its last digit, and one that is expected in so many digits
        (written(stdio("3\n1 2 4\n", "2.3333333333333335\n")), MEAN, "correct", "passed"),
        (written(stdio("3\n1 2 4\n", "2.33333333\n")), MEAN, "incorrect", "wrong_result"),
        (written(stdio("3\n1 2 4\n", "2.33333333\n"), judge={"absolute": 1e-6}), MEAN, "correct", "passed"),
        (written(calls("f", 3, expected=[0.1, 0.2, 0.3])), "def f(n): return [i * 0.1 for i in (1, 2, 3)]", "correct",
         "passed"),
        (written(stdio("3\n1 2 4\n", "2.3334\n"), judge={"absolute": 1e-6}), MEAN, "incorrect", "wrong_result"),
        (written(stdio("3\n", "1 2 3\n"), judge="tokens"), "for i in range(3): print(i + 1)", "correct", "passed"),
        (written(stdio("5\n", "9\n", accepted=["0\n", "1\n"])), "print(1)", "correct", "passed"),
        (written(stdio("5\n", "9\n", accepted=["0\n", "1\n"])), "print(5)", "incorrect", "wrong_result"),
        # the question itself says that letters may be of any case
        (written(stdio("2\n", "YES\n"), question="Print YES or NO in any case."), "print('Yes')", "correct", "passed"),
        (written(calls("pairs", [1, 2, 3], expected=[[1, 2], [1, 3], [2, 3]])), PAIRS, "incorrect", "wrong_result"),
        (written(calls("pairs", [1, 2, 3], expected=[[1, 2], [1, 3], [2, 3]]), judge="any_order"), PAIRS, "correct",
         "passed"),
        (written(calls("f", 1, expected=2, accepted=[3])), "def f(n): return n + 2", "correct", "passed"),
        # an argument changed in place; what is returned says nothing
        (written(calls("sort", [3, 1], expected=[1, 3]), judge="argument 0"), SORT, "correct", "passed"),
        (written(calls("sort", [3, 1], expected=[1, 3]), judge="argument 0"), "def sort(x): return sorted(x)",
         "incorrect", "wrong_result"),
        (written(calls("sort", [3, 1], expected=[1, 3]), judge="argument 0"), "def sort(x): raise ValueError",
         "incorrect", "raised"),
        (written(calls("sort", [3, 1], expected=[1, 3]), judge="argument 1"), SORT, "ungraded", "bad_tests"),
    ],
)  # fmt: skip
def test_a_judge(problem: Problem, program: str, verdict: str, reason: str, sandbox: Sandbox) -> None:
    grade = grade_program(problem, program, sandbox)
    assert (grade.verdict, grade.reason) == (verdict, reason)


# The sandbox of these tests allows 4 s and 256 MB, and no problem more.
@pytest.mark.parametrize(
    ("limits", "program", "reason"),
    [
        ({"time_limit_s": 0.5}, "while True: pass", "timeout"),
        ({"time_limit_s": 0.5}, "print(1)", "passed"),
        ({"time_limit_s": 60}, "while True: pass", "beyond_bounds"),
        ({"time_limit_s": 60}, "print(1)", "passed"),
        ({"memory_limit_mb": 64}, "x = bytearray(128 << 20); print(1)", "memory_limit"),
        ({"memory_limit_mb": 64}, "print(1)", "passed"),
        ({"output_limit_mb": 1}, "print('x' * (3 << 20))", "output_limit"),
        ({"output_limit_mb": 4}, "print('x' * (3 << 20))", "wrong_result"),
    ],
)
def test_limits_of_the_problem(limits: dict[str, float], program: str, reason: str, sandbox: Sandbox) -> None:
    grade = grade_program(written(stdio("", "1\n"), **limits), program, sandbox)
    assert grade.reason == reason
    assert grade.verdict == {"passed": "correct", "beyond_bounds": "ungraded"}.get(reason, "incorrect")


NOT_THE_SUM = (
    "import sys\n"
    "given, answer, output = (open(name).read().split() for name in sys.argv[1:])\n"
    "right = len(output) == 1 and output[0].isdigit() and int(output[0]) < 10 and output != answer\n"
)
"""The expected output is the sum; any other digit is right."""


@pytest.mark.parametrize(
    ("says", "program", "verdict", "reason"),
    [
        ("print(int(right))", "print(3)", "correct", "passed"),
        ("print(int(right))", "print(5)", "incorrect", "wrong_result"),
        ("print(int(right))", "print(3, 4)", "incorrect", "wrong_result"),
        ("print(int(right))", "", "incorrect", "wrong_result"),
        ("print(int(right))", "raise ValueError", "incorrect", "raised"),
        ("sys.exit(0 if right else 1)", "print(3)", "correct", "passed"),  # as testlib's checkers say it
        ("sys.exit(0 if right else 1)", "print(5)", "incorrect", "wrong_result"),
        ("sys.exit(0 if right else 2)", "print(5)", "incorrect", "wrong_result"),
        ("print('wrong answer: 1st line' if not right else 'ok')", "print(5)", "incorrect", "wrong_result"),
        ("print('wrong answer: 1st line' if not right else 'ok')", "print(3)", "correct", "passed"),
        # a checker that fails says nothing of the program
        ("raise ValueError", "print(3)", "ungraded", "checker_failed"),
        ("sys.exit(3)", "print(3)", "ungraded", "checker_failed"),
        ("print(open('nowhere').read())", "print(3)", "ungraded", "checker_failed"),
        # what the program leaves is gone when the checker runs
        (
            "import os; print(int(len(os.listdir('.')) == 3))",
            "open('x', 'w').write('1'); print(3)",
            "correct",
            "passed",
        ),
        ("print(int(right))", "import os; os.write(1, b'\\xff')", "incorrect", "wrong_result"),
    ],
)
def test_a_checker(says: str, program: str, verdict: str, reason: str, sandbox: Sandbox) -> None:
    problem = written(stdio("2 3\n", "5\n"), checker={"code": NOT_THE_SUM + says})
    grade = grade_program(problem, program, sandbox)
    assert (grade.verdict, grade.reason) == (verdict, reason), grade.evidence.detail


def test_the_files_of_a_checker_come_in_the_order_it_asks_for(sandbox: Sandbox) -> None:
    code = "import sys; print(int([open(name).read().strip() for name in sys.argv[1:]] == ['in', 'out', 'answer']))"
    problem = written(stdio("in", "answer"), checker={"code": code, "arguments": ["input", "output", "answer"]})
    assert grade_program(problem, "print('out')", sandbox).verdict == "correct"


STARTER = """class Solution:
    def {}(self, {}) -> {}:
        """
MIRROR = """class Solution:
    def mirror(self, root: Optional[TreeNode]) -> Optional[TreeNode]:
        if root:
            root.left, root.right = self.mirror(root.right), self.mirror(root.left)
        return root
"""
REVERSED = """class Solution:
    def turn(self, head: Optional[ListNode]) -> Optional[ListNode]:
        last = None
        while head:
            head.next, last, head = last, head, head.next
        return last
"""
TREE = STARTER.format("mirror", "root: Optional[TreeNode]", "Optional[TreeNode]")
LINKS = STARTER.format("turn", "head: Optional[ListNode]", "Optional[ListNode]")


@pytest.mark.parametrize(
    ("starter", "tests", "program", "verdict"),
    [
        (TREE, calls("Solution.mirror", [4, 2, 7, None, 3], expected=[4, 7, 2, None, None, 3]), MIRROR, "correct"),
        (TREE, calls("Solution.mirror", [4, 2, 7, None, 3], expected=[4, 7, 2, 3]), MIRROR, "incorrect"),
        (TREE, calls("mirror", [], expected=[]), MIRROR, "correct"),  # no tree at all
        (LINKS, calls("Solution.turn", [1, 2, 3], expected=[3, 2, 1]), REVERSED, "correct"),
        (LINKS, calls("Solution.turn", [1, 2, 3], expected=[3, 2]), REVERSED, "incorrect"),
        # a class of the program's own in place of the judge's, and no annotations
        (LINKS, calls("turn", [1], expected=[7, 1]), "class ListNode:\n    def __init__(self, val, next):\n        "
         "self.val, self.next = val, next\ndef turn(head): return ListNode(7, head)", "correct"),
        (LINKS, calls("turn", [1], expected=[1]), "def turn(head): return [1]", "incorrect"),  # a list is no node
        (LINKS, calls("turn", [1], expected=[1]), "def turn(head):\n    head.next = head\n    return head",
         "incorrect"),  # goes round for ever
        (STARTER.format("first", "lists: List[Optional[ListNode]]", "int"), calls("first", [[5, 6], []], expected=5),
         "def first(lists): return lists[0].val if lists[1] is None else 0", "correct"),
        (STARTER.format("cut", "head: ListNode", "None"),
         {**calls("cut", [1, 2, 3], expected=[1]), "judge": "argument 0"},
         "def cut(head): head.next = None", "correct"),
        # the question gives no signature: lists stay lists
        ("", calls("f", [1, 2], expected=[2, 1]), "def f(x): return x[::-1]", "correct"),
    ],
)  # fmt: skip
def test_linked_lists_and_trees(
    starter: str, tests: dict[str, Any], program: str, verdict: str, sandbox: Sandbox
) -> None:
    grade = grade_program(written(tests, starter_code=starter), program, sandbox)
    assert (grade.verdict, grade.evidence.weak) == (verdict, False), grade.evidence.detail
