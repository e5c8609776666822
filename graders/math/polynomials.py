"""Polynomials with rational coefficients over atoms: symbols, constants, i, radicals, opaque powers and functions.

Products reduce i, radicals and fractional powers at once, so that equal polynomials have equal terms. Every size is
bounded: beyond the bounds there is no polynomial.
"""

from fractions import Fraction
from math import isqrt
from typing import Any

Atom = tuple[Any, ...]
Monomial = frozenset[tuple[Atom, int]]
Polynomial = dict[Monomial, Fraction]
Form = tuple[Polynomial, Polynomial]

MAX_TERMS = 400
MAX_POWER = 60
MAX_BITS = 4_000
LARGEST_PRIME = 2_000

ONE: Monomial = frozenset()
UNIT: Polynomial = {ONE: Fraction(1)}
IMAGINARY: Atom = ("i",)


class NoForm(Exception):
    """The expression has no exact form within the bounds (it may still be compared in other ways)."""


def constant(value: Fraction) -> Polynomial:
    """Return a rational number as a polynomial. Raises NoForm for one of more than MAX_BITS bits."""
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise NoForm("number too large")
    return {ONE: value} if value else {}


def scaled(polynomial: Polynomial, factor: Fraction) -> Polynomial:
    """Return the polynomial times a rational number."""
    return {monomial: value * factor for monomial, value in polynomial.items()} if factor else {}


def subtracted(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return left minus right. Raises NoForm beyond MAX_TERMS."""
    return added(left, scaled(right, Fraction(-1)))


def added(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return left plus right. Raises NoForm beyond MAX_TERMS."""
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


def multiplied(left: Polynomial, right: Polynomial) -> Polynomial:
    """Return the product, with i, radicals and fractional powers reduced. Raises NoForm beyond the bounds."""
    if len(left) * len(right) > 4 * MAX_TERMS:
        raise NoForm("too many terms")
    result: Polynomial = {}
    for left_monomial, a in left.items():
        for right_monomial, b in right.items():
            if not left_monomial or not right_monomial:
                product: Polynomial = {left_monomial or right_monomial: a * b}
            else:
                product = scaled(_monomial_product(left_monomial, right_monomial), a * b)
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


def _monomial_product(left: Monomial, right: Monomial) -> Polynomial:
    """Multiply two monomials and reduce i, radicals and fractional powers."""
    exponents: dict[Atom, int] = dict(left)
    for atom, exponent in right:
        exponents[atom] = exponents.get(atom, 0) + exponent
    factor = Fraction(1)
    extra: Polynomial = UNIT
    roots: dict[int, int] = {}
    for atom, exponent in list(exponents.items()):
        if exponent > MAX_POWER:
            raise NoForm("power too large")
        if atom == IMAGINARY:
            factor *= -1 if exponent % 4 in (2, 3) else 1
            exponents[atom] = exponent % 2
        elif atom[0] == "root":
            roots[atom[1]] = roots.get(atom[1], 1) * atom[2] ** exponent
            del exponents[atom]
        elif atom[0] == "pow" and exponent >= atom[3]:
            base = _thaw(atom[1])
            for _ in range(exponent // atom[3]):
                extra = multiplied(extra, base)
            exponents[atom] = exponent % atom[3]
    for index, radicand in roots.items():
        outside, inside = extracted_root(radicand, index)
        factor *= outside
        if inside != 1:
            exponents[("root", index, inside)] = 1
    monomial = frozenset((atom, exponent) for atom, exponent in exponents.items() if exponent)
    if extra is UNIT:
        return {monomial: factor}
    return multiplied({monomial: factor}, extra)


def extracted_root(radicand: int, index: int) -> tuple[int, int]:
    """Write an `index`-th root as outside * root(inside): sqrt(12) is 2 sqrt(3)."""
    if radicand.bit_length() > 512:
        raise NoForm("radicand too large")
    outside, prime = 1, 2
    while prime**index <= radicand and prime < LARGEST_PRIME:
        while radicand % prime**index == 0:
            radicand //= prime**index
            outside *= prime
        prime += 1 if prime == 2 else 2
    if index == 2 and radicand > 1:
        root = isqrt(radicand)
        if root * root == radicand:
            return outside * root, 1
    return outside, radicand


def _thaw(key: frozenset[tuple[Monomial, Fraction]]) -> Polynomial:
    return dict(key)
