"""What rows of several formats say in the same way: texts, ids, references, choices, rewards."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cotfactory.generators.imports.imported import ForeignRow, NotThisFormat

REFERENCES = ("answer", "expected_answer", "ground_truth", "reference_answer", "gold_answer")
"""Names under which rows keep their reference answer, in this order."""
IDS = ("problem_id", "id", "uuid", "example_id", "task_id")
DOMAINS = ("domain", "problem_type", "subject")


def required_text(row: ForeignRow, name: str) -> str:
    """Return a field that must be a text. Raises NotThisFormat."""
    given = row.get(name)
    if not isinstance(given, str):
        raise NotThisFormat(f"`{name}` is {type(given).__name__}: expected a text")
    return given


def required_list(row: ForeignRow, name: str) -> Sequence[Any]:
    """Return a field that must be a list. Raises NotThisFormat."""
    given = row.get(name)
    if not isinstance(given, list | tuple):
        raise NotThisFormat(f"`{name}` is {type(given).__name__}: expected a list")
    return given


def listed(row: ForeignRow, name: str) -> Sequence[Any]:
    """Return a field's list; empty where there is none."""
    given = row.get(name)
    return given if isinstance(given, list | tuple) else ()


def mapping(given: Any) -> Mapping[str, Any]:
    """Return an object; empty where it is none."""
    return given if isinstance(given, Mapping) else {}


def item(values: Sequence[Any], place: int) -> Any:
    """Return the item at a place, None beyond the end: lists of one row need not be equally long."""
    return values[place] if place < len(values) else None


def short_text(row: ForeignRow, names: Sequence[str]) -> str | None:
    """Return the first of the fields that holds a text or a number, as text; None where none does.

    >>> short_text({"answer": "", "ground_truth": 42}, REFERENCES)
    '42'
    """
    for name in names:
        given = row.get(name)
        if isinstance(given, list | tuple) and len(given) == 1:
            given = given[0]
        if isinstance(given, str) and given.strip():
            return given.strip()
        if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
            return str(given)
    return None


def reward_of(given: Any) -> float | None:
    """Return a reward as a number: a label is 1 or 0, and what says nothing stays None.

    >>> [reward_of(given) for given in (True, 0, 0.5, None, "correct", float("nan"))]
    [1.0, 0.0, 0.5, None, None, None]
    """
    if isinstance(given, bool | int | float) and math.isfinite(given):
        return float(given)
    return None


def choices_of(row: ForeignRow) -> tuple[str, ...] | None:
    """Return the choices of a question: a list of texts, or of objects with one letter each (NeMo-Gym's `options`).

    >>> choices_of({"options": [{"A": "4"}, {"B": "9"}]})
    ('4', '9')
    """
    given = listed(row, "choices") or listed(row, "options")
    texts = [next(iter(choice.values())) if _is_lettered(choice) else choice for choice in given]
    return tuple(texts) if len(texts) > 1 and all(isinstance(text, str) for text in texts) else None


def _is_lettered(choice: Any) -> bool:
    return isinstance(choice, Mapping) and len(choice) == 1
