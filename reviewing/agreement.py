"""Krippendorff's alpha for answers without an order: how far people agree beyond what chance explains.

After K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011). 1 is full agreement, 0 what chance gives; 0.67
is the least that its author would draw tentative conclusions from, 0.8 what he asks for.
"""

import random
from collections import Counter
from collections.abc import Sequence

from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.people_figures import QuestionAgreement
from cotfactory.schemas.review import ReviewQuestion

RESAMPLES = 400


def alpha(items: Sequence[Sequence[object]]) -> float | None:
    """Return alpha of items, each with the answers it got; those with fewer than two say nothing.

    None where all answers are one and the same, or there are none: then nothing tells agreement from habit.
    """
    observed, totals = 0.0, Counter[object]()
    for answers in items:
        if len(answers) < 2:
            continue
        counts = Counter(answers)
        totals.update(counts)
        differing = len(answers) ** 2 - sum(count**2 for count in counts.values())
        observed += differing / (len(answers) - 1)
    n = totals.total()
    expected = n**2 - sum(count**2 for count in totals.values())
    return 1 - (n - 1) * observed / expected if expected else None


def raw_agreement(items: Sequence[Sequence[object]]) -> float | None:
    """Return the share of pairs of answers to one item that are the same; None without any pair."""
    pairs = same = 0
    for answers in items:
        pairs += len(answers) * (len(answers) - 1)
        same += sum(count * (count - 1) for count in Counter(answers).values())
    return same / pairs if pairs else None


def question_agreement(question: ReviewQuestion, items: Sequence[Sequence[object]]) -> QuestionAgreement:
    """Return alpha with its 95 % interval over resampled items (bootstrap), the same for the same items."""
    several = [answers for answers in items if len(answers) > 1]
    value = alpha(several)
    low, high = _interval(several) if value is not None else (None, None)
    raw = raw_agreement(several)
    return QuestionAgreement(question=question, items=len(several), raw=raw, alpha=value, low=low, high=high)


def _interval(items: Sequence[Sequence[object]]) -> tuple[float, float]:
    draw = random.Random(seed_from("agreement", str(len(items))))  # noqa: S311 - a resampling, no secret
    found = (alpha(draw.choices(items, k=len(items))) for _ in range(RESAMPLES))
    values = sorted(1.0 if value is None else value for value in found)
    return values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES)]
