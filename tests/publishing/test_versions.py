"""The version says what a reader must know: rows gone, rows come, or a correction."""

from pathlib import Path

import pytest

from cotfactory.publishing.diff import ProductDiff
from cotfactory.publishing.versions import chosen_version, held_back, latest_release, next_version
from cotfactory.schemas.errors import InputError, WorkspaceError


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
        (
            diff(rows_before=0, rows_after=0),
            "v1.4.3",
        ),  # a product without a row, before and now: no share of it changed
    ],
)
def test_next_version(product: ProductDiff, version: str) -> None:
    assert next_version("v1.4.2", {"sft": diff(), "rl": product}) == version


def test_column_that_came_is_minor_and_one_that_went_is_major() -> None:
    came = diff(changed=1000).model_copy(update={"columns_added": ("mood: string",)})
    assert next_version("v1.4.2", {"sft": came}) == "v1.5.0"
    retyped = came.model_copy(update={"columns_removed": ("mood: int32",)})
    assert next_version("v1.4.2", {"sft": retyped}) == "v2.0.0"


def test_latest_release_is_by_number_not_by_name(tmp_path: Path) -> None:
    assert latest_release(tmp_path / "none") is None
    for name in ("v1.9.0", "v1.10.0", "v1.2.11", "notes", "v2"):
        (tmp_path / name).mkdir()
    assert latest_release(tmp_path) == tmp_path / "v1.10.0"


@pytest.mark.parametrize(
    ("product", "waits"),
    [
        (diff(added=9), True),
        (diff(added=10), False),
        (diff(changed=500), True),  # nothing came
        (diff(added=1, removed=1), False),  # who trains on a withdrawn row must hear of it at once
        (diff().model_copy(update={"columns_removed": ("mood: int32",)}), False),
    ],
)
def test_release_waits_for_enough_new_rows(product: ProductDiff, waits: bool) -> None:
    assert (held_back(10, {"rl": diff(), "sft": product}) is not None) is waits
    assert held_back(None, {"sft": product}) is None


@pytest.mark.parametrize(
    ("version", "parent", "why"),
    [
        ("1.0.0", None, "expected vX.Y.Z"),
        ("v1.0", None, "expected vX.Y.Z"),
        ("v1.4.2", "v1.4.2", "does not follow the latest release, v1.4.2"),
        ("v1.9.0", "v1.10.0", "does not follow"),  # by number, not by name
    ],
)
def test_chosen_version_that_cannot_follow_is_refused(version: str, parent: str | None, why: str) -> None:
    with pytest.raises(InputError, match=why):
        chosen_version(version, parent)


def test_chosen_version_is_taken() -> None:
    assert chosen_version("v2.0.0", "v1.10.3") == "v2.0.0"


def test_a_release_whose_version_is_none_is_named() -> None:
    with pytest.raises(WorkspaceError, match=r"'1\.4': expected vX"):
        next_version("1.4", {"sft": diff()})
