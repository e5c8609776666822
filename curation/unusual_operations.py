"""Operations that only one chain of a problem uses on two numbers: a true equation with the wrong operation, perhaps.

What a chain states is recomputed elsewhere; `7 + 2 = 9` is true, and wrong where the problem multiplies 7 by 2. Its
fellows tell: right chains of the same problem, and the reference solution, that do something else with the same two
numbers. A label, no reason to drop: there is more than one way. On GSM8K's 2,001 right recorded chains 6 have it, some
of them rightly; of 1,973 with one planted operation 18 % do, as most pairs of numbers stand in too few fellows.
"""

import re
from collections.abc import Sequence

FELLOWS = 2
"""So many others must use another operation on the two numbers, and none of them this one."""
TEXT_READ = 20_000
NUMBER = r"(?<![\d.,+*/×÷=-])(?<![-+*/×÷=] )(?<![-+*/×÷=] \$)(\d{1,12}(?:,\d{3})*(?:\.\d{1,6})?)"
STATED = re.compile(rf"{NUMBER} ?([-+*/×÷]|\\times|\\div|\\cdot) ?\$?(\d{{1,12}}(?:,\d{{3}})*(?:\.\d{{1,6}})?)(?= ?=)")
SAME = {"×": "*", "\\times": "*", "\\cdot": "*", "÷": "/", "\\div": "/"}
Operations = tuple[str, ...]
"""For each pair of numbers the operations that a chain states of it, in an equation: `7 2 +*`, the larger first."""


def operations(text: str) -> Operations:
    r"""Return what a text does with which two numbers, where it states an equation of one operation.

    >>> operations("So 7 × 2 = 14, and 2*7 = 14.")
    ('7 2 *',)
    """
    found: dict[frozenset[str], set[str]] = {}
    equations = "\n".join(line for line in text[:TEXT_READ].split("\n") if "=" in line)
    for first, sign, second in STATED.findall(equations):
        numbers = frozenset((first.replace(",", ""), second.replace(",", "")))
        if len(numbers) == 2:  # 3 + 3 and 3 * 2 say too much alike
            found.setdefault(numbers, set()).add(SAME.get(sign, sign))
    return tuple(
        " ".join((*sorted(numbers, key=lambda number: (-float(number), number)), "".join(sorted(signs))))
        for numbers, signs in found.items()
    )


def unusual_operations(chains: Sequence[Operations], solution: Operations = ()) -> list[str | None]:
    """Return for each right chain of a problem the first operation that its fellows contradict; None: there is none.

    >>> unusual_operations([operations(text) for text in ("7 * 2 = 14", "2 * 7 = 14", "7 + 2 = 9")])
    [None, None, '7 + 2']
    """
    stated = [_by_numbers(found) for found in chains]
    others = [*stated, _by_numbers(solution)]
    return [_contradicted(own, [other for other in others if other is not own]) for own in stated]


def _by_numbers(found: Operations) -> dict[str, str]:
    pairs = (each.rpartition(" ") for each in found)
    return {numbers: signs for numbers, _, signs in pairs}


def _contradicted(own: dict[str, str], others: Sequence[dict[str, str]]) -> str | None:
    for numbers, signs in own.items():
        theirs = [other[numbers] for other in others if numbers in other]
        if len(theirs) >= FELLOWS and not any(set(signs) & set(used) for used in theirs):
            return f" {min(signs)} ".join(numbers.split(" "))
    return None
