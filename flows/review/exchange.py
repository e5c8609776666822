"""`cotfactory review export` and `import`: items out to Label Studio or Argilla, and the answers of people there in."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.review.answers import LONGEST_NOTE, review_id
from cotfactory.flows.review.review import opened_session
from cotfactory.reviewing.exchange import (
    EXCHANGE_FORMATS,
    LABEL_STUDIO_CONFIG,
    ExchangeFormat,
    GivenAnswer,
    checked_answer,
    exported,
    given_answers,
)
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError, one_line
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.record import Record
from cotfactory.schemas.review import Review, ReviewItem
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.reviewers import without_link
from cotfactory.warehouse.stored_reviews import write_reviews
from cotfactory.warehouse.workspace import open_workspace

LARGEST_FILE = 256 * 2**20


class Exported(Record):
    """The files that were written."""

    items: int
    files: tuple[str, ...]

    def text(self) -> str:
        """Return where they are, for people."""
        return f"{counted(self.items, 'item')}: {', '.join(self.files)}"


def export_items(path: Path, workspace: Path, form: str, out: Path) -> Exported:
    """Write a recipe's items for another tool; for Label Studio its labelling interface too, beside them.

    Raises InputError for an unknown format or a file that cannot be written, else as `serve_reviews`.
    """
    known = _known(form)
    session = opened_session(load_recipe(path), open_workspace(workspace))
    rows = exported(known, list(session.shown.values()))
    files = {out: json.dumps(rows, ensure_ascii=False, indent=1)}
    if known == "label-studio":
        files[out.with_suffix(".xml")] = LABEL_STUDIO_CONFIG
    try:
        for file, text in files.items():
            file.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{error.filename} cannot be written: {error.strerror}", "choose another --out") from error
    return Exported(items=len(rows), files=tuple(map(str, files)))


class ImportedReviews(Record):
    """How many answers came in, by pseudonym, and how many were about items that are not in the sample any more."""

    answers: dict[str, int]
    passed_over: int

    def text(self) -> str:
        """Return the counts, for people."""
        said = ", ".join(f"{count:,} of {person}" for person, count in self.answers.items()) or "none"
        return f"answers: {said}; passed over, about items that are no longer in the sample: {self.passed_over:,}"


def import_reviews(path: Path, workspace: Path, form: str, file: Path) -> ImportedReviews:
    """Keep the answers that people gave elsewhere; the same file again changes nothing.

    Raises InputError for a file of another shape, or an answer that the item does not offer; nothing is kept then.
    """
    place = open_workspace(workspace)
    session = opened_session(load_recipe(path), place)
    answers = given_answers(_known(form), _read(file))
    known = [checked_answer(given, session.shown[given.item_id]) for given in answers if given.item_id in session.shown]
    numbers: Counter[tuple[str, str]] = Counter()
    reviews = []
    for given in known:
        person = without_link(place, f"{form}:{given.who[:100]}").pseudonym
        reviews.append(
            _review(
                given, session.items[given.item_id], person, session.rules.guidelines_id, numbers[person, given.item_id]
            )
        )
        numbers[person, given.item_id] += 1
    if reviews:
        write_reviews(place, f"imported-{content_id([review.review_id for review in reviews])}", reviews)
        build_catalog(place)
    counts = Counter(review.person for review in reviews)
    return ImportedReviews(answers=dict(sorted(counts.items())), passed_over=len(answers) - len(known))


def _review(given: GivenAnswer, item: ReviewItem, person: str, guidelines_id: str, number: int) -> Review:
    return Review.model_validate(
        {
            **item.model_dump(
                include={"item_id", "recipe", "question", "kind", "problem_id", "candidate_id", "other_id", "truth"}
            ),
            "review_id": review_id(item.recipe, guidelines_id, person, item.item_id, number),
            "guidelines_id": guidelines_id,
            "person": person,
            "answer": given.answer,
            "first_wrong_step": None if given.step is None else given.step - 1,
            "steps_asked": given.step is not None,
            "reason": given.reason[:LONGEST_NOTE],
            "seconds": max(0.0, given.seconds),
            "seen": "blind",
            "reviewed_at": _time(given.at),
        }
    )


def _time(told: str | None) -> datetime:
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _known(form: str) -> ExchangeFormat:
    found = next((known for known in EXCHANGE_FORMATS if known == form), None)
    if found is None:
        raise InputError(f"Unknown format {form!r}: expected {' or '.join(EXCHANGE_FORMATS)}", "fix --format")
    return found


def _read(file: Path) -> object:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise InputError(f"{file} is larger than {LARGEST_FILE:,} bytes", "import it in parts")
        return json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} cannot be read: {one_line(error)}", "expected a JSON file") from error
