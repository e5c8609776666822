"""Values as Python prints them, in the notation of mathematics: `[8]`, `{x: 2}`, `Fraction(1, 2)`."""

import ast
import re
from collections.abc import Sequence

from cotfactory.schemas.syntax_tree import expression_tree

MOST_CHARACTERS = 500
QUOTIENTS = frozenset({"Fraction", "Rational", "mpq"})
WRAPPERS = re.compile(
    r"Decimal|Float|Integer|mpf|(?:float|u?int)[0-9]+|str_|bool_|array|(?:Immutable|Mutable)?(?:Dense)?Matrix|FiniteSet|"
    r"Counter|OrderedDict|(?:frozen)?set|dict_(?:keys|values)|deque"
)
"""Calls that say of what type a value is, and hold it."""
NUMBERS = re.compile(r"[-+0-9.eE\[\]\s]+")
BETWEEN_NUMBERS = re.compile(r"(?<=[0-9.\]])\s+(?=[-+0-9.\[])")
"""Numbers and rows of numbers with spaces between them: how `print(2, 3)` and numpy's arrays write them."""


def as_mathematics(text: str, *, bracketed: bool = False) -> tuple[str, ...]:
    """Return further ways to read what a program printed, likeliest first; none where it is no Python value.

    `bracketed` says that brackets tell what is meant, an interval say: then those of a list stay.

    >>> as_mathematics("[Fraction(1, 2), np.float64(3.0)]")
    ('[1/2, 3.0]', '1/2, 3.0')
    >>> as_mathematics("{x: 2}"), as_mathematics("x**2 + 1"), as_mathematics("18 apples"), as_mathematics("[[1 2]]")
    (('x = 2', '2'), ('x ^ 2 + 1',), (), ('[1, 2]', '1, 2', '[[1, 2]]'))
    """
    if len(text) > MOST_CHARACTERS:
        return ()
    text = BETWEEN_NUMBERS.sub(", ", text.strip()) if NUMBERS.fullmatch(text) else text.strip()
    try:
        node = expression_tree(text)
        readings = _readings(node, bracketed)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(dict.fromkeys(readings))


def _readings(node: ast.expr, bracketed: bool) -> list[str]:
    node = _unwrapped(node)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        if len(node.elts) == 1:
            return [*_readings(node.elts[0], bracketed), _written(node)]
        row = [] if bracketed or not node.elts else [_joined(node.elts)]
        return [_written(node), *row]
    if isinstance(node, ast.Dict) and node.keys:
        values = [_written(value) for value in node.values]
        equations = [f"{_written(key)} = {value}" for key, value in zip(node.keys, values, strict=True) if key]
        return [", ".join(equations), ", ".join(values)]
    return [_written(node)]


def _unwrapped(node: ast.expr) -> ast.expr:
    """Return what calls like `np.float64(3.0)` hold."""
    while isinstance(node, ast.Call) and WRAPPERS.fullmatch(_name(node)) and node.args:
        node = node.args[0]
    return node


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _written(node: ast.expr) -> str:
    """Return a value in the notation of mathematics."""
    node = _unwrapped(node)
    if isinstance(node, ast.Call) and _name(node) in QUOTIENTS and len(node.args) == 2:
        return f"{_written(node.args[0])}/{_written(node.args[1])}"
    if isinstance(node, ast.List):
        return f"[{_joined(node.elts)}]"
    if isinstance(node, ast.Tuple):
        return f"({_joined(node.elts)})"
    if isinstance(node, ast.Set):
        return f"\\{{{_joined(node.elts)}\\}}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ast.unparse(node).replace("**", "^")


def _joined(items: Sequence[ast.expr]) -> str:
    return ", ".join(map(_written, items))
