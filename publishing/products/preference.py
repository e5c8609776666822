"""What is better than what: `preference` pairs for DPO, and `kto` rows with a label and no partner."""

from collections import defaultdict
from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, prompt, provenance, thinking, turn_of, written_by
from cotfactory.publishing.products.who_may_appear import kept, own_corrections, rejected
from cotfactory.reviewing.settle import settle
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import PreferencePairs
from cotfactory.schemas.review import Review

Pair = tuple[GradedCandidate, GradedCandidate]
PEOPLE_PREFER = "people_prefer"
"""The rejection type of a right chain that people find worse than another right one."""


def preference_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return pairs of a kept correct and an incorrect candidate of the same teacher, in one form; none is in two pairs.

    One pair of each rejection type, where that is asked for, is one for a model, in however many ways it was asked.
    """
    rows = [row for group in groups for row in _rows(group, recipe)]
    if not recipe.release.preference.one_per_rejection_type:
        return rows
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row["teacher"], row["rejection_type"]), row)
    return list(first.values())


def kto_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return a wanted row for each kept candidate and an unwanted one for each that may be shown as wrong."""
    return [
        {
            **provenance("kto", group, graded.candidate.candidate_id),
            "candidate_id": graded.candidate.candidate_id,
            "prompt": prompt(group),
            "completion": [turn_of(graded.candidate)],
            "label": label,
            "verdict": graded.grade.verdict,
            "weak": graded.grade.evidence.weak,
            "finish_reason": graded.candidate.finish_reason,
            "rejection_type": None if label else graded.grade.reason,
            **written_by(group, recipe),
        }
        for group in groups
        for label, candidates in ((True, _chosen(group)), (False, rejected(group)))
        for graded in candidates
    ]


def _rows(group: Group, recipe: Recipe) -> list[Row]:
    """Return the pairs that people decided about, then samples with their own wrong drafts, then the others."""
    wanted = recipe.release.preference
    preferred = _preferred(group, recipe)
    taken = _ids(preferred)
    own = [
        (right, wrong)
        for wrong, right in own_corrections(group)
        if right.grade.verdict == "correct" and _is_fair((right, wrong), wanted.max_length_ratio)
    ]
    corrected = [pair for pair in own if taken.isdisjoint(_ids([pair]))]
    pairs = [*corrected, *_pairs(group, wanted, taken | _ids(corrected))]
    return [_row(group, recipe, pair, PEOPLE_PREFER) for pair in preferred] + [
        _row(group, recipe, pair, pair[1].grade.reason) for pair in pairs
    ]


def _ids(pairs: Sequence[Pair]) -> set[str]:
    return {graded.candidate.candidate_id for pair in pairs for graded in pair}


def _preferred(group: Group, recipe: Recipe) -> list[Pair]:
    """Return the pairs of kept candidates of which people find one better, in one form and of like length."""
    if recipe.review is None:
        return []
    chosen = {graded.candidate.candidate_id: graded for graded in _chosen(group)}
    of_pairs: dict[str, list[Review]] = defaultdict(list)
    for review in group.reviews:
        if review.question == "better_of_two" and {review.candidate_id, review.other_id} <= chosen.keys():
            of_pairs[review.item_id].append(review)
    pairs: list[Pair] = []
    for _, members in sorted(of_pairs.items()):
        better, about = settle(members, recipe.review.per_item).answer, members[0]
        sides = chosen[about.candidate_id or ""], chosen[about.other_id or ""]
        pair = sides if better == "first" else sides[::-1]
        used = {graded.candidate.candidate_id for other in pairs for graded in other}
        is_new = used.isdisjoint(graded.candidate.candidate_id for graded in pair)
        if better is not None and is_new and _is_fair(pair, recipe.release.preference.max_length_ratio):
            pairs.append(pair)
    return pairs


def _is_fair(pair: Pair, ratio: float | None) -> bool:
    """Whether neither the form nor the length of a pair tells which side is better."""
    lengths = sorted(map(_chars, pair))
    in_one_form = len({thinking(graded.candidate) is None for graded in pair}) == 1
    differ = turn_of(pair[0].candidate) != turn_of(pair[1].candidate)
    return differ and in_one_form and (ratio is None or lengths[1] / lengths[0] <= ratio)


def _chosen(group: Group) -> list[GradedCandidate]:
    return [graded for graded in kept(group) if graded.grade.verdict == "correct"]


def _pairs(group: Group, wanted: PreferencePairs, taken: set[str]) -> list[Pair]:
    """Return pairs whose sides both show their thinking, then those of which neither does: a form tells nothing.

    Those that are `taken` are in none.
    """
    pairs: list[Pair] = []
    for thinks in (True, False):
        chosen, wrong = (
            [
                graded
                for graded in side
                if (thinking(graded.candidate) is not None) == thinks and graded.candidate.candidate_id not in taken
            ]
            for side in (_chosen(group), rejected(group))
        )
        pairs += _pairs_of_a_form(chosen, wrong, wanted)
    return pairs


def _pairs_of_a_form(
    chosen: list[GradedCandidate], wrong: list[GradedCandidate], wanted: PreferencePairs
) -> list[Pair]:
    if wanted.max_length_ratio is None:
        # The first kept with the first rejected, and so on: one more sample never changes the earlier pairs.
        return list(zip(chosen, wrong, strict=False))
    return _length_matched(chosen, wrong, wanted.max_length_ratio)


def _length_matched(chosen: list[GradedCandidate], wrong: list[GradedCandidate], ratio: float) -> list[Pair]:
    """Return as many pairs as can be made in which neither side is `ratio` times longer than the other.

    Both sides from short to long; of two that do not match, the shorter one has no partner left. With a ratio of 2,
    lengths 10, 30, 90 against 25, 100 pair 30 with 25 and 90 with 100; the 10 stays alone.
    """
    short = sorted(chosen, key=_length_then_index)
    others = sorted(wrong, key=_length_then_index)
    pairs = []
    while short and others:
        chosen_chars, wrong_chars = _chars(short[0]), _chars(others[0])
        if max(chosen_chars, wrong_chars) / min(chosen_chars, wrong_chars) <= ratio:
            pairs.append((short.pop(0), others.pop(0)))
        elif chosen_chars < wrong_chars:
            short.pop(0)
        else:
            others.pop(0)
    return pairs


def _length_then_index(graded: GradedCandidate) -> tuple[int, int]:
    return _chars(graded), graded.candidate.sample_index


def _chars(graded: GradedCandidate) -> int:
    return len(turn_of(graded.candidate)["content"])


def _row(group: Group, recipe: Recipe, pair: Pair, rejection_type: str) -> Row:
    chosen, wrong = pair
    ids = chosen.candidate.candidate_id, wrong.candidate.candidate_id
    return {
        **provenance("preference", group, *ids),
        "chosen_id": ids[0],
        "rejected_id": ids[1],
        "prompt": prompt(group),
        "chosen": [turn_of(chosen.candidate)],
        "rejected": [turn_of(wrong.candidate)],
        "chosen_verdict": chosen.grade.verdict,
        "rejected_verdict": wrong.grade.verdict,
        "weak": chosen.grade.evidence.weak or wrong.grade.evidence.weak,
        "chosen_finish_reason": chosen.candidate.finish_reason,
        "rejected_finish_reason": wrong.candidate.finish_reason,
        "chosen_chars": _chars(chosen),
        "rejected_chars": _chars(wrong),
        "rejection_type": rejection_type,
        **written_by(group, recipe),
    }
