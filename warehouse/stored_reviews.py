"""Reviews and the items that they are about, as the workspace keeps them: one small file for each answer, then merged.

An answer is a sealed file of its own before the next item is shown, so that nothing is lost however a server ends.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cotfactory.schemas.review import Review, ReviewItem
from cotfactory.warehouse.catalog import ONE_OF_EACH, quoted, sealed_files, table_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import SEED, Workspace


def write_review(workspace: Workspace, review: Review) -> None:
    """Keep an answer; it is on disk on return. The same one again changes nothing. Raises WorkspaceError."""
    write_table(workspace, "reviews", f"single-{review.review_id}", [review.model_dump()])


def write_reviews(workspace: Workspace, name: str, reviews: Sequence[Review]) -> None:
    """Keep many answers, as they come by a file. Raises WorkspaceError."""
    write_table(workspace, "reviews", name, [review.model_dump() for review in reviews])


def reviews_of(
    workspace: Workspace, *, recipe: str | None = None, guidelines_id: str | None = None, until: datetime | None = None
) -> list[Review]:
    """Return the answers of a recipe, or of all; under one text of guidelines, or any; the oldest first."""
    if not any(path.name != SEED for path in sealed_files(workspace, "reviews")):
        return []
    conditions = ["true"]
    conditions += [f"recipe = {quoted(recipe)}"] if recipe is not None else []
    conditions += [f"guidelines_id = {quoted(guidelines_id)}"] if guidelines_id is not None else []
    conditions += [f"reviewed_at <= {quoted(until.isoformat())}::TIMESTAMPTZ"] if until is not None else []
    return _reviews(workspace, f"FROM {table_files(workspace, 'reviews')} WHERE {' AND '.join(conditions)}")


def _reviews(workspace: Workspace, query: str) -> list[Review]:
    rows = _rows(workspace, f"SELECT * {query} {ONE_OF_EACH} ORDER BY reviewed_at, review_id")
    return [Review.model_validate(row) for row in rows]


def latest_items(workspace: Workspace, recipe: str) -> tuple[list[ReviewItem], datetime] | None:
    """Return the items that were last drawn for a recipe, and when; None where none ever were."""
    if not any(path.name != SEED for path in sealed_files(workspace, "review_items")):
        return None
    items = f"SELECT * FROM {table_files(workspace, 'review_items')} WHERE recipe = {quoted(recipe)}"
    rows = _rows(workspace, f"WITH items AS ({items}) FROM items WHERE drawn_at = (SELECT max(drawn_at) FROM items)")
    if not rows:
        return None
    drawn_at: datetime = rows[0]["drawn_at"]
    return [_item(row) for row in sorted(rows, key=lambda row: str(row["item_id"]))], drawn_at


def write_items(workspace: Workspace, recipe: str, draw_id: str, items: Sequence[ReviewItem]) -> datetime:
    """Keep the items of a draw, and return when they were drawn. Raises WorkspaceError."""
    now = datetime.now(UTC)
    rows = [{**item.model_dump(), "drawn_at": now} for item in items]
    write_table(workspace, "review_items", f"{recipe}-{draw_id}-{now:%Y%m%dT%H%M%S%f}", rows)
    return now


def _item(row: dict[str, Any]) -> ReviewItem:
    return ReviewItem.model_validate({name: value for name, value in row.items() if name != "drawn_at"})


def _rows(workspace: Workspace, query: str) -> list[dict[str, Any]]:
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
        return rows
