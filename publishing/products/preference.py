"""What is better than what: `preference` pairs for DPO, and `kto` rows with a label and no partner."""

from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, prompt, provenance, thinking, turn_of, written_by
from cotfactory.publishing.products.who_may_appear import kept, rejected
from cotfactory.schemas.group import GradedCandidate, Group
from cotfactory.schemas.recipe import PreferencePairs, Recipe

Pair = tuple[GradedCandidate, GradedCandidate]


def preference_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return pairs of a kept correct and an incorrect candidate of the same teacher, in one form; none is in two pairs.

    One pair of each rejection type, where that is asked for, is one for a model, in however many ways it was asked.
    """
    rows = [_row(group, recipe, pair) for group in groups for pair in _pairs(group, recipe.release.preference)]
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
            "finish_reason": graded.candidate.finish_reason,
            "rejection_type": None if label else graded.grade.reason,
            **written_by(group, recipe),
        }
        for group in groups
        for label, candidates in ((True, _chosen(group)), (False, rejected(group)))
        for graded in candidates
    ]


def _chosen(group: Group) -> list[GradedCandidate]:
    return [graded for graded in kept(group) if graded.grade.verdict == "correct"]


def _pairs(group: Group, wanted: PreferencePairs) -> list[Pair]:
    """Return pairs whose sides both show their thinking, then those of which neither does: a form tells nothing."""
    pairs: list[Pair] = []
    for thinks in (True, False):
        chosen, wrong = (
            [graded for graded in side if (thinking(graded.candidate) is not None) == thinks]
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


def _row(group: Group, recipe: Recipe, pair: Pair) -> Row:
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
        "chosen_finish_reason": chosen.candidate.finish_reason,
        "rejected_finish_reason": wrong.candidate.finish_reason,
        "chosen_chars": _chars(chosen),
        "rejected_chars": _chars(wrong),
        "rejection_type": wrong.grade.reason,
        **written_by(group, recipe),
    }
