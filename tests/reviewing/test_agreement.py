"""Alpha is that of the published example, and says nothing where nothing can be said."""

import pytest

from cotfactory.reviewing.agreement import alpha, question_agreement, raw_agreement

# Krippendorff (2011), example C: four observers, twelve units, some of them missing.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
PUBLISHED = [[value for value in unit if value != "."] for unit in zip(*map(str.split, OBSERVERS), strict=True)]

ITEMS: list[tuple[str, list[list[str]], float | None, float | None]] = [
    # what, the answers of each item, alpha, the share of equal pairs
    ("the published example", PUBLISHED, 0.743, 0.782),
    ("all agree, on different answers", [["yes", "yes"], ["no", "no"]], 1.0, 1.0),
    ("all say yes: habit or agreement, nobody knows", [["yes", "yes"], ["yes", "yes"]], None, 1.0),
    ("one answer an item says nothing of agreement", [["yes"], ["no"]], None, None),
    ("they always differ", [["yes", "no"], ["no", "yes"]], -0.5, 0.0),
    ("nothing at all", [], None, None),
]


@pytest.mark.parametrize(("items", "expected", "raw"), [row[1:] for row in ITEMS], ids=[row[0] for row in ITEMS])
def test_alpha(items: list[list[str]], expected: float | None, raw: float | None) -> None:
    found = alpha(items)
    assert (None if found is None else round(found, 3)) == expected
    same = raw_agreement(items)
    assert (None if same is None else round(same, 3)) == raw


def test_the_interval_holds_alpha_and_is_the_same_again() -> None:
    found = question_agreement("answer_right", PUBLISHED)
    assert found.items == 11  # one unit has one answer
    assert found.low is not None
    assert found.alpha is not None
    assert found.high is not None
    assert found.low < found.alpha < found.high
    assert question_agreement("answer_right", PUBLISHED) == found
