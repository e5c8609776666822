"""Pairs and labels are right against wrong, never ours against theirs; pairs are stable, or matched in length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.publishing.products.preference import kto_rows, preference_rows
from cotfactory.publishing.products.self_correction import self_correction_rows
from cotfactory.schemas.grade import Decision, Verdict
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import PreferencePairs
from tests.publishing.made_groups import (
    KEY,
    contaminated,
    group_of,
    made_candidate,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_recipe,
)

RECIPE = made_recipe()


@pytest.mark.parametrize(
    ("group", "pairs"),
    [
        (group_of("correct", "incorrect", "incorrect"), [(0, 1)]),  # no chain is chosen twice
        (group_of("incorrect", "correct", "correct"), [(1, 0)]),
        (group_of("correct", "incorrect", "correct", "incorrect"), [(0, 1), (2, 3)]),
        (group_of("correct", "ungraded"), []),  # our failure is nobody's wrong answer
        (group_of("correct", "no_answer"), []),
        (group_of("correct", "incorrect", truncated=(1,)), []),  # the limit's fault
        (group_of("correct", "correct"), []),
        (group_of("incorrect", "incorrect"), []),
    ],
)
def test_pairs(group: Group, pairs: list[tuple[int, int]]) -> None:
    ids = [graded.candidate.candidate_id for graded in group.candidates]
    found = [(ids.index(row["chosen_id"]), ids.index(row["rejected_id"])) for row in preference_rows([group], RECIPE)]
    assert found == pairs


def test_correct_candidate_that_was_not_kept_is_never_chosen() -> None:
    problem = made_problem()
    graded = [
        made_graded(made_candidate(problem, 0)),
        made_graded(made_candidate(problem, 1), "incorrect"),
    ]
    assert preference_rows([made_group(problem, graded, kept=[False, False])], RECIPE) == []


@given(
    st.lists(st.sampled_from(["correct", "incorrect", "no_answer", "ungraded"]), max_size=8),
    st.sampled_from(["correct", "incorrect", "no_answer", "ungraded"]),
)
def test_one_more_sample_never_changes_earlier_pairs(verdicts: list[Verdict], one_more: Verdict) -> None:
    before = [row["row_id"] for row in preference_rows([group_of(*verdicts)], RECIPE)]
    after = [row["row_id"] for row in preference_rows([group_of(*verdicts, one_more)], RECIPE)]
    assert after[: len(before)] == before


def test_pair_is_what_dpo_reads() -> None:
    row = preference_rows([made_mixed_group(1)], RECIPE)[0]
    assert [message["role"] for message in row["prompt"]] == ["user"]
    assert [message["role"] for message in row["chosen"] + row["rejected"]] == ["assistant", "assistant"]
    assert row["rejection_type"] == "different"
    assert (row["chosen_verdict"], row["rejected_verdict"]) == ("correct", "incorrect")
    assert (row["chosen_finish_reason"], row["rejected_finish_reason"]) == ("stop", "stop")
    assert (row["chosen_chars"], row["rejected_chars"]) == tuple(
        len(row[side][0]["content"]) for side in ("chosen", "rejected")
    )


def recipe_with(pairs: PreferencePairs) -> Recipe:
    return RECIPE.model_copy(update={"release": RECIPE.release.model_copy(update={"preference": pairs})})


def group_of_lengths(chosen: list[int], wrong: list[int]) -> Group:
    problem = made_problem()
    sides: list[tuple[Verdict, int]] = [("correct", each) for each in chosen]
    sides += [("incorrect", each) for each in wrong]
    graded = [
        made_graded(made_candidate(problem, index, reasoning=None, response="x" * length), verdict)
        for index, (verdict, length) in enumerate(sides)
    ]
    return made_group(problem, graded)


@pytest.mark.parametrize(
    ("chosen", "wrong", "lengths"),
    [
        ([10, 30, 90], [25, 100], [(30, 25), (90, 100)]),
        ([90, 30, 10], [100, 25], [(30, 25), (90, 100)]),  # not the order of asking
        ([50], [100], [(50, 100)]),  # the limit itself is allowed
        ([50], [101], []),
        ([1], [], []),
        ([10, 10], [20, 20], [(10, 20), (10, 20)]),
    ],
)
def test_lengths_are_matched(chosen: list[int], wrong: list[int], lengths: list[tuple[int, int]]) -> None:
    rows = preference_rows([group_of_lengths(chosen, wrong)], recipe_with(PreferencePairs(max_length_ratio=2)))
    assert [(row["chosen_chars"], row["rejected_chars"]) for row in rows] == lengths


@given(
    st.lists(st.integers(1, 40), max_size=5),
    st.lists(st.integers(1, 40), max_size=5),
    st.sampled_from([1, 1.1, 1.5, 3]),
)
def test_as_many_pairs_are_matched_as_can_be(chosen: list[int], wrong: list[int], ratio: float) -> None:
    rows = preference_rows([group_of_lengths(chosen, wrong)], recipe_with(PreferencePairs(max_length_ratio=ratio)))
    for row in rows:
        longer, shorter = sorted([row["chosen_chars"], row["rejected_chars"]], reverse=True)
        assert longer / shorter <= ratio
    used = [row[side] for row in rows for side in ("chosen_id", "rejected_id")]
    assert len(set(used)) == len(used)
    assert len(rows) == most_pairs(chosen, wrong, ratio)


def most_pairs(chosen: list[int], wrong: list[int], ratio: float) -> int:
    """Try every way to pair."""
    if not chosen:
        return 0
    best = most_pairs(chosen[1:], wrong, ratio)
    for place, other in enumerate(wrong):
        if max(chosen[0], other) / min(chosen[0], other) <= ratio:
            best = max(best, 1 + most_pairs(chosen[1:], wrong[:place] + wrong[place + 1 :], ratio))
    return best


def test_one_pair_for_each_type_of_rejection() -> None:
    problem = made_problem()
    graded = [made_graded(made_candidate(problem, index)) for index in range(3)]
    for index, reason in enumerate(["different", "different", "several_answers"], 3):
        graded.append(made_graded(made_candidate(problem, index), "incorrect", reason=reason))
    rows = preference_rows([made_group(problem, graded)], recipe_with(PreferencePairs(one_per_rejection_type=True)))
    assert [row["rejection_type"] for row in rows] == ["different", "several_answers"]


def unfit() -> list[tuple[str, Group]]:
    """Return groups with a right chain and a wrong one that must not be shown."""
    problem = made_problem()
    right = made_graded(made_candidate(problem, 0))

    def group(wrong: GradedCandidate) -> Group:
        return made_group(problem, [right, wrong])

    return [
        (
            "cut by a filter",
            group(made_graded(made_candidate(problem, 1, finish_reason="content_filter"), "incorrect")),
        ),
        ("says nothing", group(made_graded(made_candidate(problem, 1, response=" "), "incorrect"))),
        ("holds a key", group(made_graded(made_candidate(problem, 1, response=KEY), "incorrect"))),
        ("is a benchmark's", contaminated(group(made_graded(made_candidate(problem, 1), "incorrect")), 1)),
    ]


@pytest.mark.parametrize(("why", "group"), unfit(), ids=[why for why, _ in unfit()])
def test_wrong_chain_that_must_not_be_shown(why: str, group: Group) -> None:
    assert preference_rows([group], RECIPE) == []
    assert [row["label"] for row in kto_rows([group], RECIPE)] == [True]


def test_kto_needs_no_pairs() -> None:
    rows = kto_rows([group_of("incorrect", "ungraded", "no_answer", "incorrect", "correct", truncated=(3,))], RECIPE)
    assert [(row["label"], row["verdict"], row["rejection_type"]) for row in rows] == [
        (True, "correct", None),
        (False, "incorrect", "equal"),
    ]
    assert [message["role"] for row in rows for message in row["prompt"] + row["completion"]] == [
        "user",
        "assistant",
    ] * 2


def test_sides_of_a_pair_are_of_one_form() -> None:
    problem = made_problem()
    thinks = [made_candidate(problem, 0), made_candidate(problem, 3)]
    plain = [made_candidate(problem, index, reasoning=None) for index in (1, 2)]
    graded = [
        made_graded(thinks[0]),
        made_graded(plain[0], "incorrect"),  # the first that is wrong, and in another form
        made_graded(plain[1]),
        made_graded(thinks[1], "incorrect"),
    ]
    rows = preference_rows([made_group(problem, graded)], RECIPE)
    found = {(row["chosen_id"], row["rejected_id"]) for row in rows}
    assert found == {
        (thinks[0].candidate_id, thinks[1].candidate_id),
        (plain[1].candidate_id, plain[0].candidate_id),
    }


@pytest.mark.parametrize(("wanted", "pairs"), [(PreferencePairs(), 1), (PreferencePairs(max_length_ratio=None), 2)])
def test_pairs_are_matched_in_length_unless_the_recipe_wants_any(wanted: PreferencePairs, pairs: int) -> None:
    rows = preference_rows([group_of_lengths([100, 200], [140, 900])], recipe_with(wanted))
    assert len(rows) == pairs


def test_a_prompt_that_held_the_answer_gives_no_row() -> None:
    hinted = group_of("correct", "incorrect", "incorrect").model_copy(update={"strategy": "hint"})
    dropped = hinted.model_copy(
        update={"decisions": tuple(each.model_copy(update={"kept": False}) for each in hinted.decisions)}
    )
    assert kto_rows([dropped], RECIPE) == []
    assert len(kto_rows([hinted], RECIPE)) == 3  # `keep_hinted`


def retried(draft: GradedCandidate, detail: str | None = None) -> Group:
    """Return a group whose second sample is right after that draft; its first is wrong to the end."""
    problem = made_problem()
    wrong = made_graded(made_candidate(problem, 0, response="It is 16."), "incorrect", found="16")
    right = made_graded(made_candidate(problem, 1))
    led = Decision(candidate_id=draft.candidate.candidate_id, kept=False, reason="earlier_step", detail=detail)
    return made_group(problem, [wrong, right]).model_copy(
        update={"strategy": "retry_with_feedback", "earlier_steps": (draft,), "earlier_decisions": (led,)}
    )


def a_draft(
    verdict: Verdict = "incorrect", finish_reason: str = "stop", response: str = "It is 17."
) -> GradedCandidate:
    problem = made_problem()
    candidate = made_candidate(problem, 1, response=response, finish_reason=finish_reason)
    return made_graded(candidate.model_copy(update={"candidate_id": "d" * 32}), verdict, found="17")


@pytest.mark.parametrize(
    ("group", "rejected"),
    [
        (retried(a_draft()), "It is 17."),
        (retried(a_draft("no_answer")), "It is 16."),  # nothing wrong was said
        (retried(a_draft(finish_reason="length")), "It is 16."),  # the token limit's failure
        (retried(a_draft(response=f"It is {KEY}.")), "It is 16."),
        (retried(a_draft(), "math.jsonl row 1 question, words_8 0.93, in draft"), "It is 16."),  # a benchmark's text
    ],
)
def test_a_samples_own_wrong_draft_is_what_its_right_answer_is_held_against(group: Group, rejected: str) -> None:
    (pair,) = preference_rows([group], RECIPE)
    assert pair["rejected"][0]["content"].endswith(rejected)
    (correction,) = self_correction_rows([group], RECIPE)
    assert correction["wrong_id"] == pair["rejected_id"]
