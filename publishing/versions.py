"""Which version comes next, and what differs between two releases: rows by id and content, and columns."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import duckdb
import pyarrow.parquet as pq
from pydantic import ValidationError

from schemas.errors import WorkspaceError
from schemas.manifest import Manifest
from schemas.recipe import Product
from schemas.record import Record

FIRST_VERSION = "v1.0.0"
VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
PATCH_SHARE = 0.001
"""A release in which fewer rows than this changed, none came and none went, is a correction."""
EXAMPLES = 3


class ProductDiff(Record):
    """What differs in one product: rows by `row_id`, a changed row being one that says something else.

    The examples are row ids, three at most of each kind; columns are told as `name: type`.
    """

    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    added_examples: tuple[str, ...] = ()
    removed_examples: tuple[str, ...] = ()
    changed_examples: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()


class ReleaseDiff(Record):
    """What differs between two releases, product by product; those that neither holds are left out."""

    before: str
    after: str
    products: dict[Product, ProductDiff]


def diff_releases(before: Path, after: Path) -> ReleaseDiff:
    """Compare two release folders.

    Raises WorkspaceError for a folder that is not a release.
    """
    names = [f"{manifest.name} {manifest.version}" for manifest in map(read_manifest, (before, after))]
    return ReleaseDiff(before=names[0], after=names[1], products=diff_products(before, after))


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the release in `folder`.

    Raises WorkspaceError when there is none, or none that can be read.
    """
    try:
        return Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    except OSError as error:
        raise WorkspaceError(
            f"{folder} is not a release: cannot read its manifest.json: {error.strerror}",
            "name a folder releases/NAME/vX.Y.Z",
        ) from error
    except ValidationError as error:
        raise WorkspaceError(
            f"{folder / 'manifest.json'} is not a release manifest: {error.error_count()} fields are wrong",
            "move this folder out of releases/; it was not written by this version",
        ) from error


def latest_release(home: Path) -> Path | None:
    """Return the folder of the highest version in `home` (releases/NAME), or None when there is none yet."""
    versions = [path for path in home.glob("v*") if VERSION.fullmatch(path.name)]
    return max(versions, key=lambda path: _numbers(path.name), default=None)


def next_version(parent: str, products: dict[Product, ProductDiff]) -> str:
    """Return the version that follows `parent`.

    Major when rows were withdrawn or a column is gone or another: who relies on them must know. Minor when
    rows or columns came, or 0.1 % of the rows of a product or more say something else. Else patch.

    >>> one_more = ProductDiff(rows_before=9, rows_after=10, added=1, removed=0, changed=0)
    >>> next_version("v1.4.2", {"sft": one_more})
    'v1.5.0'
    """
    major, minor, patch = _numbers(parent)
    if any(diff.removed or diff.columns_removed for diff in products.values()):
        return f"v{major + 1}.0.0"
    if any(diff.added or diff.columns_added or _is_much(diff) for diff in products.values()):
        return f"v{major}.{minor + 1}.0"
    return f"v{major}.{minor}.{patch + 1}"


def diff_products(before: Path, after: Path) -> dict[Product, ProductDiff]:
    """Compare the products of two release folders, with a manifest or still without one."""
    both = [product for product in get_args(Product) if any(_index(side, product) for side in (before, after))]
    with TemporaryDirectory() as scratch, duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute("SET temp_directory = ?", [scratch])
        return {product: _diff(connection, before, after, product) for product in both}


def _numbers(version: str) -> tuple[int, int, int]:
    match = VERSION.fullmatch(version)
    if match is None:
        raise WorkspaceError(f"The version of a release is {version!r}: expected vX.Y.Z")
    major, minor, patch = (int(number) for number in match.groups())
    return major, minor, patch


def _is_much(diff: ProductDiff) -> bool:
    return diff.changed >= PATCH_SHARE * diff.rows_before and diff.changed > 0


def _index(folder: Path, product: Product) -> Path | None:
    path = folder / "index" / f"{product}.parquet"
    return path if path.is_file() else None


def _columns(folder: Path, product: Product) -> set[str]:
    shards = sorted((folder / product).glob("*.parquet"))
    return {f"{field.name}: {field.type}" for shard in shards[:1] for field in pq.read_schema(shard)}


CAME_OR_WENT = {
    "added": "SELECT row_id FROM after_rows ANTI JOIN before_rows USING (row_id)",
    "removed": "SELECT row_id FROM before_rows ANTI JOIN after_rows USING (row_id)",
    "changed": """
        SELECT row_id FROM before_rows JOIN after_rows USING (row_id)
        WHERE before_rows.content_id <> after_rows.content_id
    """,
}


def _diff(connection: duckdb.DuckDBPyConnection, before: Path, after: Path, product: Product) -> ProductDiff:
    for name, folder in (("before", before), ("after", after)):
        connection.sql(f"CREATE OR REPLACE TEMP VIEW {name}_rows AS {_index_query(folder, product)}")
    examples = {
        f"{kind}_examples": tuple(
            row[0] for row in connection.sql(f"{query} ORDER BY row_id LIMIT {EXAMPLES}").fetchall()
        )
        for kind, query in CAME_OR_WENT.items()
    }
    columns_before, columns_after = _columns(before, product), _columns(after, product)
    both = columns_before and columns_after
    return ProductDiff(
        rows_before=_count(connection, "FROM before_rows"),
        rows_after=_count(connection, "FROM after_rows"),
        columns_added=tuple(sorted(columns_after - columns_before)) if both else (),
        columns_removed=tuple(sorted(columns_before - columns_after)) if both else (),
        **{kind: _count(connection, query) for kind, query in CAME_OR_WENT.items()},
        **examples,
    )


def _index_query(folder: Path, product: Product) -> str:
    index = _index(folder, product)
    if index is None:
        return "SELECT '' AS row_id, '' AS content_id WHERE false"
    return "FROM read_parquet('" + str(index).replace("'", "''") + "')"


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0])
