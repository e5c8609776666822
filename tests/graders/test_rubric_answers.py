"""Criteria that rules decide, judgements as they are read, and what votes come to."""

from typing import Any

import pytest

from cotfactory.generators.problems.row import problem_from_row
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade, self_test
from cotfactory.graders.judge_exam import master_keys
from cotfactory.graders.rubric_answers import Holds, agreed, judged_grade, said_in
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.rubric import judgement_mark
from tests.builders import a_candidate

REFUSAL = "I'm sorry, but I can't help with that."


def problem_with(*criteria: dict[str, Any] | str, **more: Any) -> Problem:
    row = {"id": "1", "question": "Why?", "answer_kind": "rubric", "source": "s", "rubric": list(criteria), **more}
    return problem_from_row(row, "line 1")


def said(response: str, **more: Any) -> Candidate:
    return a_candidate(response).model_copy(update=more)


@pytest.fixture(scope="module")
def tools() -> Any:
    with open_tools() as opened:
        yield opened


RUDE = {"text": "rude", "pattern": "stupid", "weight": -1}
BY_RULES: list[tuple[list[dict[str, Any]], str, str, str]] = [
    ([{"text": "unit", "pattern": "metres"}], "It is 5 Metres.", "correct", "criteria_met"),  # case does not matter
    ([{"text": "unit", "pattern": "metres"}], "It is 5 feet.", "incorrect", "criteria_missed"),
    ([{"text": "refuses", "refuses": True}], REFUSAL, "correct", "criteria_met"),
    ([{"text": "refuses", "refuses": True}], "Sure: step one.", "incorrect", "criteria_missed"),
    ([{"text": "refuses", "refuses": False}], REFUSAL, "incorrect", "criteria_missed"),  # over-refusal
    # A pitfall weighs against what is met.
    ([{"text": "a", "pattern": "a"}, RUDE], "a, stupid", "incorrect", "criteria_missed"),
    # What a judge decides is left to it, unless it cannot help any more.
    ([{"text": "clear"}, {"text": "unit", "pattern": "metres"}], "5 metres", "ungraded", "not_judged"),
    ([{"text": "clear"}, {"text": "unit", "pattern": "metres"}], "5 feet", "incorrect", "criteria_missed"),
    ([{"text": "unit", "pattern": "metres"}], " ", "no_answer", "empty"),
]  # fmt: skip


@pytest.mark.parametrize(("criteria", "response", "verdict", "reason"), BY_RULES)
def test_rules_decide_what_they_can(
    criteria: list[dict[str, Any]], response: str, verdict: str, reason: str, tools: Tools
) -> None:
    found = grade(problem_with(*criteria), said(response), tools)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert (found.extracted_answer is not None) == (verdict in ("correct", "incorrect"))


def test_an_answer_that_was_cut_is_none(tools: Tools) -> None:
    found = grade(problem_with({"text": "unit", "pattern": "m"}), said("5 m", finish_reason="length"), tools)
    assert (found.verdict, found.reason) == ("no_answer", "truncated")


def test_a_pattern_that_never_ends_is_our_failure(tools: Tools) -> None:
    found = grade(problem_with({"text": "x", "pattern": r"(a|aa)+$"}), said("a" * 5_000 + "b"), tools)
    assert (found.verdict, found.reason) == ("ungraded", "pattern_timeout")


def test_a_model_answer_is_tried_by_the_rules(tools: Tools) -> None:
    criteria: tuple[dict[str, Any], ...] = ({"text": "clear"}, {"text": "unit", "pattern": "metres"})
    assert self_test(problem_with(*criteria, solution="5 metres"), tools).verdict == "correct"
    assert self_test(problem_with(*criteria, solution="5 feet"), tools).verdict == "incorrect"


