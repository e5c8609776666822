"""From reviews to figures: agreement, each grader's precision and recall, each person's score on planted items."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median

from cotfactory.reviewing.agreement import question_agreement
from cotfactory.reviewing.estimate import precision, recall
from cotfactory.reviewing.settle import blind_answers, newest, settle
from cotfactory.schemas.people_figures import GraderFigures, PeopleFigures, PersonFigures, StratumFigures
from cotfactory.schemas.review import ANSWERS, Review, ReviewItem, Stratum


def by_item(reviews: Iterable[Review]) -> dict[str, list[Review]]:
    """Return the reviews of each item, by its id."""
    found: dict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        found[review.item_id].append(review)
    return found


def people_figures(
    items: Sequence[ReviewItem], reviews: Sequence[Review], per_item: int, drawn_at: datetime
) -> PeopleFigures | None:
    """Return what the reviews of a sample say; None where there are none.

    Random items alone are behind estimates and agreement: others were not drawn by chance.
    """
    if not reviews:
        return None
    answered = by_item(reviews)
    open_items = 0
    for item in items:
        if item.kind != "planted" and item.question != "write":
            open_items += settle(answered.get(item.item_id, ()), per_item).answer is None
    disputed = [item for item in items if item.kind == "disputed"]
    decided = [settle(answered.get(item.item_id, ()), per_item).answer for item in disputed]
    strata = _strata([item for item in items if item.kind == "random"], answered, per_item)
    return PeopleFigures(
        guidelines_id=reviews[0].guidelines_id,
        until=max(review.reviewed_at for review in reviews),
        drawn_at=drawn_at,
        population=sum(figures.size for figures in strata),
        items=len(items),
        open_items=open_items,
        disputed=sum(answer is not None for answer in decided),
        disputed_wrong=sum(answer == "no" for answer in decided),
        agreement=tuple(
            question_agreement(
                question,
                [
                    blind_answers(answered.get(item.item_id, ()))
                    for item in items
                    if item.question == question and item.kind in ("random", "chosen")
                ],
            )
            for question in ANSWERS
            if question != "write" and any(item.question == question for item in items)
        ),
        graders=_graders(strata),
        people=tuple(_person(person, own) for person, own in sorted(_by_person(reviews).items())),
    )


def _strata(
    items: Sequence[ReviewItem], answered: Mapping[str, Sequence[Review]], per_item: int
) -> tuple[StratumFigures, ...]:
    drawn: dict[Stratum, list[ReviewItem]] = defaultdict(list)
    for item in items:
        if item.stratum is not None:
            drawn[item.stratum].append(item)
    found = []
    for stratum, members in drawn.items():
        answers = [settle(answered.get(item.item_id, ()), per_item).answer for item in members]
        found.append(
            StratumFigures(
                stratum=stratum,
                size=members[0].size or 0,
                drawn=len(members),
                judged=sum(answer in ("yes", "no") for answer in answers),
                right=sum(answer == "yes" for answer in answers),
            )
        )
    return tuple(sorted(found, key=lambda figures: str(figures.stratum)))


def _graders(strata: Sequence[StratumFigures]) -> tuple[GraderFigures, ...]:
    of: dict[tuple[str, str], list[StratumFigures]] = defaultdict(list)
    for figures in strata:
        of[figures.stratum.grader, figures.stratum.grader_version].append(figures)
    return tuple(
        GraderFigures(
            grader=grader,
            grader_version=version,
            chains=sum(figures.size for figures in members),
            precision=precision(members),
            recall=recall(members),
            strata=tuple(members),
        )
        for (grader, version), members in sorted(of.items())
    )


def _by_person(reviews: Sequence[Review]) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = defaultdict(list)
    for members in by_item(reviews).values():
        for review in newest(members):
            found[review.person].append(review)
    return found


def _person(person: str, reviews: Sequence[Review]) -> PersonFigures:
    planted = [review for review in reviews if review.kind == "planted"]
    return PersonFigures(
        person=person,
        answers=len(reviews),
        planted=len(planted),
        planted_right=sum(review.answer == review.truth for review in planted),
        seconds_median=round(median(review.seconds for review in reviews), 1) if reviews else None,
    )
