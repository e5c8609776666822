"""Who gets what: a hash of person and item decides, so nothing is handed out, and everybody goes on where they were.

Each person has an order of their own. An item that wants two answers goes to those two whose hash with it is smallest,
of all who have not answered it; when somebody joins or leaves, only items that still want answers move.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from cotfactory.reviewing.settle import newest, settle
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.review import Review, ReviewItem, Seen

Answered = Mapping[str, Sequence[Review]]
"""The reviews of each item, by its id."""


def next_item(
    person: str, items: Iterable[ReviewItem], answered: Answered, people: Sequence[str], per_item: int
) -> tuple[ReviewItem, Seen] | None:
    """Return what a person is to answer next, and what they may see of others; None where nothing is left for them."""
    due = ((item, seen) for item, seen in due_items(person, items, answered, people, per_item))
    return min(due, key=lambda pair: _rank(person, pair[0].item_id), default=None)


def due_items(
    person: str, items: Iterable[ReviewItem], answered: Answered, people: Sequence[str], per_item: int
) -> Iterable[tuple[ReviewItem, Seen]]:
    """Yield all that a person has still to answer."""
    for item in items:
        seen = _due(person, item, answered.get(item.item_id, ()), people, per_item)
        if seen is not None:
            yield item, seen


def _due(person: str, item: ReviewItem, reviews: Sequence[Review], people: Sequence[str], per_item: int) -> Seen | None:
    known = {review.person for review in reviews}
    if person in known:
        return None
    if item.kind == "planted":
        return "blind"
    if item.question == "write":
        per_item = 1
    blind = sum(review.seen == "blind" for review in newest(reviews))
    wanted = per_item - blind
    if wanted <= 0:
        if item.question == "write" or not settle(reviews, per_item).needs_adjudicator:
            return None
        wanted = 1
    waiting = sorted((other for other in people if other not in known), key=lambda other: _rank(other, item.item_id))
    if person not in waiting[:wanted]:
        return None
    return "adjudicating" if blind >= per_item else "blind"


@lru_cache(maxsize=1 << 18)
def _rank(person: str, item_id: str) -> int:
    return seed_from("review", person, item_id)
