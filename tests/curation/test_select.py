"""Every candidate gets one decision, with the first reason that applies, whatever order chains arrive in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cotfactory.curation.balance import DomainCount, over_domain_share
from cotfactory.curation.chain_checks.findings import ChainFinding
from cotfactory.curation.choose import choose
from cotfactory.curation.decontaminate import BenchmarkIndex, benchmark_index
from cotfactory.curation.drop_rules import Selection
from cotfactory.curation.known_chains import NothingKnown
from cotfactory.curation.select import SEEN, Candidates, among_themselves, examined_problems, near_duplicates
from cotfactory.curation.select import decide as decide_among_others
from cotfactory.curation.split import split_groups, splits
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.curation import Curation, Difficulty, HeldOut, NearDuplicates, Overlap
from cotfactory.schemas.decontamination import BenchmarkText
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.group import GradedCandidate, Group, PassRate
from tests.builders import a_candidate, a_grade, a_problem


def group_of(*members: tuple[Candidate, Verdict], teacher: str = "t") -> Group:
    return Group(
        problem=a_problem(),
        teacher=teacher,
        model="m",
        messages=(),
        candidates=tuple(
            GradedCandidate(candidate=candidate, grade=a_grade(verdict, candidate.candidate_id))
            for candidate, verdict in members
        ),
        decisions=(),
        pass_rate=PassRate(rate=None, n=0, c=0),
    )


class InMemory:
    """The records of the chains that passed, as a list of batches."""

    def __init__(self) -> None:
        self.all = np.empty(0, SEEN)

    def append(self, records: npt.NDArray[np.void]) -> None:
        self.all = np.concatenate([self.all, records])

    def column(self, name: str, at: int | None = None) -> npt.NDArray[Any]:
        return self.all[name] if at is None else self.all[name][:, at]

    def take(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        return self.all[rows]


def decide(
    problems: Sequence[Sequence[Group]], curation: Curation, index: BenchmarkIndex | None = None, batch: int = 1
) -> list[tuple[Group, ...]]:
    seen = Candidates(InMemory())
    found = []
    for start in range(0, len(problems), batch):
        examined = examined_problems(problems[start : start + batch], curation, index, NothingKnown())
        passed = [among_themselves(problem.findings(), curation) for problem in examined]
        seen.note(examined, passed, curation)
        found += passed
    selection = Selection(curation, near_duplicates(seen, curation), {})
    return [
        tuple(
            group.model_copy(update={"decisions": tuple(decisions)})
            for group, decisions in zip(groups, decide_among_others(findings, selection), strict=True)
        )
        for groups, findings in zip(problems, found, strict=True)
    ]


def reasons(
    groups: Sequence[Group], curation: Curation | None = None, index: BenchmarkIndex | None = None
) -> list[str | None]:
    (decided,) = decide([groups], curation or Curation(), index)
    for group in decided:
        assert [decision.candidate_id for decision in group.decisions] == [
            graded.candidate.candidate_id for graded in group.candidates
        ]
        assert all(decision.kept == (decision.reason is None) for decision in group.decisions)
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
        (a_candidate("6 * 7\x00 \\boxed{42}"), "correct", Curation(), "broken_text"),
        (a_candidate("\ufffd" * 50 + " \\boxed{42}"), "correct", Curation(), "broken_text"),
        (a_candidate("\ufffd stands for a byte: \\boxed{42}"), "correct", Curation(), None),
        (a_candidate("Ask jane.doe@mail.com: \\boxed{42}"), "correct", Curation(), "personal_data"),
        (a_candidate("Ask jane.doe@mail.com: \\boxed{42}"), "correct", Curation(personal_data="mask"), None),
        (a_candidate("", reasoning="hm"), "no_answer", Curation(), "unclosed_reasoning"),
        (a_candidate("\\boxed{42}"), "correct", Curation(require_reasoning=True), "no_reasoning"),
        (a_candidate("\\boxed{42}"), "correct", Curation(), None),
        (a_candidate("6 * 7 = 43, so \\boxed{42}"), "correct", Curation(), "wrong_step"),
        (a_candidate("\\boxed{42}", reasoning="6 * 7 = 43"), "correct", Curation(), "wrong_step"),
        (a_candidate("6 * 7 = 43, so \\boxed{42}"), "correct", Curation(drop_wrong_steps=False), None),
        (a_candidate("6 * 7 = 43"), "incorrect", Curation(), "incorrect"),  # the first reason wins
        (a_candidate("<|im_end|> \\boxed{42}"), "correct", Curation(), "role_leak"),
        (a_candidate("As an AI language model I say \\boxed{42}"), "correct", Curation(), "self_named"),
        (a_candidate("\\boxed{42} " + "We now add all of them up. " * 20), "correct", Curation(), "repetitive"),
        (a_candidate("The expected answer is 42"), "correct", Curation(), None),  # only labelled
        (a_candidate("The expected answer is 42"), "correct", Curation(label_only=()), "answer_from_prompt"),
        (a_candidate("By the hint it is 42"), "correct", Curation(), None),  # no hint was given
        (
            a_candidate("By the hint it is 42").model_copy(update={"strategy": "hint"}),
            "correct",
            Curation(keep_hinted=True),
            "hint_words",
        ),
        (a_candidate("\\boxed{42}").model_copy(update={"strategy": "hint"}), "correct", Curation(), "hinted"),
        (
            a_candidate("As the review says, 42").model_copy(update={"parent_id": "p"}),
            "correct",
            Curation(),
            "refers_back",
        ),
        (a_candidate("My first attempt gave 42"), "correct", Curation(), None),  # its own, within this very chain
    ],
)
def test_one_candidate(candidate: Candidate, verdict: Verdict, curation: Curation, reason: str | None) -> None:
    assert reasons([group_of((candidate, verdict))], curation) == [reason]


def test_the_first_of_equal_chains_survives_over_all_teachers() -> None:
    first = a_candidate("The answer is 42", candidate_id="a")
    other = a_candidate("the  answer IS\n42", candidate_id="b", sample_index=1)  # only case and space differ
    third = a_candidate("It is 42", candidate_id="c", sample_index=2)
    groups = [group_of((first, "correct"), (third, "correct")), group_of((other, "correct"), teacher="u")]
    assert reasons(groups) == [None, None, "duplicate"]


def test_a_dropped_chain_does_not_make_its_twin_a_duplicate() -> None:
    cut = a_candidate("The answer is 42", candidate_id="a", finish_reason="length")
    whole = a_candidate("The answer is 42", candidate_id="b", sample_index=1)
    assert reasons([group_of((cut, "correct"), (whole, "correct"))]) == ["truncated", None]


def test_the_limit_counts_kept_chains_of_the_problem() -> None:
    chains = [a_candidate(f"way {number}", candidate_id=str(number)) for number in range(4)]
    members: list[tuple[Candidate, Verdict]] = [(chains[0], "incorrect"), *((chain, "correct") for chain in chains[1:])]
    assert reasons([group_of(*members)], Curation(max_per_problem=2)) == ["incorrect", None, None, "over_limit"]


def test_findings_that_only_label_are_flags() -> None:
    chain = a_candidate("6 * 7 = 43. The expected answer is 42")
    ((group,),) = decide([[group_of((chain, "correct"))]], Curation(drop_wrong_steps=False))
    (decision,) = group.decisions
    assert decision.kept
    assert decision.flags == ("answer_from_prompt", "wrong_step")
    assert decision.detail == "The expected answer; 6 * 7 = 43"


def test_a_chain_that_repeats_a_benchmark_is_contaminated() -> None:
    text = "A farmer keeps seventeen geese and sells nine of them at the market for a price of four coins each."
    index = benchmark_index([BenchmarkText(benchmark="b", row="7", column="question", text=text)], Overlap())
    chain = a_candidate(f"This is like the exercise: {text} So \\boxed{{42}}")
    ((group,),) = decide([[group_of((chain, "correct"))]], Curation(), index)
    assert group.decisions[0].reason == "contaminated"
    assert group.decisions[0].detail == "b row 7 question, words_8 1.00, in chain"


LONG = " ".join(f"In part {n} we take the number {n * n} away from what was left over before." for n in range(9))


def test_near_duplicates_over_problems_in_any_order_and_batch() -> None:
    """The lower sample index survives, then the smaller id."""
    texts = {"d": (LONG, 1), "b": (LONG + " So it is.", 0), "c": (LONG + " And so it is.", 0), "a": ("It is 42", 0)}
    problems = [
        [group_of((a_candidate(text, candidate_id=name, sample_index=index), "correct"))]
        for name, (text, index) in texts.items()
    ]
    curation = Curation(near_duplicates=NearDuplicates(similarity=0.9))
    for batch in (1, 2, 4):
        for ordered in (problems, problems[::-1]):
            decided = [d for groups in decide(ordered, curation, batch=batch) for g in groups for d in g.decisions]
            assert {decision.candidate_id: decision.reason for decision in decided} == {
                "a": None, "b": None, "c": "near_duplicate", "d": "near_duplicate",
            }  # fmt: skip
            assert {decision.detail for decision in decided} == {None, "of b"}
    alone = Curation(near_duplicates=NearDuplicates(similarity=0.9, within="problem"))
    assert all(d.kept for groups in decide(problems, alone) for g in groups for d in g.decisions)
    off = Curation(near_duplicates=NearDuplicates(within="off"))
    assert all(d.kept for groups in decide(problems, off) for g in groups for d in g.decisions)


@pytest.mark.parametrize(
    ("rate", "kept"), [(PassRate(rate=0.5, n=4, c=2), True), (PassRate(rate=1.0, n=4, c=4), False),
                       (PassRate(rate=None, n=0, c=0), False)]
)  # fmt: skip
def test_difficulty_is_the_pass_rate_of_the_named_model(rate: PassRate, kept: bool) -> None:
    group = group_of((GOOD, "correct")).model_copy(update={"pass_rate": rate})
    other = group_of(teacher="u").model_copy(update={"model": "other", "pass_rate": PassRate(rate=0.5, n=2, c=1)})
    curation = Curation(difficulty=Difficulty(model="m", min=0.1, max=0.9))
    assert reasons([group, other], curation) == [None if kept else "outside_difficulty"]


def finding(name: str, length: int, *equations: int) -> ChainFinding:
    return ChainFinding(candidate_id=name, sample_index=0, reason=None, detail=None, flags=(), length=length,
                   text_key=name, equations=equations)  # fmt: skip


def test_preferences() -> None:
    ones = [finding("a", 50, 1, 2), finding("b", 10, 1, 2), finding("c", 30, 1, 3), finding("d", 90, 7)]
    assert choose(ones, 2, "first") == {"a", "b"}
    assert choose(ones, 2, "shortest") == {"b", "c"}
    assert choose(ones, 1, "median") == {"c"}
    assert choose(ones, 2, "most_different") == {"a", "d"}
    assert choose(ones, 3, "most_different") == {"a", "d", "c"}
    assert all(choose(ones[::-1], 2, prefer) == choose(ones, 2, prefer) for prefer in ("first", "median"))


def counts(**domains: int) -> list[DomainCount]:
    return [DomainCount(f"{name}{n}", name, 1) for name, total in domains.items() for n in range(total)]


def test_balance_over_domains() -> None:
    ones = counts(algebra=80, geometry=30, logic=10)
    left = [count for count in ones if count.problem_id not in over_domain_share(ones, Curation(max_per_domain=20))]
    assert len(left) == 20 + 20 + 10
    shared = over_domain_share(ones, Curation(max_domain_share=0.5))
    kept = [count.domain for count in ones if count.problem_id not in shared]
    assert kept.count("algebra") == 40
    assert kept.count("algebra") <= 0.5 * len(kept)
    assert over_domain_share(ones[::-1], Curation(max_domain_share=0.5)) == shared
    with pytest.raises(RecipeError, match="3 domains only"):
        over_domain_share(ones, Curation(max_domain_share=0.3))
    assert over_domain_share(ones, Curation()) == set()


def test_the_held_out_split_keeps_twins_together() -> None:
    """A problem's side depends on its own group, so adding problems moves none."""
    stories = [
        f"Farmer number {n} keeps geese and sells them one by one at market {n} in the town of {n}" for n in range(300)
    ]
    twin = "A long story about a boat that sails to nine islands and back again, with {} and a crew"
    problems = [
        a_problem(text, row=str(n)) for n, text in enumerate([*stories, twin.format("sails"), twin.format("SAILS")])
    ]
    groups = split_groups(problems)
    assert groups == split_groups(problems[::-1])
    sides = splits(groups, HeldOut(share=0.2, seed=3))
    assert groups[problems[-1].problem_id] == groups[problems[-2].problem_id]
    assert 30 <= sum(side == "test" for side in sides.values()) <= 90
    fewer = splits(split_groups(problems[:100]), HeldOut(share=0.2, seed=3))
    assert all(sides[name] == side for name, side in fewer.items())
    assert splits(groups, HeldOut(share=0.2, seed=4)) != sides
    assert set(splits(groups, None).values()) == {"train"}
