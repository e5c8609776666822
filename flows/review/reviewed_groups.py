"""Groups with what people said of their chains: reviews about a problem alone go to the first group of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cotfactory.schemas.group import Group
from cotfactory.schemas.review import Review


def with_reviews(problems: Iterable[tuple[Group, ...]], reviews: Iterable[Review]) -> Iterator[tuple[Group, ...]]:
    """Yield the groups of one problem after the other, each with the reviews of its chains, the oldest first."""
    of_problem: dict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        of_problem[review.problem_id].append(review)
    for groups in problems:
        about = of_problem.get(groups[0].problem.problem_id) if groups else None
        yield _reviewed(groups, about) if about else groups


def _reviewed(groups: tuple[Group, ...], reviews: list[Review]) -> tuple[Group, ...]:
    found = []
    for position, group in enumerate(groups):
        own = {graded.candidate.candidate_id for graded in group.candidates}
        said = (r for r in reviews if r.candidate_id in own or (position == 0 and r.candidate_id is None))
        found.append(group.model_copy(update={"reviews": tuple(said)}))
    return tuple(found)
