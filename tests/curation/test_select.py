"""Every candidate gets one decision, with the first reason that applies, whatever order chains arrive in."""

from collections.abc import Sequence

import pytest

from curation.select import decide
from schemas.candidate import Candidate
from schemas.grade import Verdict
from schemas.group import GradedCandidate, Group, PassRate
from schemas.recipe import Curation
from tests.builders import a_candidate, a_grade, a_problem


def group_of(*members: tuple[Candidate, Verdict], teacher: str = "t") -> Group:
    return Group(
        problem=a_problem(),
        teacher=teacher,
        model="m",
        messages=(),
        candidates=tuple(
            GradedCandidate(candidate=one, grade=a_grade(verdict, one.candidate_id)) for one, verdict in members
        ),
        decisions=(),
        pass_rate=PassRate(rate=None, n=0, c=0),
    )


def reasons(groups: Sequence[Group], curation: Curation | None = None) -> list[str | None]:
    decided = decide(groups, curation or Curation())
    for group in decided:
        assert [one.candidate_id for one in group.decisions] == [one.candidate.candidate_id for one in group.candidates]
        assert all(one.kept == (one.reason is None) for one in group.decisions)
    return [decision.reason for group in decided for decision in group.decisions]


GOOD = a_candidate("6 * 7 = 42, so \\boxed{42}", reasoning="6 * 7 = 42")


@pytest.mark.parametrize(
    ("candidate", "verdict", "curation", "reason"),
    [
        (GOOD, "correct", Curation(), None),
        (GOOD, "incorrect", Curation(), "incorrect"),
        (GOOD, "no_answer", Curation(), "no_answer"),
        (GOOD, "ungraded", Curation(), "ungraded"),  # our failure, and not publishable either
        (a_candidate("\\boxed{42}", finish_reason="length"), "correct", Curation(), "truncated"),
        (a_candidate("\\boxed{42}", finish_reason="length"), "no_answer", Curation(), "truncated"),  # that is why
        (a_candidate("\\boxed{42}", finish_reason="content_filter"), "correct", Curation(), "not_finished"),
        (a_candidate("hf_" + "a1" * 17 + " \\boxed{42}"), "correct", Curation(), "key_like"),
        (a_candidate("", reasoning="hm"), "no_answer", Curation(), "unclosed_reasoning"),
        (a_candidate("\\boxed{42}"), "correct", Curation(require_reasoning=True), "no_reasoning"),
        (a_candidate("\\boxed{42}"), "correct", Curation(), None),
        (a_candidate("6 * 7 = 43, so \\boxed{42}"), "correct", Curation(), "wrong_step"),
        (a_candidate("\\boxed{42}", reasoning="6 * 7 = 43"), "correct", Curation(), "wrong_step"),
        (a_candidate("6 * 7 = 43, so \\boxed{42}"), "correct", Curation(drop_wrong_steps=False), None),
        (a_candidate("6 * 7 = 43"), "incorrect", Curation(), "incorrect"),  # the first reason wins
    ],
)
def test_one_candidate(candidate: Candidate, verdict: Verdict, curation: Curation, reason: str | None) -> None:
    assert reasons([group_of((candidate, verdict))], curation) == [reason]


def test_the_first_of_equal_chains_survives_over_all_teachers() -> None:
    one = a_candidate("The answer is 42", candidate_id="a")
    other = a_candidate("the  answer IS\n42", candidate_id="b", sample_index=1)  # only case and space differ
    third = a_candidate("It is 42", candidate_id="c", sample_index=2)
    groups = [group_of((one, "correct"), (third, "correct")), group_of((other, "correct"), teacher="u")]
    assert reasons(groups) == [None, None, "duplicate"]


def test_a_dropped_chain_does_not_make_its_twin_a_duplicate() -> None:
    cut = a_candidate("The answer is 42", candidate_id="a", finish_reason="length")
    whole = a_candidate("The answer is 42", candidate_id="b", sample_index=1)
    assert reasons([group_of((cut, "correct"), (whole, "correct"))]) == ["truncated", None]


def test_the_limit_counts_kept_chains_of_the_problem() -> None:
    chains = [a_candidate(f"way {number}", candidate_id=str(number)) for number in range(4)]
    members: list[tuple[Candidate, Verdict]] = [(chains[0], "incorrect"), *((one, "correct") for one in chains[1:])]
    assert reasons([group_of(*members)], Curation(max_per_problem=2)) == ["incorrect", None, None, "over_limit"]
