"""Exact normal forms: two expressions with the same form are equal, proven without any algebra system.

A form is a quotient of two polynomials with rational coefficients over atoms: symbols, pi, e, i, radicals of
integers, powers and function values that stay opaque. Sizes are bounded; beyond them there is no form.
"""

from fractions import Fraction
from math import gcd, isqrt
from typing import Any

from graders.math.expressions import Tree

Atom = tuple[Any, ...]
Monomial = frozenset[tuple[Atom, int]]
Polynomial = dict[Monomial, Fraction]
Form = tuple[Polynomial, Polynomial]

MAX_TERMS = 400
MAX_POWER = 60
MAX_BITS = 4_000
_LARGEST_PRIME = 2_000

ONE: Monomial = frozenset()
_UNIT: Polynomial = {ONE: Fraction(1)}
_I: Atom = ("i",)


class NoForm(Exception):
    """The expression has no exact form within the bounds (it may still be compared in other ways)."""


def exact_form(tree: Tree) -> Form:
    """Return numerator and denominator of `tree`. Raises NoForm beyond the bounds or on a division by zero."""
    kind = tree[0]
    if kind == "num":
        return _constant(tree[1]), _UNIT
    if kind == "sym":
        return {frozenset({(("sym", tree[1]), 1)}): Fraction(1)}, _UNIT
    if kind == "const":
        return {frozenset({((_I if tree[1] == "i" else ("const", tree[1])), 1)}): Fraction(1)}, _UNIT
    if kind == "neg":
        numerator, denominator = exact_form(tree[1])
        return _scale(numerator, Fraction(-1)), denominator
    if kind == "add":
        return _add(exact_form(tree[1]), exact_form(tree[2]))
    if kind == "mul":
        return _multiply(exact_form(tree[1]), exact_form(tree[2]))
    if kind == "div":
        return _multiply(exact_form(tree[1]), _invert(exact_form(tree[2])))
    if kind == "pow":
        return _power(exact_form(tree[1]), exact_form(tree[2]))
    if kind == "fn":
        return _function(tree[1], [exact_form(argument) for argument in tree[2:]])
    raise NoForm(kind)


def difference(left: Form, right: Form) -> Polynomial:
    """Return the numerator of `left - right`: empty exactly when the forms are equal."""
    return _subtract(_times(left[0], right[1]), _times(right[0], left[1]))


def is_decisive(polynomial: Polynomial) -> bool:
    """Whether a non-empty difference proves inequality: its atoms are algebraically independent.

    True for symbols, i, square roots of distinct square-free integers (independent over the rationals) and
    one of pi and e. Opaque powers and functions may hide an identity.
    """
    constants = set()
    for monomial in polynomial:
        for atom, _ in monomial:
            if atom[0] == "const":
                constants.add(atom[1])
            elif atom[0] not in ("sym", "i") and not _is_square_root(atom):
                return False
    return len(constants) < 2


def _is_square_root(atom: Atom) -> bool:
    """A square root whose radicand is small enough that trial division has made it square-free."""
    return bool(atom[0] == "root" and atom[1] == 2 and atom[2] < _LARGEST_PRIME**2)


def constant_value(form: Form) -> Fraction | None:
    """Return the rational number a form is, or None when it is not one."""
    numerator, denominator = form
    if not numerator:
        return Fraction(0)
    if len(numerator) == 1 and len(denominator) == 1:
        (top, over), (bottom, under) = next(iter(numerator.items())), next(iter(denominator.items()))
        if top == bottom:
            return over / under
    return None


def _constant(value: Fraction) -> Polynomial:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise NoForm("number too large")
    return {ONE: value} if value else {}


def _scale(polynomial: Polynomial, factor: Fraction) -> Polynomial:
    return {monomial: value * factor for monomial, value in polynomial.items()} if factor else {}


def _subtract(left: Polynomial, right: Polynomial) -> Polynomial:
    return _sum(left, _scale(right, Fraction(-1)))


def _sum(left: Polynomial, right: Polynomial) -> Polynomial:
    result = dict(left)
    for monomial, value in right.items():
        total = result.get(monomial, Fraction(0)) + value
        if total:
            result[monomial] = total
        else:
            result.pop(monomial, None)
    if len(result) > MAX_TERMS:
        raise NoForm("too many terms")
    return result


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    if len(left) * len(right) > 4 * MAX_TERMS:
        raise NoForm("too many terms")
    result: Polynomial = {}
    for one, a in left.items():
        for two, b in right.items():
            if not one or not two:
                product: Polynomial = {one or two: a * b}
            else:
                product = _scale(_monomials(one, two), a * b)
            for monomial, value in product.items():
                total = result.get(monomial, 0) + value
                if total:
                    result[monomial] = total
                else:
                    del result[monomial]
    if len(result) > MAX_TERMS:
        raise NoForm("too many terms")
    for value in result.values():
        if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
            raise NoForm("number too large")
    return result


