"""What a teacher wrote is one problem or none: replies that nobody could be asked with, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.written_problems import LONGEST, written_problem

CANDLES = "A church lights 7 candles on each of 12 evenings. How many is that?"


@pytest.mark.parametrize(
    ("reply", "question"),
    [
        (f"<problem>{CANDLES}</problem>", CANDLES),
        (f"Here it is:\n\n<PROBLEM>\n{CANDLES}\n</PROBLEM>\nGood luck!", CANDLES),
        ("<problem>Simplify \\frac{12}{18} as far as it goes.</problem>", "Simplify \\frac{12}{18} as far as it goes."),
        # Words of the traps below in a problem that is one.
        ("<problem>What is the original price of a coat?</problem>", "What is the original price of a coat?"),
        ("<problem>Every answer: 3 points. How many for 9?</problem>", "Every answer: 3 points. How many for 9?"),
    ],
)
def test_one_problem_is_read(reply: str, question: str) -> None:
    assert written_problem(reply) == (question, "readable")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no_problem"),
        (CANDLES, "no_problem"),  # prose: where does it end?
        (f'{{"problem": "{CANDLES}"}}', "no_problem"),
        (f"<problem>{CANDLES}", "no_problem"),  # cut
        (f"{CANDLES}</problem>", "no_problem"),
        (f"</problem>{CANDLES}<problem>", "no_problem"),
        (f"<problem>{CANDLES}</problem> or <problem>{CANDLES}</problem>", "several_problems"),
        (f"<problem>Problem 1: {CANDLES}\n\nProblem 2: {CANDLES}</problem>", "several_problems"),
        ("<problem>How many?</problem>", "too_short"),
        (f"<problem>{'x' * (LONGEST + 1)}</problem>", "too_long"),
        (f"<problem>{CANDLES}\n**Answer:** 84</problem>", "tells_its_answer"),
        (f"<problem>{CANDLES} So \\boxed{{84}}</problem>", "tells_its_answer"),
        ("<problem>As in the original problem, how many candles burn?</problem>", "speaks_of_its_seed"),
        ("<problem>[Insert your new problem here]</problem>", "no_problem"),
    ],
)
def test_what_is_no_problem(reply: str, reason: str) -> None:
    assert written_problem(reply) == (None, reason)


@given(st.text(alphabet="<>/problem \n#*1[]:.", max_size=300))
def test_any_reply_is_read(reply: str) -> None:
    question, reason = written_problem(reply)
    assert (question is None) == (reason != "readable")
