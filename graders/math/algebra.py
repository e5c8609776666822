"""What runs inside an algebra worker: sympy on syntax trees, and LaTeX that only latex2sympy2 reads.

No text is evaluated: a tree becomes sympy objects constructor by constructor, and latex2sympy2_extended builds
its objects from a grammar. Whatever hangs or eats memory here ends with the worker, not with the grader.
"""

from fractions import Fraction
from typing import Any

import sympy
from latex2sympy2_extended import NormalizationConfig, latex2sympy
from pydantic import JsonValue

_FUNCTIONS = {
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "cot": sympy.cot, "sec": sympy.sec, "csc": sympy.csc,
    "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "sinh": sympy.sinh, "cosh": sympy.cosh,
    "tanh": sympy.tanh, "ln": sympy.log, "log": sympy.log, "abs": sympy.Abs, "floor": sympy.floor,
    "ceil": sympy.ceiling, "factorial": sympy.factorial, "binom": sympy.binomial, "max": sympy.Max,
    "min": sympy.Min,
}  # fmt: skip


def answer(kind: str, left: JsonValue, right: JsonValue) -> JsonValue:
    """Answer one job of the pool: `trees` (JSON trees) or `latex` (cleaned LaTeX), with the two sides.

    Returns "equal", "different" (only where numbers prove it) or "undecided".
    """
    if kind == "trees":
        return _same_trees(left, right)
    return _same_latex(str(left), str(right))


def prepare() -> None:
    """Do one comparison of each kind: what sympy and the grammar build on first use, every forked worker inherits."""
    x: list[JsonValue] = ["sym", "x"]
    two: list[JsonValue] = ["num", "2", "1"]
    squares: list[JsonValue] = ["add", ["pow", ["fn", "sin", x], two], ["pow", ["fn", "cos", x], two]]
    answer("trees", squares, ["num", "1", "1"])
    answer("trees", ["pow", two, ["div", ["num", "1", "1"], two]], ["fn", "ln", x])
    answer("latex", r"\int_0^1 x dx", r"\frac{1}{2}")


def _same_trees(left: JsonValue, right: JsonValue) -> str:
    gap = _build(left) - _build(right)
    if gap == 0:
        return "equal"
    parts = [lambda value: sympy.expand(value, complex=True)] if gap.has(sympy.I) else []
    for attempt in (sympy.expand, *parts, sympy.simplify, lambda value: sympy.simplify(value.rewrite(sympy.exp))):
        if attempt(gap) == 0:
            return "equal"
    return "undecided"


def _build(tree: Any) -> Any:
    kind, children = tree[0], tree[1:]
    if kind == "num":
        return sympy.Rational(int(children[0]), int(children[1]))
    if kind == "sym":
        # Positive symbols: the numeric check has seen points of either sign before.
        return sympy.Symbol(children[0], positive=True)
    if kind == "const":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I}[children[0]]
    if kind == "inf":
        return sympy.oo
    if kind == "fn":
        name, arguments = children[0], [_build(child) for child in children[1:]]
        return (_FUNCTIONS.get(name) or sympy.Function(name))(*arguments)
    built = [_build(child) for child in children]
    if kind == "neg":
        return -built[0]
    if kind == "add":
        return built[0] + built[1]
    if kind == "mul":
        return built[0] * built[1]
    if kind == "div":
        return built[0] / built[1]
    return _root(*built)


def _root(base: Any, exponent: Any) -> Any:
    if exponent.is_Rational and exponent.q % 2 and exponent.q > 1 and base.is_negative:
        return (-1) ** exponent.p * (-base) ** exponent
    return base**exponent


def _same_latex(left: str, right: str) -> str:
    config = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none")
    left_value = latex2sympy(left, normalization_config=config)
    right_value = latex2sympy(right, normalization_config=config)
    left_value, right_value = left_value.doit(), right_value.doit()
    if not isinstance(left_value, sympy.Expr) or not isinstance(right_value, sympy.Expr):
        return "equal" if left_value == right_value else "undecided"
    gap = left_value - right_value
    if gap != 0 and sympy.simplify(gap) != 0:
        # Decimals are floats in there: what they say about a difference is not exact.
        return "different" if not gap.has(sympy.Float) and _values_differ(gap) is True else "undecided"
    return "equal" if _values_differ(sympy.Add(left_value, -right_value, evaluate=False)) is False else "undecided"


def _values_differ(gap: Any) -> bool | None:
    """Evaluate a difference at random points with 40 digits: True, False, or None where it has no value."""
    names = sorted(gap.free_symbols, key=str)
    seen = 0
    for number in range(4):
        point = {
            name: sympy.Rational(2_000 + 7_919 * (number + 1) * (place + 3) % 28_000, 9_973)
            for place, name in enumerate(names)
        }
        value = sympy.N(gap.subs(point), 40)
        if not value.is_number or value.has(sympy.nan, sympy.zoo, sympy.oo):
            continue
        if abs(value) > Fraction(1, 10**20):
            return True
        seen += 1
        if not names:
            break
    return False if seen else None
