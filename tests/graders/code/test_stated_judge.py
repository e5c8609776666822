"""The judge that a question states, sentence by sentence, and sentences that state none."""

import pytest

from cotfactory.graders.code.stated_judge import judged_as_stated, stated_call_judge, stated_stdio_judge
from cotfactory.schemas.judging import CallJudge, Checker, StdioJudge
from cotfactory.schemas.problem import CallCase, CallTests, StdioCase, StdioTests


@pytest.mark.parametrize(
    "question",
    [
        "You can print each letter in any case (upper or lower).",
        "Output YES or NO in any case.",
        'You may output the answer in any case (for example, the strings "yEs" and "Yes" are positive answers).',
        "Each letter may be in any case.",
    ],
)
def test_letters_in_any_case(question: str) -> None:
    assert stated_stdio_judge(question) == StdioJudge(ignore_case=True)


@pytest.mark.parametrize(
    ("question", "absolute", "relative"),
    [
        ("Your answer is considered correct if its absolute or relative error does not exceed $10^{-6}$.", 1e-6, 1e-6),
        ("if its absolute or relative error does not exceed 10^{ - 9}", 1e-9, 1e-9),
        ("An absolute or relative error of at most 1e-4 is allowed.", 1e-4, 1e-4),
        ("The absolute error must be at most 10^-3.", 1e-3, 0.0),
        ("Answers within 10^-5 of the actual answer will be accepted.", 1e-5, 0.0),
        ("Answers within 10-5 of the actual answer will be accepted.", 1e-5, 0.0),
    ],
)
def test_a_tolerance(question: str, absolute: float, relative: float) -> None:
    assert stated_stdio_judge(question) == StdioJudge(absolute=absolute, relative=relative)
    assert stated_call_judge(question) == CallJudge(absolute=absolute, relative=relative)


@pytest.mark.parametrize(
    "question",
    ["You may return the answer in any order.", "Return all pairs in any order.", "Return them in any order."],
)
def test_items_in_any_order(question: str) -> None:
    assert stated_call_judge(question) == CallJudge(any_order=True)


@pytest.mark.parametrize(
    "question",
    [
        "Print the largest number.",
        "In any case, print -1 if there is none.",
        "Print -1 in any case the input is empty.",  # "in any case" as "whenever"
        "The input lines are given in any order. Return the first.",
        "Return the median of the numbers given in any order.",
        "You can visit the cities in any order. Return the cheapest way.",
        "The error of the first sensor is absolute. Print 10^-6 as text.",
        "",
    ],
)
def test_sentences_that_state_no_judge(question: str) -> None:
    assert (stated_stdio_judge(question), stated_call_judge(question)) == (None, None)


def test_printed_lines_keep_their_order() -> None:
    # Of what is printed nobody knows whether lines or words may change places.
    assert stated_stdio_judge("Print the edges in any order.") is None


def test_the_problem_itself_goes_first() -> None:
    question = "Return the answer in any order. Print it in any case."
    exact = CallTests(entry_point="f", cases=(CallCase(expected=1),), judge=CallJudge())
    assert judged_as_stated(exact, question) is exact
    cases = (StdioCase(stdin="", stdout=""),)
    checked = StdioTests(cases=cases, checker=Checker(code="print(1)"))
    assert judged_as_stated(checked, question) is checked
    stated = judged_as_stated(StdioTests(cases=cases), question)
    assert stated.judge == StdioJudge(ignore_case=True)


@pytest.mark.parametrize("part", ["print ", "return a ", "absolute error ", "answers within "])
def test_a_long_question_states_nothing(part: str) -> None:
    assert stated_stdio_judge(part * 50_000) is None
    assert stated_call_judge(part * 50_000) is None
