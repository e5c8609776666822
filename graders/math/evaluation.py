"""Numeric evaluation of expressions at sample points: the second opinion on every algebraic finding.

Fifty digits, every size bounded, no state shared between threads. A value here never makes an answer equal;
it can show that two expressions differ, and it must agree before a symbolic proof is believed.
"""

import math
import random
import threading
from fractions import Fraction
from typing import Any, Literal

from cotfactory.graders.math.expressions import Tree, symbols

DIGITS = 50
MAX_LOG = 4_000.0
"""Values beyond e^4000 are not evaluated: a power tower would fill the memory."""

POSITIVE_POINTS = 4
MIXED_POINTS = 4

_thread = threading.local()


class Undefined(Exception):
    """The expression has no value at this point, or one beyond the bounds."""


Agreement = Literal["different", "agree", "unknown", "domain"]


def compare_values(left: Tree, right: Tree) -> Agreement:
    """Compare two trees at sample points, the same for the same symbols.

    At positive points all values count; at points of either sign only those where both sides are real, because
    there a square root or a logarithm may leave the domain the author had in mind. `agree` needs two points
    (one, when there are no symbols); a difference between 1e-35 and 1e-20 is `unknown`. `domain`: they agree wherever
    both are real, and at some point only one of them is.
    """
    names = sorted(symbols(left) | symbols(right))
    if len(names) > 12:
        return "unknown"
    chance = random.Random(7)  # noqa: S311 - sample points, not secrets
    divisors = _has_function(left, _DIVISORS) or _has_function(right, _DIVISORS)
    rounds = (POSITIVE_POINTS + (0 if divisors else MIXED_POINTS)) if names else 1
    agreed, domain = 0, False
    for number in range(rounds):
        signs = (1,) if number < POSITIVE_POINTS else (1, -1)
        point = {name: Fraction(chance.randint(2_000, 30_000) * chance.choice(signs), 9_973) for name in names}
        if divisors:
            # A common divisor is a matter of whole numbers: distinct large primes stand for symbols.
            point = {name: Fraction(prime) for name, prime in zip(names, _PRIMES[number:], strict=False)}
        found = _compare_at(left, right, point, only_real=number >= POSITIVE_POINTS)
        if found == "different":
            return "different"
        agreed += found == "agree"
        domain = domain or found == "domain"
    if domain:
        return "domain"
    return "agree" if agreed >= min(2, rounds) else "unknown"


def real_value(tree: Tree) -> Fraction | None:
    """Return the value of a tree without symbols to about 50 digits, None when it has no real one."""
    context = _context()
    try:
        value = _evaluate(tree, {}, context)
        if abs(value.imag) > 1e-30 or not context.isfinite(value.real):
            return None
        sign, mantissa, exponent, _ = value.real._mpf_
        magnitude = Fraction(int(mantissa) << max(int(exponent), 0), 1 << max(-int(exponent), 0))
        return -magnitude if sign else magnitude
    except (Undefined, ArithmeticError, ValueError, TypeError, NotImplementedError, RecursionError, LookupError):
        return None


_DIVISORS = ("gcd", "lcm")
_PRIMES = (10_007, 10_037, 10_061, 10_067, 10_079, 10_093, 10_099, 10_103, 10_111, 10_133, 10_139, 10_141, 10_151,
           10_159, 10_163, 10_169, 10_177)  # fmt: skip


def _has_function(tree: Tree, names: tuple[str, ...]) -> bool:
    if tree[0] == "fn" and tree[1] in names:
        return True
    return any(_has_function(child, names) for child in tree[1:] if isinstance(child, tuple))


def _context() -> Any:
    """Return this thread's own 50-digit context: mpmath changes a context while it computes."""
    context = getattr(_thread, "context", None)
    if context is None:
        from mpmath.ctx_mp import MPContext

        context = _thread.context = MPContext()
        context.dps = DIGITS
    return context


