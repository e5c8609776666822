"""Functions of whole numbers inside exact forms: gcd, lcm, factorial, binomial, floor, and the gcd of polynomials."""

from fractions import Fraction
from math import gcd, lcm

from cotfactory.graders.math.polynomials import UNIT, Atom, Form, NoForm, Polynomial, multiplied


def whole_function(name: str, values: list[Fraction]) -> Fraction:
    """Return the value of a function of rational numbers. Raises NoForm outside its domain and the bounds."""
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


_INDETERMINATES = {"x", "y", "z"}


def formal_divisor(name: str, arguments: list[Form]) -> Polynomial | None:
    """Return the gcd or lcm of expressions that are polynomials rather than whole numbers.

    That is where an argument cannot be whole (`gcd(0.4x, 8/3)` is 1, `lcm(x + 76, 4 sqrt(x))` the product: rational
    numbers are units, unless every coefficient is whole) or every symbol is x, y or z. `gcd(m, n)` stays opaque: 1
    would be wrong for it. One argument of two may have several terms.
    """
    polynomials = [numerator for numerator, denominator in arguments if denominator == UNIT and numerator]
    long = [polynomial for polynomial in polynomials if len(polynomial) > 1]
    if len(polynomials) < len(arguments) or (long and (len(long) > 1 or len(polynomials) != 2)):
        return None
    values = [value for polynomial in polynomials for value in polynomial.values()]
    whole = all(value.denominator == 1 for value in values)
    atoms = {atom for polynomial in polynomials for monomial in polynomial for atom, _ in monomial}
    kinds = {atom[0] for atom in atoms}
    named = {atom[1] for atom in atoms if atom[0] == "sym"}
    if whole and not kinds & {"root", "pow", "const"} and not named <= _INDETERMINATES:
        return None
    if "pow" in kinds and (not long or _common(long[0])):
        return None  # sqrt(x) divides x, which these atoms do not show
    shared = _common({monomial: Fraction(1) for polynomial in polynomials for monomial in polynomial})
    if name == "gcd":
        content = Fraction(gcd(*map(int, values))) if whole else Fraction(1)
        return {frozenset(shared.items()): content}
    if long:
        first, second = polynomials
        return multiplied(first, second) if whole and not shared and gcd(*map(int, values)) == 1 else None
    largest = {atom: max(dict(next(iter(polynomial))).get(atom, 0) for polynomial in polynomials) for atom in atoms}
    return {frozenset(largest.items()): Fraction(lcm(*map(int, values))) if whole else Fraction(1)}


def _common(polynomial: Polynomial) -> dict[Atom, int]:
    """Return the atoms, with exponents, that divide every term."""
    first, *rest = (dict(monomial) for monomial in polynomial)
    return {
        atom: least
        for atom, exponent in first.items()
        if (least := min([exponent, *(other.get(atom, 0) for other in rest)]))
    }
