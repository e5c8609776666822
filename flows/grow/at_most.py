"""How many calls growing takes at most, before anything is written: what `cotfactory plan` can say of it."""

import math
from pathlib import Path

from cotfactory.flows.grow.writing import places
from cotfactory.flows.settings import hub_access
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.schemas.problem_sources import GrownSource
from cotfactory.schemas.recipe import Recipe


def grown_calls_at_most(recipe: Recipe) -> int:
    """Return the calls that write problems, find their answers and then ask them, were every reply of use.

    What is stored of them is not taken off: which requests follow a reply is known when it is there.
    """
    return sum(_of_source(recipe, source) for source in recipe.written_sources.values())


def _of_source(recipe: Recipe, source: GrownSource) -> int:
    rules = source.references
    seeds = list(load_problems((source.seeds,), Path.cwd(), hub_access()))
    wanted = places(seeds, source)
    written = sum(place.problem is None for place in wanted)
    known = math.ceil(rules.known_share * written)
    voted_on = known + (len(wanted) if source.pass_rate is not None else written)
    programs = written + known if "program" in rules.by else 0
    votes = voted_on * rules.votes if "majority" in rules.by else 0
    return written + programs + votes + len(wanted) * len(recipe.writers) * recipe.attempts.max
