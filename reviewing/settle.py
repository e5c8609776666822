"""What people's answers to one item come to: decided by most of them, by one more who saw their reasons, or open."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cotfactory.schemas.review import Answer, Review


@dataclass(frozen=True)
class Settled:
    """What an item comes to. `answer` is None while nobody has decided, or when who was to decide was unsure.

    `reviews` are those that agree with the answer; `first_wrong_step` the earliest step that most of these name, with
    its text.
    """

    answer: Answer | None
    reviews: tuple[Review, ...] = ()
    first_wrong_step: int | None = None
    wrong_step_text: str | None = None
    needs_adjudicator: bool = False


def newest(reviews: Iterable[Review]) -> list[Review]:
    """Return the newest review of each person of one item, the oldest of these first."""
    latest: dict[str, Review] = {}
    for review in sorted(reviews, key=lambda review: (review.reviewed_at, review.review_id)):
        latest[review.person] = review
    return sorted(latest.values(), key=lambda review: (review.reviewed_at, review.review_id))


def blind_answers(reviews: Iterable[Review]) -> list[Answer]:
    """Return what each person said of an item before they saw anybody's reason; who is unsure says nothing."""
    blind = (review for review in reviews if review.seen == "blind")
    return [review.answer for review in newest(blind) if review.answer != "unsure"]


def settle(reviews: Sequence[Review], per_item: int) -> Settled:
    """Return what the reviews of one item come to.

    More than half of the blind answers decide once there are `per_item`; where there is no such half, the first
    answer of somebody who saw the reasons does.
    """
    latest = newest(reviews)
    blind = [review for review in latest if review.seen == "blind"]
    if len(blind) < per_item:
        return Settled(None)
    (answer, count), *_ = Counter(review.answer for review in blind).most_common()
    if answer != "unsure" and 2 * count > len(blind):
        return _settled(answer, blind)
    deciding = next((review for review in latest if review.seen == "adjudicating"), None)
    if deciding is None:
        return Settled(None, needs_adjudicator=True)
    return Settled(None) if deciding.answer == "unsure" else _settled(deciding.answer, [deciding])


def _settled(answer: Answer, reviews: Sequence[Review]) -> Settled:
    agreeing = tuple(review for review in reviews if review.answer == answer)
    steps = Counter(review.first_wrong_step for review in agreeing if review.first_wrong_step is not None)
    if 2 * steps.total() <= len(agreeing):
        return Settled(answer, agreeing)
    step = min(steps, key=lambda number: (-steps[number], number))
    text = next(review.wrong_step_text for review in agreeing if review.first_wrong_step == step)
    return Settled(answer, agreeing, step, text)
