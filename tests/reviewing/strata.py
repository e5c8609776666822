"""Strata of chains with known truth, and samples of them as people would judge them."""

import random
from collections.abc import Sequence

from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.people_figures import StratumFigures
from cotfactory.schemas.review import Stratum

Chains = tuple[str, Verdict, bool, int, int]
"""Teacher, verdict, whether a wrong step was found, chains, and how many of them are right."""


def judged(
    chains: Sequence[Chains], draws: Sequence[int], draw: random.Random, *, lapses: float = 0.0
) -> list[StratumFigures]:
    """Draw so many chains of each stratum without putting any back, and judge them, wrongly in a share of them."""
    found = []
    for (teacher, verdict, wrong_step, size, right), drawn in zip(chains, draws, strict=True):
        truths = [number < right for number in draw.sample(range(size), drawn)]
        seen = [truth != (draw.random() < lapses) for truth in truths]
        stratum = Stratum(grader="math", grader_version="1", verdict=verdict, wrong_step=wrong_step, teacher=teacher)
        found.append(StratumFigures(stratum=stratum, size=size, drawn=drawn, judged=drawn, right=sum(seen)))
    return found
