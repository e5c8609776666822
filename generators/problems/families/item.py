"""Item: one generated problem with its worked chain, and the notepad that families write the chain on."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from cotfactory.generators.problems.chains import (
    Equation,
    Line,
    Ref,
    Term,
    Values,
    Worked,
    WorkedChain,
    evaluate,
    write_latex,
    write_lines,
    write_number,
)
from cotfactory.schemas.arithmetic import compute
from cotfactory.schemas.problem import AnswerKind

Number = int | Fraction


@dataclass(frozen=True)
class Item:
    """One problem of a family.

    `template` names the wording; together with the numbers it says which items are the same problem in
    other words. `worked.conclude` of the true results is the reference answer.
    """

    question: str
    answer_kind: AnswerKind
    domain: str
    template: str
    worked: Worked
    choices: tuple[str, ...] | None = None


Family = Callable[[Random, int], Item]
"""Draws an item from a random source at a difficulty from 1 to 5."""


class Notepad:
    """Collects the steps of a chain; every step knows its true result, so later numbers can fit it.

    >>> notes = Notepad()
    >>> lamps = notes.step("Lamps in the crates:", 3, "*", 4)
    >>> notes.value(notes.step("After the sale:", lamps, "-", 5))
    Fraction(7, 1)
    """

    def __init__(self, *, as_fraction: bool = False) -> None:
        self._as_fraction = as_fraction
        self._lines: list[Line] = []
        self._values: list[Fraction] = []

    def step(self, before: str, *terms: Number | Ref | str, after: str = ".") -> Ref:
        """Add the line `before terms = result after`; return the reference to its result."""
        exact: list[Term] = [Fraction(term) if isinstance(term, int) else term for term in terms]
        numbers = [self.value(term) if isinstance(term, Ref) else term for term in exact]
        self._values.append(compute(numbers))
        self._lines.append((f"{before} ", Equation(tuple(exact), self._as_fraction), after))
        return Ref(len(self._values) - 1)

    def value(self, ref: Ref) -> Fraction:
        """Return the true result of a step."""
        return self._values[ref.step]

    def chain(self) -> WorkedChain:
        """Return what was written so far."""
        return WorkedChain(tuple(self._lines))


def number(ref: Ref) -> Callable[[Values], str]:
    """Return the conclusion "the answer is this result", as an integer or a decimal."""
    return lambda values: write_number(values[ref.step])


def fraction(ref: Ref) -> Callable[[Values], str]:
    """Return the conclusion "the answer is this result", as a LaTeX fraction in lowest terms."""
    return lambda values: write_latex(values[ref.step])


def solution_lines(worked: Worked) -> list[str]:
    """Return the worked chain as text, without the statement of the answer."""
    values = evaluate(worked.chain)
    closing = [worked.closing(values)] if worked.closing else []
    return write_lines(worked.chain, values) + closing


def given_numbers(chain: WorkedChain) -> list[str]:
    """Return the numbers that the chain starts from, in order: what makes two items of a template differ."""
    terms = (term for equation in chain.equations() for term in equation.terms)
    return [write_number(term, as_fraction=True) for term in terms if isinstance(term, Fraction)]
