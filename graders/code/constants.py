"""Constants in a problem's test code: literals and small arithmetic on them, without evaluating anything.

Test code comes from a data set, so `9**9**9` and `[0] * 10**9` must cost nothing: sizes are bounded before
each operation.

>>> constant(ast.parse("[3 * 19, -1, 'ab' + 'c']", mode="eval").body)
[57, -1, 'abc']
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

MAX_BITS = 4096
MAX_ITEMS = 1000

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


class NotConstantError(ValueError):
    """An expression whose value is not known without running something."""


def constant(node: ast.expr) -> Any:
    """Return the value of a literal or of arithmetic on literals; raises NotConstantError."""
    if isinstance(node, ast.BinOp):
        return arithmetic(type(node.op), constant(node.left), constant(node.right))
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        items = [constant(item) for item in node.elts]
        return container(node, items)
    if isinstance(node, ast.Dict):
        return _dictionary(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return signed(node.op, constant(node.operand))
    if isinstance(node, ast.Constant) and not isinstance(node.value, complex) and node.value is not ...:
        return node.value
    raise NotConstantError(f"not a constant: {type(node).__name__}")


def container(node: ast.expr, items: list[Any]) -> Any:
    """Return items as the container that `node` writes."""
    if isinstance(node, ast.List):
        return items
    if isinstance(node, ast.Tuple):
        return tuple(items)
    try:
        return set(items)
    except TypeError as error:
        raise NotConstantError(str(error)) from error


def _dictionary(node: ast.Dict) -> dict[Any, Any]:
    """Return a dict display; one that unpacks another is no constant."""
    pairs = [(constant(key) if key else None, constant(item)) for key, item in zip(node.keys, node.values, strict=True)]
    if None in node.keys:
        raise NotConstantError("a dict that unpacks another")
    try:
        return dict(pairs)
    except TypeError as error:
        raise NotConstantError(str(error)) from error


def signed(sign: ast.unaryop, value: Any) -> Any:
    """Return a number with its sign."""
    if not is_number(value):
        raise NotConstantError("a sign before something that is no number")
    return -value if isinstance(sign, ast.USub) else value


def arithmetic(kind: type[ast.operator], left: Any, right: Any) -> Any:
    """Return the result of one operation of bounded size; raises NotConstantError."""
    numbers = is_number(left) and is_number(right)
    texts = kind is ast.Add and type(left) is type(right) and isinstance(left, str | list | tuple)
    # Only flat ones: repeating [[0] * 1000] would make a short text of test code a long value.
    repeat = kind is ast.Mult and type(right) is int and (isinstance(left, str) or _is_flat(left))
    if kind not in ARITHMETIC or not (numbers or texts or repeat):
        raise NotConstantError(f"no arithmetic on constants: {kind.__name__}")
    if (repeat and len(left) * max(right, 0) > MAX_ITEMS) or (texts and len(left) + len(right) > MAX_ITEMS):
        raise NotConstantError("a text or list that is too long")
    if kind is ast.Pow and (bits(left) * max(bits(right), abs(right)) > MAX_BITS):
        raise NotConstantError("a power that is too large")
    try:
        value = ARITHMETIC[kind](left, right)
    except (ArithmeticError, ValueError) as error:
        raise NotConstantError(str(error)) from error
    if isinstance(value, complex) or (is_number(value) and bits(value) > MAX_BITS):
        raise NotConstantError("a number that is too large, or complex")
    return value


def _is_flat(value: Any) -> bool:
    """Whether a value is a list or tuple that holds numbers, bools and None alone."""
    return isinstance(value, list | tuple) and not any(
        isinstance(item, str | bytes | list | tuple | dict | set) for item in value
    )


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float, and no bool."""
    return type(value) in (int, float)


def bits(number: float) -> int:
    """Return how many bits a number takes."""
    return number.bit_length() if isinstance(number, int) else 64
