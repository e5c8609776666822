"""Difficulty: whether the model that a recipe names solves a problem too seldom, or too often."""

from collections.abc import Sequence

from cotfactory.schemas.curation import Difficulty
from cotfactory.schemas.group import Group


def outside_difficulty(groups: Sequence[Group], band: Difficulty | None) -> str | None:
    """Return how often the band's model solves a problem, in words, when that is outside the band."""
    if band is None:
        return None
    # How often it solves the problem plainly, if that is known; never how often with the answer before its eyes.
    asked = sorted(groups, key=lambda group: group.strategy != "solve")
    rates = [group.pass_rate for group in asked if group.model == band.model and group.pass_rate.rate is not None]
    if not rates:
        return f"{band.model} has no graded attempt at it"
    found = rates[0]
    inside = found.rate is not None and band.min <= found.rate <= band.max
    return None if inside else f"{band.model} solves it {found.c} of {found.n} times"
