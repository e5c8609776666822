"""CHANGELOG.md of a data set: what each release added, removed and changed, the newest on top."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cotfactory.publishing.diff import ProductDiff
from cotfactory.schemas.counted import counted
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.release_rules import Product

TITLE = "# Changelog\n"
CHANGELOG = "CHANGELOG.md"


def changelog(
    manifest: Manifest, differences: Mapping[Product, ProductDiff], parent: Path | None, making: Sequence[str] = ()
) -> str:
    """Return the whole page: the entry of this release, then the page of its parent's folder, if it has one.

    `making` are the lines of `changed_making`.
    """
    entry = [f"## {manifest.version} ({manifest.facts.created_at:%Y-%m-%d})", ""]
    if manifest.parent is None:
        entry += [
            f"- `{product}`: {counted(count, 'row')}, the first release" for product, count in manifest.rows.items()
        ]
    else:
        entry += [f"- {line}" for line in making]
        entry += [line for product, difference in differences.items() for line in difference_lines(product, difference)]
    earlier = parent / CHANGELOG if parent else None
    before = earlier.read_text("utf-8").removeprefix(TITLE) if earlier and earlier.is_file() else ""
    return "\n".join([TITLE, *entry]) + "\n" + before


def difference_lines(product: Product, difference: ProductDiff) -> list[str]:
    """Return what differs in one product as a Markdown list."""
    lines = [
        f"- `{product}`: {difference.rows_before:,} -> {difference.rows_after:,} rows: "
        f"{difference.added:,} added, {difference.removed:,} removed, "
        f"{difference.changed:,} changed"
        + (f" ({difference.relabelled:,} relabelled, same text)" if difference.relabelled else "")
    ]
    for title, counts in (
        ("added", difference.added_because),
        ("removed", difference.removed_because),
        ("changed in", difference.changed_columns),
    ):
        if counts:
            lines.append(f"  - {title}: " + ", ".join(f"{_code(name)} {count:,}" for name, count in counts.items()))
    if len(difference.by_source) > 1:
        lines += [
            f"  - from {_code(source)}: {each.added:,} added, {each.removed:,} removed, {each.changed:,} changed"
            for source, each in difference.by_source.items()
        ]
    columns = [f"`+{name}`" for name in difference.columns_added] + [
        f"`-{name}`" for name in difference.columns_removed
    ]
    return [*lines, f"  - columns: {', '.join(columns)}"] if columns else lines


def _code(name: str) -> str:
    """Return a name as code: a source is named by whoever made the problems, and may hold Markdown."""
    return "`" + " ".join(name.replace("`", "'").split()) + "`"
