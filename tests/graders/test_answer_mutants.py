"""Mutants of accepted answers: made where they are certainly wrong, counted, none accepted by sound graders."""

from collections.abc import Iterator

import pytest

from cotfactory.graders.answer_mutants import check_mutants
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.problem import Problem
from tests.builders import a_candidate, a_problem

PAIRS = [
    (a_problem("a", "18", row="a"), a_candidate("So \\boxed{18}.", candidate_id="a")),
    (
        a_problem("b", "\\frac{\\sqrt{3}}{2}", row="b"),
        a_candidate("So $\\boxed{\\frac{\\sqrt3}{2}}$.", candidate_id="b"),
    ),
    (a_problem("c", "B", "choice", ("x", "y", "z"), row="c"), a_candidate("The answer is (B).", candidate_id="c")),
    (a_problem("d", "12 May\nMay 12", "text", row="d"), a_candidate("The answer is 12 May.", candidate_id="d")),
]


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with open_tools() as opened:
        yield opened


def test_sound_graders_accept_no_mutant(tools: Tools) -> None:
    found = check_mutants(PAIRS, tools)
    # 18: digit, sign, the other's answer; the root: the same three; the letter: one; the date: its digit
    assert (found.chains, found.made, found.accepted) == (4, 8, 0)


def test_the_same_chains_give_the_same_mutants(tools: Tools) -> None:
    assert check_mutants(PAIRS[::-1], tools, most=2) == check_mutants(PAIRS, tools, most=2)
    assert check_mutants(PAIRS, tools, most=2).chains == 2


def test_an_accepted_mutant_is_counted_and_named(tools: Tools) -> None:
    # A chain that should never have been accepted: the letter after its own is the right one.
    problem = a_problem("c", "B", "choice", ("x", "y", "z"))
    found = check_mutants([(problem, a_candidate("The answer is (A).", candidate_id="wrong"))], tools)
    assert (found.made, found.accepted) == (1, 1)
    assert found.examples[0].startswith("wrong: another letter")


def test_two_problems_with_one_value_are_no_mutants_of_each_other(tools: Tools) -> None:
    half, percent = a_problem("h", "0.5", row="h"), a_problem("p", "50\\%", row="p")
    pairs = [(half, a_candidate("\\boxed{0.5}", candidate_id="h"))]
    pairs.append((percent, a_candidate("\\boxed{50}", candidate_id="p")))
    found = check_mutants(pairs, tools)
    assert (found.made, found.accepted) == (4, 0)


SAME_VALUE: list[tuple[Problem, str]] = [
    (a_problem("zero", "0"), "\\boxed{0}"),  # minus zero is zero, and there is no digit to change
    (a_problem("power", "1"), "\\boxed{2^0}"),  # so is 3^0 one; its sign can be turned
    (a_problem("index", "x_1"), "\\boxed{x_1}"),  # an index is a name
    (a_problem("To the nearest tenth?", "0.5"), "\\boxed{0.5}"),
]


@pytest.mark.parametrize(("problem", "response"), SAME_VALUE)
def test_what_may_be_right_is_no_mutant(problem: Problem, response: str, tools: Tools) -> None:
    found = check_mutants([(problem, a_candidate(response))], tools)
    assert found.accepted == 0
    assert found.made <= 1


def test_programs_have_no_mutants_here(tools: Tools) -> None:
    assert check_mutants([(a_problem("f", "", "code"), a_candidate("x"))], tools) == MutantCheck(
        chains=0, made=0, accepted=0
    )
