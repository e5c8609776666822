"""Items and reviews for tests, whole and valid, with what a test cares about filled in."""

from datetime import timedelta
from typing import Any

from cotfactory.schemas.review import Review, ReviewItem
from tests.builders import AT


def an_item(number: int = 0, **changes: Any) -> ReviewItem:
    made = {
        "item_id": f"item-{number}",
        "recipe": "sums",
        "draw_id": "draw",
        "question": "answer_right",
        "kind": "random",
        "problem_id": f"p{number}",
        "candidate_id": f"c{number}",
    }
    return ReviewItem(**(made | changes))


def a_review(person: str = "ana", answer: str = "yes", item: ReviewItem | None = None, **changes: Any) -> Review:
    item = item or an_item()
    number = changes.pop("number", 0)
    made = {
        "review_id": f"{item.item_id}-{person}-{number}",
        "guidelines_id": "g1",
        "person": person,
        "answer": answer,
        "seconds": 10.0,
        "seen": "blind",
        "reviewed_at": AT + timedelta(seconds=number),
        **item.model_dump(include={"item_id", "recipe", "question", "kind", "problem_id", "candidate_id", "truth"}),
        "other_id": item.other_id,
    }
    return Review(**(made | changes))
