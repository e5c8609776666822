"""Exact normal forms: two expressions with the same form are equal, proven without any algebra system.

A form is a quotient of two polynomials with rational coefficients over atoms: symbols, pi, e, i, radicals of
integers, powers and function values that stay opaque. Sizes are bounded; beyond them there is no form.
"""

from fractions import Fraction

from cotfactory.graders.math.expressions import Tree
from cotfactory.graders.math.polynomials import (
    IMAGINARY,
    LARGEST_PRIME,
    MAX_BITS,
    MAX_POWER,
    ONE,
    UNIT,
    Atom,
    Form,
    Monomial,
    NoForm,
    Polynomial,
    added,
    constant,
    extracted_root,
    multiplied,
    scaled,
    subtracted,
)
from cotfactory.graders.math.whole_functions import formal_divisor, whole_function


def exact_form(tree: Tree) -> Form:
    """Return numerator and denominator of `tree`. Raises NoForm beyond the bounds or on a division by zero."""
    kind = tree[0]
    if kind == "num":
        return constant(tree[1]), UNIT
    if kind == "sym":
        return {frozenset({(("sym", tree[1]), 1)}): Fraction(1)}, UNIT
    if kind == "const":
        return {frozenset({((IMAGINARY if tree[1] == "i" else ("const", tree[1])), 1)}): Fraction(1)}, UNIT
    if kind == "neg":
        numerator, denominator = exact_form(tree[1])
        return scaled(numerator, Fraction(-1)), denominator
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
    return subtracted(multiplied(left[0], right[1]), multiplied(right[0], left[1]))


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
    return bool(atom[0] == "root" and atom[1] == 2 and atom[2] < LARGEST_PRIME**2)


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


def _add(left: Form, right: Form) -> Form:
    if left[1] == right[1]:
        return added(left[0], right[0]), left[1]
    return added(multiplied(left[0], right[1]), multiplied(right[0], left[1])), multiplied(left[1], right[1])


def _multiply(left: Form, right: Form) -> Form:
    return _tidy((multiplied(left[0], right[0]), multiplied(left[1], right[1])))


def _tidy(form: Form) -> Form:
    """Divide a constant denominator away, so that equal constants have equal keys."""
    numerator, denominator = form
    if len(denominator) == 1 and ONE in denominator and denominator[ONE] != 1:
        return scaled(numerator, 1 / denominator[ONE]), UNIT
    return form


def _invert(form: Form) -> Form:
    if not form[0]:
        raise NoForm("division by zero")
    return _tidy((form[1], form[0]))


def _power(base: Form, exponent: Form) -> Form:
    value = constant_value(exponent)
    if value is not None:
        return _rational_power(base, value)
    if exponent[1] != UNIT:
        raise NoForm("exponent is a quotient")
    # b^(2n - 1) is (b^n)^2 / b: integer multiples go outside, so that 2^n * 2^n meets 2^(2n).
    result: Form = (UNIT, UNIT)
    for monomial, coefficient in exponent[0].items():
        outside = coefficient.numerator if monomial else 0
        inside = Fraction(1, coefficient.denominator)
        if not monomial:
            factor = _rational_power(base, coefficient)
        else:
            atom: Atom = ("exp", _freeze(base), _freeze(({monomial: inside}, UNIT)))
            power: Form = ({frozenset({(atom, abs(outside))}): Fraction(1)}, UNIT)
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
        return constant(value**exponent), UNIT
    result: Form = (UNIT, UNIT)
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
        if base[1] != UNIT:
            return _multiply(_root((base[0], UNIT), exponent), _invert(_root((base[1], UNIT), exponent)))
        atom: Atom = ("pow", _freeze(base)[0], "root", index)
        return {frozenset({(atom, exponent.numerator)}): Fraction(1)}, UNIT
    if not value:
        return {}, UNIT
    sign: Form = (UNIT, UNIT)
    if value < 0:
        if index == 2:
            sign = ({frozenset({(IMAGINARY, 1)}): Fraction(1)}, UNIT)
        elif index % 2 == 0:
            raise NoForm("even root of a negative number")
        elif exponent.numerator % 2:
            sign = ({ONE: Fraction(-1)}, UNIT)
        value = -value
    value **= exponent.numerator
    radicand = value.numerator * value.denominator ** (index - 1)
    outside, inside = extracted_root(radicand, index)
    factor = Fraction(outside, value.denominator)
    if inside == 1:
        return _multiply(sign, ({ONE: factor}, UNIT))
    return _multiply(sign, ({frozenset({(("root", index, inside), 1)}): factor}, UNIT))


def _function(name: str, arguments: list[Form]) -> Form:
    values = [constant_value(argument) for argument in arguments]
    if name in ("gcd", "lcm", "max", "min", "floor", "ceil", "factorial", "binom", "abs"):
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            return constant(whole_function(name, known)), UNIT
    if name in ("gcd", "lcm"):
        formal = formal_divisor(name, arguments)
        if formal is not None:
            return formal, UNIT
    if name in ("ln", "log") and values[0] == 1:
        return {}, UNIT
    if name == "ln" and arguments[0] == ({frozenset({(("const", "e"), 1)}): Fraction(1)}, UNIT):
        return UNIT, UNIT
    if name in ("gcd", "lcm", "max", "min"):
        keys: object = frozenset(_freeze(argument) for argument in arguments)  # order and repetition do not matter
    else:
        keys = tuple(_freeze(argument) for argument in arguments)
    return {frozenset({(("fn", name, keys), 1)}): Fraction(1)}, UNIT


def _freeze(form: Form) -> tuple[frozenset[tuple[Monomial, Fraction]], frozenset[tuple[Monomial, Fraction]]]:
    form = _tidy(form)
    return frozenset(form[0].items()), frozenset(form[1].items())
