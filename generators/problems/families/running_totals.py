"""Running totals: `4+3*2-9`, worked from left to right without precedence, every running total from 0 to 20.

Difficulty 1 has five operations, 3 has six, 5 seven. About every third multiplies. Small enough for a
model of 100,000 parameters to learn (`generators/students/`), and no item is ever short of a worked chain.
"""

import re
from random import Random
from typing import NamedTuple

from cotfactory.generators.problems.chains import Worked
from cotfactory.generators.problems.families.item import Item, Notepad, number

LARGEST_TOTAL = 20
LARGEST_OPERAND = 9
LARGEST_FACTOR = 5
SIGNS = "+-" + 6 * "*"
"""What is drawn from at each step."""

_EXPRESSION = re.compile(r"(\d+)((?:[-+*]\d+){1,64})$")
_OPERATION = re.compile(r"([-+*])(\d+)")


class Operation(NamedTuple):
    """What is done to the running total: `+ 3`, `- 9`, `* 2`."""

    sign: str
    operand: int

    def of(self, total: int) -> int:
        """Return the new running total."""
        if self.sign == "*":
            return total * self.operand
        return total + self.operand if self.sign == "+" else total - self.operand


class Expression(NamedTuple):
    """The number that one starts from, and what is done to it, in order."""

    start: int
    operations: tuple[Operation, ...]

    def text(self) -> str:
        """Return it as it is asked: `4+3*2-9`."""
        return f"{self.start}" + "".join(f"{operation.sign}{operation.operand}" for operation in self.operations)


def draw_expression(rng: Random, length: int) -> Expression:
    """Draw an expression of `length` operations; where that keeps the total in range, three of four steps multiply."""
    start = total = rng.randint(0, 9)
    operations = []
    for _ in range(length):
        possible = {"+": min(LARGEST_OPERAND, LARGEST_TOTAL - total), "-": min(LARGEST_OPERAND, total)}
        possible["*"] = min(LARGEST_FACTOR, LARGEST_TOTAL // total) if total else 0
        least = {"+": 1, "-": 1, "*": 2}
        sign = rng.choice([sign for sign in SIGNS if possible[sign] >= least[sign]])
        operation = Operation(sign, rng.randint(least[sign], possible[sign]))
        operations.append(operation)
        total = operation.of(total)
    return Expression(start, tuple(operations))


def running_totals(rng: Random, difficulty: int) -> Item:
    """Draw an expression, worked step by step."""
    expression = draw_expression(rng, 4 + (difficulty + 1) // 2)
    notes = Notepad()
    (first, *others) = expression.operations
    total = notes.step("First", expression.start, first.sign, first.operand)
    for operation in others:
        total = notes.step("Then", total, operation.sign, operation.operand)
    return Item(
        question=f"From left to right: {expression.text()}",
        answer_kind="math",
        domain="arithmetic",
        template="".join(operation.sign for operation in expression.operations),
        worked=Worked(notes.chain(), number(total)),
    )


def true_chain(text: str) -> str | None:
    """Return the only chain that holds for the expression of a question: a line for each operation; None without one.

    A true equation that belongs to another question (`7+2=9` where `*2` was asked) is in no such chain.
    """
    found = _EXPRESSION.search(text)
    if found is None:
        return None
    total, lines = int(found[1]), []
    for sign, operand in _OPERATION.findall(found[2]):
        after = Operation(sign, int(operand)).of(total)
        lines.append(f"{total}{sign}{operand}={after}")
        total = after
    return "\n".join(lines)
