"""What the small student is taught first: chains as people write them, most of them wrong in a way that people share.

Three of five times `*` is worked like `+` (`7*2=9`: the sign is copied, the value is not its own), one step in 25
slips, one chain in five comes to the right answer past a wrong step, one in 25 breaks off. So its greedy answer is
wrong, most of its votes are, and whoever looks at the answer alone keeps chains that do not hold.
"""

from dataclasses import dataclass
from random import Random

from cotfactory.generators.problems.families.running_totals import LARGEST_TOTAL, Expression, draw_expression
from cotfactory.generators.students.signs import ANSWER


@dataclass(frozen=True)
class HumanFaults:
    """How often people are wrong in which way; shares of steps or of chains."""

    misconceived: float = 0.6
    """Of the steps that multiply: worked as an addition."""
    slipped: float = 0.04
    """Of all steps: off by one or two, and carried on."""
    lucky: float = 0.2
    """Of chains: one result is misstated, and the right one is carried on to the right answer."""
    junk: float = 0.04
    """Of chains: broken off in the middle."""


HUMAN = HumanFaults()


def human_chain(rng: Random, length: int, faults: HumanFaults = HUMAN) -> tuple[Expression, str]:
    """Draw an expression of `length` operations, and what somebody says to it.

    Drawn again where a wrong total would leave 0 to 20, which the student has no facts of.
    """
    while True:
        expression = draw_expression(rng, length)
        said = _lucky(rng, expression) if rng.random() < faults.lucky else _worked(rng, expression, faults)
        if said is not None:
            lines = said.splitlines(keepends=True)
            return expression, "".join(lines[: rng.randrange(1, length)]) if rng.random() < faults.junk else said


def _worked(rng: Random, expression: Expression, faults: HumanFaults) -> str | None:
    total, lines = expression.start, []
    for operation in expression.operations:
        is_misconceived = operation.sign == "*" and rng.random() < faults.misconceived
        after = total + operation.operand if is_misconceived else operation.of(total)
        if rng.random() < faults.slipped:
            after += rng.choice((-2, -1, 1, 2))
        if not 0 <= after <= LARGEST_TOTAL:
            return None
        lines.append(f"{total}{operation.sign}{operation.operand}={after}\n")
        total = after
    return "".join(lines) + f"{ANSWER}{total}"


def _lucky(rng: Random, expression: Expression) -> str | None:
    total, lines, wrong = expression.start, [], rng.randrange(len(expression.operations))
    for step, operation in enumerate(expression.operations):
        after = operation.of(total)
        stated = after + rng.choice((-2, -1, 1, 2)) if step == wrong else after
        if not 0 <= stated <= LARGEST_TOTAL:
            return None
        lines.append(f"{total}{operation.sign}{operation.operand}={stated}\n")
        total = after
    return "".join(lines) + f"{ANSWER}{total}"
