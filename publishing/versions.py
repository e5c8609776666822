"""Which version comes next, by what differs from the latest release."""

import re
from collections.abc import Mapping
from pathlib import Path

from cotfactory.publishing.diff import ProductDiff
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.release_rules import Product

FIRST_VERSION = "v1.0.0"
VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
PATCH_SHARE = 0.001
"""A release in which fewer rows than this changed, none came and none went, is a correction."""


def latest_release(home: Path) -> Path | None:
    """Return the folder of the highest version in `home` (releases/NAME), or None when there is none yet."""
    versions = [path for path in home.glob("v*") if VERSION.fullmatch(path.name)]
    return max(versions, key=lambda path: _numbers(path.name), default=None)


def next_version(parent: str, products: Mapping[Product, ProductDiff]) -> str:
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


def held_back(min_new_rows: int | None, products: Mapping[Product, ProductDiff]) -> str | None:
    """Return why a release waits for the next run, or None when it is due.

    It waits when no product gained `min_new_rows` rows; never when rows or columns must go, or one changed its type.
    """
    if min_new_rows is None or any(diff.removed or diff.columns_removed for diff in products.values()):
        return None
    added = max((diff.added for diff in products.values()), default=0)
    if added >= min_new_rows:
        return None
    return f"{counted(added, 'new row')}, and the recipe releases from {min_new_rows:,} (release.min_new_rows)"


def chosen_version(version: str, parent: str | None) -> str:
    """Return `version`, which somebody chose, if it may follow `parent`. Raises InputError."""
    require_version(version)
    if parent is not None and _numbers(version) <= _numbers(parent):
        raise InputError(
            f"The version {version} does not follow the latest release, {parent}",
            "choose a higher one; a release is never replaced",
        )
    return version


def require_version(version: str) -> None:
    """Raise InputError for what is no version."""
    if not VERSION.fullmatch(version):
        raise InputError(f"The version is {version!r}: expected vX.Y.Z, such as {FIRST_VERSION}", "fix --version")


def _numbers(version: str) -> tuple[int, int, int]:
    match = VERSION.fullmatch(version)
    if match is None:
        raise WorkspaceError(f"The version of a release is {version!r}: expected vX.Y.Z")
    major, minor, patch = (int(number) for number in match.groups())
    return major, minor, patch


def _is_much(diff: ProductDiff) -> bool:
    return diff.changed >= PATCH_SHARE * diff.rows_before and diff.changed > 0
