"""What differs between two releases: rows by id and content, by source and by reason, and columns."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import get_args

import duckdb
import pyarrow.parquet as pq
from pydantic import Field

from cotfactory.data_contracts.check import open_duckdb
from cotfactory.publishing.changed_making import changed_making
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product

EXAMPLES = 3
TEXTS = frozenset(
    {"prompt", "messages", "completion", "chosen", "rejected", "reasoning", "response", "solution", "ground_truth"}
)
"""What is trained on. A row that changed in none of these columns says the same text under another label."""


class SourceDiff(Record):
    """How many rows of one source came, went and changed."""

    added: int
    removed: int
    changed: int


class ProductDiff(Record):
    """What differs in one product: rows by `row_id`, a changed row being one that says something else.

    `relabelled` are those of the changed rows whose text is the same (a pass rate or a licence is another);
    `changed_columns` counts the changed rows by column. `added_because` and `removed_because` count by reason: a drop
    reason where the decisions of the recipe are known. The examples are row ids, three at most of each kind;
    columns are told as `name: type`.
    """

    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    relabelled: int = 0
    added_because: dict[str, int] = Field(default_factory=dict)
    removed_because: dict[str, int] = Field(default_factory=dict)
    changed_columns: dict[str, int] = Field(default_factory=dict)
    by_source: dict[str, SourceDiff] = Field(default_factory=dict)
    added_examples: tuple[str, ...] = ()
    removed_examples: tuple[str, ...] = ()
    changed_examples: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()


class ReleaseDiff(Record):
    """What differs between two releases: by product (those that neither holds are left out), and in `making`."""

    before: str
    after: str
    products: dict[Product, ProductDiff]
    making: tuple[str, ...] = ()


def diff_releases(before: Path, after: Path, decisions: Path | None = None) -> ReleaseDiff:
    """Compare two release folders; `decisions` is the recipe's decisions table, which knows why a row went.

    Raises WorkspaceError for a folder that is not a release.
    """
    manifests = [read_manifest(folder) for folder in (before, after)]
    names = [f"{manifest.name} {manifest.version}" for manifest in manifests]
    wanted = json.loads(manifests[1].recipe).get("release", {}).get("products")
    return ReleaseDiff(
        before=names[0],
        after=names[1],
        products=diff_products(before, after, decisions, wanted),
        making=changed_making(*manifests),
    )


def diff_products(
    before: Path, after: Path, decisions: Path | None = None, wanted: Collection[str] | None = None
) -> dict[Product, ProductDiff]:
    """Compare the products of two release folders, with a manifest or still without one.

    `wanted` are the products of the recipe that made `after`, where it is known: all rows of another went with it.
    """
    both = [product for product in get_args(Product) if any(_index(side, product) for side in (before, after))]
    with open_duckdb() as connection:
        found = {product: _diff(connection, {"before": before, "after": after}, product, decisions) for product in both}
    if wanted is None:
        return found
    left = {product: {"product left the recipe": difference.removed} for product, difference in found.items()}
    return {
        product: difference if product in wanted else difference.model_copy(update={"removed_because": left[product]})
        for product, difference in found.items()
    }


CAME_OR_WENT = {
    "added": "SELECT row_id FROM after_rows ANTI JOIN before_rows USING (row_id)",
    "removed": "SELECT row_id FROM before_rows ANTI JOIN after_rows USING (row_id)",
    "changed": """
        SELECT row_id FROM before_rows JOIN after_rows USING (row_id)
        WHERE before_rows.content_id <> after_rows.content_id
    """,
}


def _diff(
    connection: duckdb.DuckDBPyConnection, sides: Mapping[str, Path], product: Product, decisions: Path | None
) -> ProductDiff:
    for side, folder in sides.items():
        connection.sql(f"CREATE OR REPLACE TEMP VIEW {side}_rows AS {_index_query(folder, product)}")
    for kind, query in CAME_OR_WENT.items():
        connection.sql(f"CREATE OR REPLACE TEMP TABLE {kind} AS {query}")
    columns = {side: _columns(folder, product) for side, folder in sides.items()}
    for side, folder in sides.items():
        if columns[side]:
            connection.sql(f"CREATE OR REPLACE TEMP VIEW {side}_shards AS {_shards_query(folder, product)}")
    return ProductDiff(
        rows_before=_count(connection, "before_rows"),
        rows_after=_count(connection, "after_rows"),
        **{kind: _count(connection, kind) for kind in CAME_OR_WENT},
        **{
            f"{kind}_examples": tuple(
                row[0] for row in connection.sql(f"FROM {kind} ORDER BY row_id LIMIT {EXAMPLES}").fetchall()
            )
            for kind in CAME_OR_WENT
        },
        **_changes(connection, columns),
        by_source=_by_source(connection, columns),
        added_because=_why_added(connection, columns),
        removed_because=_why_removed(connection, columns, decisions),
    )


def _changes(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """Return the columns that came and went and, of the changed rows, how many differ in each and in none of text."""
    before, after = columns["before"], columns["after"]
    if not before or not after:
        return {}
    shared = [name for name in after if before.get(name) == after[name] and name != "row_id"]
    differs = {name: f"b.{_quoted(name)} IS DISTINCT FROM a.{_quoted(name)}" for name in shared}
    texts = [differs[name] for name in shared if name in TEXTS]
    counts = [f"count(*) FILTER ({test})" for test in differs.values()]
    counts.append(f"count(*) FILTER (NOT ({' OR '.join(texts) or 'false'}))")
    found = connection.sql(f"""
        SELECT {", ".join(counts)} FROM changed JOIN before_shards b USING (row_id) JOIN after_shards a USING (row_id)
    """).fetchall()[0]
    came, went = (_told(side.items() - other.items()) for side, other in ((after, before), (before, after)))
    return {
        "columns_added": came,
        "columns_removed": went,
        "changed_columns": {name: count for name, count in zip(shared, found[:-1], strict=True) if count},
        "relabelled": found[-1],
    }


def _told(columns: set[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{name}: {kind}" for name, kind in columns))


def _by_source(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, str]]
) -> dict[str, SourceDiff]:
    parts = [
        f"SELECT s.source, '{kind}' AS kind FROM {kind} JOIN {side}_shards s USING (row_id)"
        for kind, side in (("added", "after"), ("removed", "before"), ("changed", "after"))
        if "source" in columns[side]
    ]
    if not parts:
        return {}
    counts = ", ".join(f"count(*) FILTER (kind = '{kind}')" for kind in CAME_OR_WENT)
    rows = connection.sql(f"SELECT source, {counts} FROM ({' UNION ALL '.join(parts)}) GROUP BY source ORDER BY source")
    return {
        str(source): SourceDiff(added=added, removed=removed, changed=changed)
        for source, added, removed, changed in rows.fetchall()
    }


def _why_added(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """Count the added rows that are of a problem without one before, and those of one that had rows before."""
    if "problem_id" not in columns["after"]:
        return {}
    known = "SELECT problem_id FROM before_shards" if columns["before"] else "SELECT '' AS problem_id WHERE false"
    return _counts(
        connection,
        f"""SELECT if(s.problem_id IN ({known}), 'more of a known problem', 'problem without a row before') AS reason
            FROM added JOIN after_shards s USING (row_id)""",
    )


def _why_removed(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, str]], decisions: Path | None
) -> dict[str, int]:
    """Count the removed rows by the drop reason of their problem or candidate, as it is decided now."""
    if decisions is None or not decisions.is_file() or "problem_id" not in columns["before"]:
        return {}
    ids = [f"r.{name}" for name in ("candidate_id", "chosen_id", "rejected_id") if name in columns["before"]]
    connection.sql(f"CREATE OR REPLACE TEMP VIEW decided AS FROM read_parquet({_literal(decisions)})")
    # Of a pair either side may be what was dropped. A row without a chain of its own goes with its problem.
    chain = f"list_contains([{', '.join(ids)}], d.candidate_id)" if ids else "d.candidate_id IS NULL"
    return _counts(
        connection,
        f"""SELECT coalesce(
                (SELECT min(d.reason) FROM decided d WHERE d.problem_id = r.problem_id AND d.candidate_id IS NULL),
                (SELECT min(d.reason) FROM decided d WHERE d.problem_id = r.problem_id AND {chain} AND NOT d.kept),
                if(r.problem_id IN (SELECT problem_id FROM decided), 'no longer wanted', 'problem left the recipe')
            ) AS reason FROM removed JOIN before_shards r USING (row_id)""",
    )


def _counts(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    rows = connection.sql(f"SELECT reason, count(*) FROM ({query}) GROUP BY reason ORDER BY count(*) DESC, reason")
    return {str(reason): int(count) for reason, count in rows.fetchall()}


def _index(folder: Path, product: Product) -> Path | None:
    path = folder / "index" / f"{product}.parquet"
    return path if path.is_file() else None


def _index_query(folder: Path, product: Product) -> str:
    index = _index(folder, product)
    if index is None:
        return "SELECT '' AS row_id, '' AS content_id WHERE false"
    return f"FROM read_parquet({_literal(index)})"


def _columns(folder: Path, product: Product) -> dict[str, str]:
    shards = sorted((folder / product).glob("*.parquet"))
    return {field.name: str(field.type) for shard in shards[:1] for field in pq.read_schema(shard)}


def _shards_query(folder: Path, product: Product) -> str:
    shards = ", ".join(_literal(shard) for shard in sorted((folder / product).glob("*.parquet")))
    return f"FROM read_parquet([{shards}])"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
