"""Votes: chains are read for what they answer, and answers are one where our graders hold them equal."""

from collections.abc import Iterator
from itertools import permutations

import pytest

from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import accepts, grade, grader_name_and_version, same_answer, self_test
from cotfactory.graders.votes import Vote, Voted, agreed, counted
from cotfactory.schemas.problem import AnswerKind, Problem
from tests.builders import a_candidate, a_problem


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with open_tools() as opened:
        yield opened


def unknown(kind: AnswerKind = "math") -> Problem:
    return a_problem("How much is it?", "", kind).model_copy(update={"reference_by": "open"})


@pytest.mark.parametrize(
    ("kind", "response", "answer"),
    [
        ("math", "So \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
        ("math", "The answer is 12 apples.", "12 apples"),
        ("text", "The answer is: Tuesday", "Tuesday"),
        ("math", "The answer is 5. No: the answer is 6 or 7.", None),  # two are none
        ("math", "I could not finish this.", None),
        ("math", "", None),
        ("math", "So \\boxed{}.", None),
    ],
)
def test_a_vote_is_the_one_answer_that_is_stated(
    kind: AnswerKind, response: str, answer: str | None, tools: Tools
) -> None:
    found = grade(unknown(kind), a_candidate(response), tools)
    assert (found.extracted_answer, found.verdict) == (answer, "correct" if answer else "no_answer")
    assert (found.grader, found.grader_version) == grader_name_and_version(unknown(kind))


def test_a_cut_chain_does_not_vote(tools: Tools) -> None:
    cut = a_candidate("So \\boxed{4}. But").model_copy(update={"finish_reason": "length"})
    assert grade(unknown(), cut, tools).reason == "truncated"


def test_a_problem_without_a_reference_is_never_a_good_one(tools: Tools) -> None:
    assert self_test(unknown(), tools).verdict != "correct"


def test_answers_are_one_where_each_is_accepted_for_the_other(tools: Tools) -> None:
    assert same_answer(unknown(), "0.5", "\\frac{1}{2}", tools)
    assert same_answer(unknown(), "\\sqrt{12}", "2\\sqrt{3}", tools)  # by algebra
    assert not same_answer(unknown(), "0.5", "0.51", tools)
    assert accepts(a_problem("How much is it?", "18"), "18 dollars", tools)


def test_forms_of_an_answer_do_not_split_its_votes(tools: Tools) -> None:
    votes = [Vote("a", said) for said in ("1/2", "0.5", "\\frac{1}{2}", "3", "3", None)]
    found = counted(votes, lambda one, other: same_answer(unknown(), one, other, tools))
    assert [voted.votes for voted in found] == [3, 2]
    assert found[0].forms[0] == "0.5"  # of equally frequent forms the shortest


def near(one: str, other: str) -> bool:
    return abs(float(one) - float(other)) <= 1


def test_what_is_equal_to_its_neighbours_is_no_chain_and_order_is_nothing() -> None:
    # 1 ~ 2 ~ 3, but not 1 ~ 3: the one with most votes leads.
    votes = [Vote("a", said) for said in ("1", "2", "2", "3", "4")]
    for order in permutations(votes):
        assert counted(order, near) == [Voted(("2", "1", "3"), 4), Voted(("4",), 1)]


@pytest.mark.parametrize(
    ("said", "agreed_on"),
    [
        ("a:7 a:7 b:7 b:8", "7"),
        ("a:7 a:7 b:8 b:8", None),  # a tie
        ("a:7 a:7 a:7 b:8", None),  # one teacher's opinion
        ("a:7 b:7 b:- b:-", None),  # silence counts against it
        ("a:7 b:7 b:7", None),  # one vote is missing yet
        ("a:- a:- b:- b:-", None),
    ],
)
def test_an_answer_needs_share_votes_and_teachers(said: str, agreed_on: str | None) -> None:
    votes = [Vote(one[0], None if one[2] == "-" else one[2]) for one in said.split()]
    found = agreed(votes, 4, 0.6, 2, str.__eq__)
    assert (found.forms[0] if found else None) == agreed_on