MARK = judgement_mark("chain")
READ: list[tuple[str, Holds | None]] = [
    (f"{MARK} 1: yes\n{MARK} 2: no", {1: True, 2: False}),
    (f"I think so.\n**{MARK} 2: No**\n- {MARK} 1 - YES.", {1: True, 2: False}),  # marked up, in another order
    (f"{MARK} 1: yes", None),  # one is missing
    (f"{MARK} 1: yes\n{MARK} 1: no\n{MARK} 2: no", None),  # it says both
    (f"{MARK} 1: yes\n{MARK} 1: yes\n{MARK} 2: no\n{MARK} 7: yes", {1: True, 2: False}),  # nobody asked about 7
    ("JUDGE-00000000 1: yes\nJUDGE-00000000 2: yes", None),  # another one's mark, which the answer may hold
    ("1: yes\n2: yes", None),
    (f"{MARK} 1: yes and no\n{MARK} 2: nothing", None),  # "no" is a word of its own
    ("", None),
]


@pytest.mark.parametrize(("reply", "holds"), READ)
def test_a_judgement_is_read_by_its_mark(reply: str, holds: Holds | None) -> None:
    problem = problem_with("clear", "kind", {"text": "unit", "pattern": "m"})
    assert said_in(problem, said(reply, parent_id="chain", strategy="judgement")) == holds


def test_a_judgement_that_is_cut_or_only_thought_says_nothing() -> None:
    problem, reply = problem_with("clear"), f"{MARK} 1: yes"
    assert said_in(problem, said(reply, parent_id="chain", finish_reason="length")) is None
    assert said_in(problem, said("", reasoning=reply, parent_id="chain")) is None


VOTES: list[tuple[list[Holds | None], Holds | None]] = [
    ([{1: True}, {1: True}], {1: True}),
    ([{1: True}, {1: False}], {1: False}),  # the orders differ: more than half is asked for
    ([{1: True}, None], None),  # half of them cannot be read
    ([{1: True}, {1: True}, None], {1: True}),
    ([{1: True}, {1: False}, None], {1: False}),
    ([None, None], None),
]


@pytest.mark.parametrize(("votes", "holds"), VOTES)
def test_more_than_half_of_all_votes_decide(votes: list[Holds | None], holds: Holds | None) -> None:
    assert agreed(votes) == holds


def test_a_pitfall_that_half_of_the_votes_see_is_one() -> None:
    problem = problem_with("clear", {"text": "rude", "weight": -1})
    votes: list[Holds | None] = [{1: True, 2: True}, {1: True, 2: False}]
    assert judged_grade(problem, "c", "Because.", votes, None).verdict == "incorrect"
    assert judged_grade(problem, "c", "Because.", [{1: True, 2: False}] * 2, None).verdict == "correct"


def test_a_part_of_the_weight_may_be_enough() -> None:
    rubric = {"criteria": [{"text": "a", "weight": 3}, {"text": "b"}], "pass_at": 0.75}
    problem = problem_from_row(
        {"id": "1", "question": "Why?", "answer_kind": "rubric", "source": "s", "rubric": rubric}, "line 1"
    )
    assert judged_grade(problem, "c", "x", [{1: True, 2: False}] * 2, None).verdict == "correct"
    assert judged_grade(problem, "c", "x", [{1: False, 2: True}] * 2, None).verdict == "incorrect"


def test_what_a_judge_says_that_is_not_relied_on_is_kept_and_does_not_count() -> None:
    found = judged_grade(problem_with("clear"), "c", "Because.", [{1: True}] * 2, "it failed its exam")
    assert (found.verdict, found.reason) == ("ungraded", "not_trusted_correct")
    assert "it failed its exam" in (found.evidence.detail or "")


def test_another_judge_is_another_version_of_the_grader(tools: Tools) -> None:
    problem = problem_with("clear")
    versions = {
        grade(problem.graded_by(None, judge), said("x"), tools).grader_version for judge in (None, "one", "two")
    }
    assert len(versions) == 3


def test_the_exam_has_forty_answers_that_say_nothing() -> None:
    keys = master_keys(problem_with("The answer is clear.", "It names a unit."))
    assert len(set(keys)) == len(keys) >= 40
