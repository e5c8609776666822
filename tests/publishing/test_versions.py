"""The version says what a reader must know: rows gone, rows come, or a correction."""

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publishing.versions import ProductDiff, diff_products, diff_releases, latest_release, next_version
from schemas.errors import WorkspaceError


def diff(**counts: int) -> ProductDiff:
    return ProductDiff.model_validate(
        {"rows_before": 1000, "rows_after": 1000, "added": 0, "removed": 0, "changed": 0} | counts
    )


@pytest.mark.parametrize(
    ("product", "version"),
    [
        (diff(), "v1.4.3"),  # recipe or card alone
        (diff(changed=0), "v1.4.3"),
        (diff(changed=1), "v1.5.0"),  # 0.1 %
        (diff(rows_before=1001, changed=1), "v1.4.3"),  # less
        (diff(added=1), "v1.5.0"),
        (diff(removed=1, added=500), "v2.0.0"),  # who trains on a withdrawn row must hear of it
        (diff(rows_before=0, added=1), "v1.5.0"),
    ],
)
def test_next_version(product: ProductDiff, version: str) -> None:
    assert next_version("v1.4.2", {"sft": diff(), "rl": product}) == version


def test_column_that_came_is_minor_and_one_that_went_is_major() -> None:
    came = diff(changed=1000).model_copy(update={"columns_added": ("mood: string",)})
    assert next_version("v1.4.2", {"sft": came}) == "v1.5.0"
    retyped = came.model_copy(update={"columns_removed": ("mood: int32",)})
    assert next_version("v1.4.2", {"sft": retyped}) == "v2.0.0"


def made_folder(folder: Path, rows: dict[str, str], columns: tuple[str, ...] = ("row_id",)) -> Path:
    """Write what the difference is read from: an index of row id to content, and the columns of a shard."""
    (folder / "index").mkdir(parents=True)
    (folder / "sft").mkdir()
    index = pa.table({"row_id": list(rows), "content_id": list(rows.values())})
    index = index.cast(pa.schema([("row_id", pa.string()), ("content_id", pa.string())]))
    pq.write_table(index, folder / "index" / "sft.parquet")
    shard = pa.schema([(name, pa.string()) for name in columns]).empty_table()
    pq.write_table(shard, folder / "sft" / "train-00000-of-00001.parquet")
    return folder


def test_difference_is_told_by_row_id(tmp_path: Path) -> None:
    # A quote in a folder's name must not end a SQL string.
    before = made_folder(tmp_path / "it's before", {"a": "1", "b": "1", "c": "1"})
    after = made_folder(tmp_path / "after", {"b": "2", "c": "1", "d": "1", "e": "1"}, ("row_id", "mood"))
    assert diff_products(before, after) == {
        "sft": ProductDiff(
            rows_before=3,
            rows_after=4,
            added=2,
            removed=1,
            changed=1,
            added_examples=("d", "e"),
            removed_examples=("a",),
            changed_examples=("b",),
            columns_added=("mood: string",),
        )
    }


def test_difference_agrees_with_sets_for_every_small_case(tmp_path: Path) -> None:
    contents: list[dict[str, str]] = [
        {name: content for name, content in zip("ab", pair, strict=True) if content}
        for pair in itertools.product(["", "1", "2"], repeat=2)
    ]
    folders = [made_folder(tmp_path / str(number), rows) for number, rows in enumerate(contents)]
    for (one, before), (two, after) in itertools.product(enumerate(contents), repeat=2):
        found = diff_products(folders[one], folders[two])["sft"]
        assert found.added == len(after.keys() - before.keys())
        assert found.removed == len(before.keys() - after.keys())
        assert found.changed == sum(before[name] != after[name] for name in before.keys() & after.keys())


def test_product_that_came_is_all_added(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    after = made_folder(tmp_path / "after", {"a": "1"})
    came = diff_products(tmp_path / "nothing", after)["sft"]
    assert (came.rows_before, came.added, came.columns_added) == (0, 1, ())
    assert next_version("v1.0.0", {"sft": came}) == "v1.1.0"
    assert next_version("v1.0.0", diff_products(after, tmp_path / "nothing")) == "v2.0.0"


def test_latest_release_is_by_number_not_by_name(tmp_path: Path) -> None:
    assert latest_release(tmp_path / "none") is None
    for name in ("v1.9.0", "v1.10.0", "v1.2.11", "notes", "v2"):
        (tmp_path / name).mkdir()
    assert latest_release(tmp_path) == tmp_path / "v1.10.0"


def test_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"is not a release: cannot read its manifest\.json"):
        diff_releases(tmp_path, tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "ducks"}')
    with pytest.raises(WorkspaceError, match="is not a release manifest"):
        diff_releases(tmp_path, tmp_path)
