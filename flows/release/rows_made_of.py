"""RowsMadeOf: of each problem, a hash of all that its rows in a release are made of.

Where it is that of a release, so are the rows: they are taken over, and no chain of the problem is read.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from cotfactory.flows.host.code_id import code_id
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.review import Review

OF_OTHER_PROBLEMS = frozenset(("problems", "budget", "shard_problems"))
"""Keys of a recipe that no row of a problem depends on, once it is decided."""


class PlacedKey(NamedTuple):
    """A problem's position, and the hash of what its rows are made of."""

    position: int
    key: str


class RowsMadeOf:
    """Gathers the hashes of the problems of a run, `of_problems` by problem id; none for one whose groups have none."""

    def __init__(self, recipe: Recipe, reviews: Iterable[Review]) -> None:
        self.of_problems: dict[str, PlacedKey] = {}
        self._by = content_id([code_id(), recipe.model_dump(mode="json", exclude=set(OF_OTHER_PROBLEMS))])
        self._reviews: defaultdict[str, list[str]] = defaultdict(list)
        for review in reviews:
            self._reviews[review.problem_id].append(review.model_dump_json())

    def add(self, position: int, problem_id: str, groups_key: str | None, decisions: Iterable[Decision]) -> None:
        """Note a problem: what its groups are made of, and what was decided about its chains and earlier steps."""
        if groups_key is None:
            return
        decided = [decision.model_dump_json() for decision in decisions]
        about = [self._by, groups_key, decided, self._reviews.get(problem_id, [])]
        self.of_problems[problem_id] = PlacedKey(position, content_id(about))
