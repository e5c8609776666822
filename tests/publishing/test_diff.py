"""What differs between two releases: by row, by source, by reason and by column."""

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cotfactory.publishing.diff import ProductDiff, SourceDiff, diff_products, diff_releases
from cotfactory.publishing.versions import next_version
from cotfactory.schemas.errors import WorkspaceError


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
    for (before_number, before), (after_number, after) in itertools.product(enumerate(contents), repeat=2):
        found = diff_products(folders[before_number], folders[after_number])["sft"]
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
    gone = diff_products(after, tmp_path / "nothing", wanted=["rl"])["sft"]
    assert gone.removed_because == {"product left the recipe": 1}


def test_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"is not a release: cannot read its manifest\.json"):
        diff_releases(tmp_path, tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "ducks"}')
    with pytest.raises(WorkspaceError, match="is not a release manifest"):
        diff_releases(tmp_path, tmp_path)


def told_folder(folder: Path, rows: list[dict[str, object]]) -> Path:
    """Write a release of the columns that tell why: the content of a row is all that it says."""
    index = {str(row["row_id"]): str(sorted(row.items())) for row in rows}
    made_folder(folder, index)
    pq.write_table(pa.Table.from_pylist(rows), folder / "sft" / "train-00000-of-00001.parquet")
    return folder


def told_row(chain: str, problem: str, source: str = "own", **more: object) -> dict[str, object]:
    row = {"row_id": f"row-{chain}", "problem_id": problem, "source": source, "candidate_id": chain}
    return {**row, "response": "text", "pass_rate": 0.5, **more}


def decisions_file(path: Path, decisions: list[tuple[str | None, str, bool, str | None]]) -> Path:
    candidates, problems, kept, reasons = zip(*decisions, strict=True)
    table = pa.table(
        {
            "candidate_id": pa.array(candidates, pa.string()),
            "problem_id": pa.array(problems, pa.string()),
            "kept": pa.array(kept, pa.bool_()),
            "reason": pa.array(reasons, pa.string()),
        }
    )
    pq.write_table(table, path)
    return path


def test_why_and_from_where(tmp_path: Path) -> None:
    before = told_folder(
        tmp_path / "before",
        [
            told_row("a", "p1"),
            told_row("b", "p1", source="gsm8k"),
            told_row("c", "p2", source="gsm8k"),
            told_row("d", "p3"),
            told_row("e", "p5"),
            told_row("f", "p5"),
        ],
    )
    after = told_folder(
        tmp_path / "after",
        [
            told_row("e", "p5", pass_rate=0.75),  # the same text under another label
            told_row("f", "p5", response="other", pass_rate=0.75),
            told_row("g", "p5"),  # one more chain of a problem that had rows
            told_row("h", "p6", source="gsm8k"),
        ],
    )
    decisions = decisions_file(
        tmp_path / "decisions.parquet",
        [
            ("a", "p1", False, "wrong_step"),
            # b is of p1 too, but nobody wants it any more: attempts were lowered, say
            (None, "p2", False, "bad_reference"),
            # p3 has left the recipe
            ("e", "p5", True, None),
        ],
    )
    found = diff_products(before, after, decisions)["sft"]
    assert found.by_source == {
        "gsm8k": SourceDiff(added=1, removed=2, changed=0),
        "own": SourceDiff(added=1, removed=2, changed=2),
    }
    assert found.added_because == {"more of a known problem": 1, "problem without a row before": 1}
    assert found.removed_because == {
        "bad_reference": 1,
        "no longer wanted": 1,
        "problem left the recipe": 1,
        "wrong_step": 1,
    }
    assert (found.changed, found.relabelled) == (2, 1)
    assert found.changed_columns == {"pass_rate": 2, "response": 1}


def test_without_decisions_nobody_guesses_why(tmp_path: Path) -> None:
    before = told_folder(tmp_path / "before", [told_row("a", "p1"), told_row("b", "p2")])
    after = told_folder(tmp_path / "after", [told_row("a", "p1")])
    assert diff_products(before, after)["sft"].removed_because == {}
    assert diff_products(before, after, tmp_path / "none.parquet")["sft"].removed_because == {}