def _compare_at(left: Tree, right: Tree, point: dict[str, Fraction], only_real: bool) -> Agreement:
    context = _context()
    try:
        left_value, right_value = _evaluate(left, point, context), _evaluate(right, point, context)
        if only_real:
            real = [abs(value.imag) <= 1e-30 for value in (left_value, right_value)]
            if not all(real):
                return "domain" if any(real) else "unknown"
        scale = max(abs(left_value), abs(right_value), 1)
        gap = abs(left_value - right_value) / scale
        if gap > 1e-20:
            return "different"
        return "agree" if gap < 1e-35 else "unknown"
    except (Undefined, ArithmeticError, ValueError, TypeError, NotImplementedError, RecursionError):
        return "unknown"


def _evaluate(tree: Tree, point: dict[str, Fraction], context: Any) -> Any:
    kind = tree[0]
    if kind == "num":
        return context.mpc(context.mpf(tree[1].numerator) / tree[1].denominator)
    if kind == "sym":
        value = point[tree[1]]
        return context.mpc(context.mpf(value.numerator) / value.denominator)
    if kind == "const":
        return context.mpc({"pi": context.pi, "e": context.e}.get(tree[1], 1j))
    if kind == "neg":
        return -_evaluate(tree[1], point, context)
    if kind == "inf":
        raise Undefined("infinity")
    if kind == "fn":
        return _function(tree[1], [_evaluate(argument, point, context) for argument in tree[2:]], context)
    left, right = _evaluate(tree[1], point, context), _evaluate(tree[2], point, context)
    if kind == "add":
        return left + right
    if kind == "mul":
        return left * right
    if kind == "div":
        if not right:
            raise Undefined("division by zero")
        return left / right
    return _power(left, right, _rational(tree[2]), context)


def _rational(tree: Tree) -> Fraction | None:
    if tree[0] == "num":
        return Fraction(tree[1])
    if tree[0] == "neg":
        inner = _rational(tree[1])
        return None if inner is None else -inner
    if tree[0] == "div":
        top, bottom = _rational(tree[1]), _rational(tree[2])
        return top / bottom if top is not None and bottom else None
    return None


def _power(base: Any, exponent: Any, exact: Fraction | None, context: Any) -> Any:
    if not base:
        if exponent.real > 0:
            return base
        raise Undefined("power of zero")
    if abs(exponent) * abs(context.log(base)) > MAX_LOG:
        raise Undefined("power too large")
    if exact is not None and exact.denominator == 1:
        return base ** int(exact)
    if exact is not None and exact.denominator % 2 and not base.imag and base.real < 0:
        root = context.mpc((-base.real) ** (context.mpf(exact.numerator) / exact.denominator))
        return -root if exact.numerator % 2 else root
    return base**exponent


def _function(name: str, values: list[Any], context: Any) -> Any:
    first = values[0]
    if name in ("ln", "log"):
        if not first:
            raise Undefined("logarithm of zero")
        # `log` without a base is the natural one or the one to base ten: both sides are read alike.
        return context.log(first)
    if name == "abs":
        return context.mpc(abs(first))
    if name in _ANALYTIC:
        if abs(first.imag) > 200 or abs(first) > 1e15:
            raise Undefined(f"{name} too large")
        return context.mpc(getattr(context, _ANALYTIC[name])(first))
    if any(value.imag for value in values):
        raise Undefined(f"{name} of a complex number")
    real = [value.real for value in values]
    if name in ("max", "min"):
        return context.mpc(max(real) if name == "max" else min(real))
    if name in _DIVISORS:
        whole = [int(context.nint(value)) for value in real]
        if any(abs(value - number) > 1e-30 for value, number in zip(real, whole, strict=True)):
            raise Undefined(f"{name} of a number that is not whole")
        return context.mpc(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))
    if name in ("floor", "ceil"):
        return context.mpc(getattr(context, name)(real[0]))
    if name in ("factorial", "binom") and all(0 <= value < 1_000 for value in real):
        return context.mpc(context.factorial(real[0]) if name == "factorial" else context.binomial(*real))
    raise Undefined(name)


_ANALYTIC = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
}  # fmt: skip
