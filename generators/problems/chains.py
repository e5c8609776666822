"""Worked chains: lines of prose with equations, where later equations use the results of earlier ones.

Because a chain is structured, one result can be changed and every line after it follows:
`3 * 4 = 12`, `12 + 5 = 17` with a first result of 13 reads `3 * 4 = 13`, `13 + 5 = 18`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cotfactory.schemas.arithmetic import compute

OPERATORS = "+-*/"


@dataclass(frozen=True)
class Ref:
    """The result of the chain's equation number `step`, counted from 0."""

    step: int


Term = Fraction | Ref | str
"""A number, an earlier result, or one of `+ - * / ( )`."""

Values = Sequence[Fraction]
"""The results of a chain's equations, in order."""


@dataclass(frozen=True)
class Equation:
    """`terms = result`; with `as_fraction` numbers are written `3/4`, else `0.75`."""

    terms: tuple[Term, ...]
    as_fraction: bool = False


Part = str | Ref | Equation
Line = tuple[Part, ...]


@dataclass(frozen=True)
class WorkedChain:
    """The lines of a worked solution, in order."""

    lines: tuple[Line, ...]

    def equations(self) -> Iterator[Equation]:
        """Yield the equations in order; the position of each is what a `Ref` names."""
        return (part for line in self.lines for part in line if isinstance(part, Equation))


@dataclass(frozen=True)
class Worked:
    """A problem worked out: the chain, how its results lead to the answer, and the sentence between the two.

    `conclude` gives the answer as a reference answer is written (for a choice problem, the letter), whatever
    the results are: called with changed results it gives the answer that those lead to.
    """

    chain: WorkedChain
    conclude: Callable[[Values], str]
    closing: Callable[[Values], str] | None = None


def evaluate(chain: WorkedChain, given: Mapping[int, Fraction] | None = None) -> list[Fraction]:
    """Return the result of every equation; `given` sets some of them to other (wrong) results.

    Later equations are worked out from the results as they stand, so a wrong one is carried on.
    Raises ZeroDivisionError when a given result makes a later equation divide by zero.
    """
    values: list[Fraction] = []
    for step, equation in enumerate(chain.equations()):
        if given is not None and step in given:
            values.append(given[step])
        else:
            values.append(compute([values[t.step] if isinstance(t, Ref) else t for t in equation.terms]))
    return values


def write_number(value: Fraction, *, as_fraction: bool = False) -> str:
    """Return `value` as plain text: `12`, `0.75` (or `3/4`), and `1/3` where no short decimal is exact."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = value * 10**6
    if as_fraction or scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(scaled.numerator):07d}"
    return f"{'-' if value < 0 else ''}{digits[:-6]}.{digits[-6:]}".rstrip("0")


def write_latex(value: Fraction) -> str:
    r"""Return `value` as LaTeX: `12`, `\frac{3}{4}`, `-\frac{3}{4}`."""
    if value.denominator == 1:
        return str(value.numerator)
    return rf"{'-' if value < 0 else ''}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


def write_lines(chain: WorkedChain, values: Values, shown: Mapping[int, Fraction] | None = None) -> list[str]:
    """Return the chain's lines as text with these results.

    `shown` replaces results only where their own equation states them, not where later lines use them.
    """
    lines: list[str] = []
    step = 0
    for line in chain.lines:
        text = ""
        for part in line:
            if isinstance(part, Equation):
                result = shown[step] if shown and step in shown else values[step]
                text += f"{_expression(part, values)} = {write_number(result, as_fraction=part.as_fraction)}"
                step += 1
            else:
                text += write_number(values[part.step]) if isinstance(part, Ref) else part
        lines.append(text)
    return lines


def _expression(equation: Equation, values: Values) -> str:
    """Write the left side; an operand that would be read wrongly beside its operator gets brackets."""
    binds = any(term in ("*", "/") for term in equation.terms)
    text = ""
    for place, term in enumerate(equation.terms):
        if isinstance(term, str):
            text += f" {term} " if term in OPERATORS else term
            continue
        number = values[term.step] if isinstance(term, Ref) else term
        written = write_number(number, as_fraction=equation.as_fraction)
        bracketed = ("/" in written and binds) or (number < 0 and place > 0)
        text += f"({written})" if bracketed else written
    return text
