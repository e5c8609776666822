"""What an equation or inequality says something about, and whether two of them speak of different things."""

import re

from cotfactory.graders.math.resolve_shapes import has_symbols
from cotfactory.graders.math.structures import Shape
from cotfactory.graders.math.symbol_names import is_name

_VARIABLE = re.compile(r"[a-z](?:_\{?\w+\}?)?\Z")
_CAPITAL = re.compile(r"[A-Z](?:_\{?\w+\}?)?\Z")
_APPLIED = re.compile(r"([A-Za-z]'*)\(([^()]*)\)\Z")


def subject(shape: Shape) -> str | None:
    r"""Return the name that `x = 5`, `x > 3`, `1 < x < 2` or `x \in [1, 2]` is about, None for anything else."""
    if shape.name:
        return shape.name
    if shape.kind not in ("equation", "inequality"):
        return None
    named = [part.text.replace(" ", "") for part in shape.parts if is_name(part.text)]
    others = [part for part in shape.parts if not is_name(part.text)]
    if len(named) != 1 or any(part.kind == "value" and has_symbols(part.text) for part in others):
        return None
    return named[0]


def are_different(one: str | None, two: str | None, question: str = "") -> bool:
    """Whether two names are of different things: x and y, f(2) and f(3); capitals only where the question has both.

    >>> are_different("x", "y"), are_different("f(2)", "f(3)"), are_different("f(x)", "y"), are_different("x", "x_{1}")
    (True, True, False, True)
    """
    if one is None or two is None or _plain(one) == _plain(two):
        return False
    if _VARIABLE.match(one) and _VARIABLE.match(two):
        return True
    if _CAPITAL.match(one) and _CAPITAL.match(two):
        return all(re.search(rf"(?<![A-Za-z\\]){name[0]}(?![A-Za-z])", question) for name in (one, two))
    if one.startswith("(") and two.startswith("("):  # (x, y) and (y, x)
        return sorted(one) == sorted(two)
    left, right = _APPLIED.match(one), _APPLIED.match(two)
    if left and right:
        literal = all(any(character.isdigit() for character in match[2]) for match in (left, right))
        return literal and left.groups() != right.groups()
    return False


def _plain(name: str) -> str:
    return name.replace("{", "").replace("}", "")
