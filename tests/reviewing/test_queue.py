"""Everybody gets what is theirs, no item too often; differing answers go to one more, who sees reasons."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.reviewing.queue import next_item
from cotfactory.reviewing.settle import settle
from cotfactory.schemas.review import Review, ReviewItem
from tests.reviewing.made_reviews import a_review, an_item

PEOPLE = ["ana", "ben", "cleo", "dan"]


def work(
    items: Sequence[ReviewItem], people: Sequence[str], per_item: int, says: Callable[[str, ReviewItem], str]
) -> dict[str, list[Review]]:
    """Let people answer in turn until nothing is left for anybody."""
    answered: dict[str, list[Review]] = defaultdict(list)
    busy = True
    while busy:
        busy = False
        for person in people:
            found = next_item(person, items, answered, people, per_item)
            if found is not None:
                item, seen = found
                answered[item.item_id].append(a_review(person, says(person, item), item, seen=seen))
                busy = True
    return answered


@given(st.integers(1, 4), st.integers(1, 4), st.lists(st.sampled_from(["yes", "no", "unsure"]), min_size=7, max_size=7))
def test_every_item_gets_as_many_answers_as_it_wants(per_item: int, people: int, answers: list[str]) -> None:
    items = [an_item(number) for number in range(5)]
    who = PEOPLE[:people]

    def says(person: str, item: ReviewItem) -> str:
        return answers[(who.index(person) + int(item.problem_id[1:])) % 7]

    answered = work(items, who, per_item, says)
    for item in items:
        reviews = answered[item.item_id]
        blind = [review for review in reviews if review.seen == "blind"]
        assert len(blind) == min(per_item, people)
        assert len({review.person for review in reviews}) == len(reviews) <= len(blind) + 1
        settled = settle(reviews, per_item)
        if len(blind) == per_item:  # one more where they differ, if there is anybody
            assert not settled.needs_adjudicator or people == per_item


def test_planted_items_are_everybodys() -> None:
    answered = work([an_item(0, kind="planted", truth="no"), an_item(1)], PEOPLE, 2, lambda *_: "no")
    assert {name: len(reviews) for name, reviews in answered.items()} == {"item-0": 4, "item-1": 2}


def test_items_are_spread_and_everybody_has_an_order_of_their_own() -> None:
    items = [an_item(number) for number in range(300)]
    answered = work(items, PEOPLE, 2, lambda *_: "yes")
    shares = Counter(review.person for reviews in answered.values() for review in reviews)
    assert shares.total() == 600
    assert min(shares.values()) > 100  # 150 each on average
    firsts = {next_item(person, items, {}, PEOPLE, 4) for person in PEOPLE}
    assert len(firsts) == 4


def test_who_leaves_leaves_nothing_waiting() -> None:
    items = [an_item(number) for number in range(20)]
    answered = work(items, PEOPLE, 2, lambda *_: "yes")
    half = {name: reviews[:1] for name, reviews in answered.items()}
    left = [person for person in PEOPLE if person != "dan"]
    found = [next_item(person, items, half, left, 2) for person in left]
    assert any(found)
    again = work(items, left, 2, lambda *_: "yes")
    assert all(len(reviews) == 2 for reviews in again.values())


REVIEWS: list[tuple[str, list[Review], tuple[str | None, int | None, bool]]] = [
    # what, the reviews of an item that wants two, (answer, first wrong step, whether one more is needed)
    ("nobody", [], (None, None, False)),
    ("one of two", [a_review("ana")], (None, None, False)),
    ("both", [a_review("ana"), a_review("ben")], ("yes", None, False)),
    ("they differ", [a_review("ana"), a_review("ben", "no")], (None, None, True)),
    ("one is unsure", [a_review("ana"), a_review("ben", "unsure")], (None, None, True)),
    ("both are unsure", [a_review("ana", "unsure"), a_review("ben", "unsure")], (None, None, True)),
    (
        "one more decides",
        [a_review("ana"), a_review("ben", "no"), a_review("cleo", "no", seen="adjudicating")],
        ("no", None, False),
    ),
    (
        "who was to decide is unsure",
        [a_review("ana"), a_review("ben", "no"), a_review("cleo", "unsure", seen="adjudicating")],
        (None, None, False),
    ),
    # the newest answer of a person counts, once
    ("a changed mind", [a_review("ana", "no"), a_review("ben"), a_review("ana", number=9)], ("yes", None, False)),
    (
        "the step that most name",
        [
            a_review("ana", "no", first_wrong_step=2, wrong_step_text="c"),
            a_review("ben", "no", first_wrong_step=1, wrong_step_text="b"),
        ],
        ("no", 1, False),
    ),
    (
        "a step that one of two names is nobody's verdict",
        [a_review("ana", first_wrong_step=2, wrong_step_text="c"), a_review("ben")],
        ("yes", None, False),
    ),
]


@pytest.mark.parametrize(("reviews", "expected"), [row[1:] for row in REVIEWS], ids=[row[0] for row in REVIEWS])
def test_settled(reviews: list[Review], expected: tuple[str | None, int | None, bool]) -> None:
    found = settle(reviews, 2)
    assert (found.answer, found.first_wrong_step, found.needs_adjudicator) == expected