def _monomials(one: Monomial, two: Monomial) -> Polynomial:
    """Multiply two monomials and reduce i, radicals and fractional powers."""
    exponents: dict[Atom, int] = dict(one)
    for atom, exponent in two:
        exponents[atom] = exponents.get(atom, 0) + exponent
    factor = Fraction(1)
    extra: Polynomial = _UNIT
    roots: dict[int, int] = {}
    for atom, exponent in list(exponents.items()):
        if exponent > MAX_POWER:
            raise NoForm("power too large")
        if atom == _I:
            factor *= -1 if exponent % 4 in (2, 3) else 1
            exponents[atom] = exponent % 2
        elif atom[0] == "root":
            roots[atom[1]] = roots.get(atom[1], 1) * atom[2] ** exponent
            del exponents[atom]
        elif atom[0] == "pow" and exponent >= atom[3]:
            base = _thaw(atom[1])
            for _ in range(exponent // atom[3]):
                extra = _times(extra, base)
            exponents[atom] = exponent % atom[3]
    for index, radicand in roots.items():
        outside, inside = _extract_root(radicand, index)
        factor *= outside
        if inside != 1:
            exponents[("root", index, inside)] = 1
    monomial = frozenset((atom, exponent) for atom, exponent in exponents.items() if exponent)
    if extra is _UNIT:
        return {monomial: factor}
    return _times({monomial: factor}, extra)


def _extract_root(radicand: int, index: int) -> tuple[int, int]:
    """Write an `index`-th root as outside * root(inside): sqrt(12) is 2 sqrt(3)."""
    if radicand.bit_length() > 512:
        raise NoForm("radicand too large")
    outside, prime = 1, 2
    while prime**index <= radicand and prime < _LARGEST_PRIME:
        while radicand % prime**index == 0:
            radicand //= prime**index
            outside *= prime
        prime += 1 if prime == 2 else 2
    if index == 2 and radicand > 1:
        root = isqrt(radicand)
        if root * root == radicand:
            return outside * root, 1
    return outside, radicand


def _add(left: Form, right: Form) -> Form:
    if left[1] == right[1]:
        return _sum(left[0], right[0]), left[1]
    return _sum(_times(left[0], right[1]), _times(right[0], left[1])), _times(left[1], right[1])


def _multiply(left: Form, right: Form) -> Form:
    return _tidy((_times(left[0], right[0]), _times(left[1], right[1])))


def _tidy(form: Form) -> Form:
    """Divide a constant denominator away, so that equal constants have equal keys."""
    numerator, denominator = form
    if len(denominator) == 1 and ONE in denominator and denominator[ONE] != 1:
        return _scale(numerator, 1 / denominator[ONE]), _UNIT
    return form


def _invert(form: Form) -> Form:
    if not form[0]:
        raise NoForm("division by zero")
    return _tidy((form[1], form[0]))


def _power(base: Form, exponent: Form) -> Form:
    value = constant_value(exponent)
    if value is not None:
        return _rational_power(base, value)
    if exponent[1] != _UNIT:
        raise NoForm("exponent is a quotient")
    # b^(2n - 1) is (b^n)^2 / b: integer multiples go outside, so that 2^n * 2^n meets 2^(2n).
    result: Form = (_UNIT, _UNIT)
    for monomial, coefficient in exponent[0].items():
        outside = coefficient.numerator if monomial else 0
        inside = Fraction(1, coefficient.denominator)
        if not monomial:
            factor = _rational_power(base, coefficient)
        else:
            atom: Atom = ("exp", _freeze(base), _freeze(({monomial: inside}, _UNIT)))
            power: Form = ({frozenset({(atom, abs(outside))}): Fraction(1)}, _UNIT)
            if abs(outside) > MAX_POWER:
                raise NoForm("power too large")
            factor = power if outside > 0 else _invert(power)
        result = _multiply(result, factor)
    return result


def _rational_power(base: Form, exponent: Fraction) -> Form:
    if exponent < 0:
        return _invert(_rational_power(base, -exponent))
    whole, part = divmod(exponent, 1)
    if whole > MAX_POWER and constant_value(base) is None:
        raise NoForm("power too large")
    result = _integer_power(base, int(whole))
    return result if not part else _multiply(result, _root(base, part))


def _integer_power(base: Form, exponent: int) -> Form:
    value = constant_value(base)
    if value is not None:
        bits = max(value.numerator.bit_length(), value.denominator.bit_length())
        if bits * exponent > MAX_BITS:
            raise NoForm("number too large")
        return _constant(value**exponent), _UNIT
    result: Form = (_UNIT, _UNIT)
    for _ in range(exponent):
        result = _multiply(result, base)
    return result


def _root(base: Form, exponent: Fraction) -> Form:
    """Return base^exponent for 0 < exponent < 1. Odd roots of negative numbers are the real ones."""
    value = constant_value(base)
    index = exponent.denominator
    if index > MAX_POWER:
        raise NoForm("root too large")
    if value is None:
        if base[1] != _UNIT:
            return _multiply(_root((base[0], _UNIT), exponent), _invert(_root((base[1], _UNIT), exponent)))
        atom: Atom = ("pow", _freeze(base)[0], "root", index)
        return {frozenset({(atom, exponent.numerator)}): Fraction(1)}, _UNIT
    if not value:
        return {}, _UNIT
    sign: Form = (_UNIT, _UNIT)
    if value < 0:
        if index == 2:
            sign = ({frozenset({(_I, 1)}): Fraction(1)}, _UNIT)
        elif index % 2 == 0:
            raise NoForm("even root of a negative number")
        elif exponent.numerator % 2:
            sign = ({ONE: Fraction(-1)}, _UNIT)
        value = -value
    value **= exponent.numerator
    radicand = value.numerator * value.denominator ** (index - 1)
    outside, inside = _extract_root(radicand, index)
    factor = Fraction(outside, value.denominator)
    if inside == 1:
        return _multiply(sign, ({ONE: factor}, _UNIT))
    return _multiply(sign, ({frozenset({(("root", index, inside), 1)}): factor}, _UNIT))


def _function(name: str, arguments: list[Form]) -> Form:
    values = [constant_value(argument) for argument in arguments]
    if name in ("gcd", "lcm", "max", "min", "floor", "ceil", "factorial", "binom", "abs"):
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            return _constant(_integer_function(name, known)), _UNIT
    if name in ("ln", "log") and values[0] == 1:
        return {}, _UNIT
    if name == "ln" and arguments[0] == ({frozenset({(("const", "e"), 1)}): Fraction(1)}, _UNIT):
        return _UNIT, _UNIT
    if name in ("gcd", "lcm", "max", "min"):
        keys: object = frozenset(_freeze(argument) for argument in arguments)  # order and repetition do not matter
    else:
        keys = tuple(_freeze(argument) for argument in arguments)
    return {frozenset({(("fn", name, keys), 1)}): Fraction(1)}, _UNIT


def _integer_function(name: str, values: list[Fraction]) -> Fraction:
    first = values[0]
    if name == "abs":
        return abs(first)
    if name in ("max", "min"):
        return max(values) if name == "max" else min(values)
    if name in ("floor", "ceil"):
        return Fraction(first.__floor__() if name == "floor" else first.__ceil__())
    if name in ("gcd", "lcm"):
        return _rational_gcd(name, values)
    if any(value.denominator != 1 or value < 0 for value in values):
        raise NoForm(f"{name} of a number that is no natural number")
    count = int(values[0])
    if count > 300:
        raise NoForm(f"{name} too large")
    result = Fraction(1)
    chosen = count if name == "factorial" else int(values[1])
    if chosen > count:
        return Fraction(0)
    for step in range(chosen):
        result *= count - step
        if name == "binom":
            result /= step + 1
    return result


def _rational_gcd(name: str, values: list[Fraction]) -> Fraction:
    result = abs(values[0])
    for value in values[1:]:
        common = Fraction(
            gcd(result.numerator * value.denominator, value.numerator * result.denominator),
            result.denominator * value.denominator,
        )
        least = abs(result * value) / common if common else Fraction(0)
        result = common if name == "gcd" else least
    return result


def _freeze(form: Form) -> tuple[frozenset[tuple[Monomial, Fraction]], frozenset[tuple[Monomial, Fraction]]]:
    form = _tidy(form)
    return frozenset(form[0].items()), frozenset(form[1].items())


def _thaw(key: frozenset[tuple[Monomial, Fraction]]) -> Polynomial:
    return dict(key)
