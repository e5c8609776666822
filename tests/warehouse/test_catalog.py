"""The view `releases` reads what manifests say, those of the older form too."""

import json
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.workspace import Workspace, open_workspace

SAME: dict[str, object] = {"parent": None, "rows_sha": "s", "rows": {"sft": 3}, "files": [], "recipe": "{}"}
FACTS: dict[str, object] = {"created_at": "2026-11-20T01:02:03Z", "recipe_id": "r", "verdicts": {"correct": 3}}


def manifest(workspace: Workspace, version: str, told: object) -> None:
    folder = workspace.releases / "sums" / version
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(told), "utf-8")


def test_facts_are_found_inside_and_among_the_fields(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    build_catalog(workspace)
    assert query_catalog(workspace, "SELECT count(*), any_value(path) FROM releases")[1] == [(0, None)]
    manifest(workspace, "v1.0.0", {"name": "sums", "version": "v1.0.0", **SAME, **FACTS})
    manifest(workspace, "v1.1.0", {"name": "sums", "version": "v1.1.0", **SAME, "facts": FACTS})
    build_catalog(workspace)
    columns, rows = query_catalog(workspace, "SELECT * FROM releases ORDER BY version")
    assert columns == ["name", "version", "parent", "created_at", "rows_sha", "recipe_id", "rows", "path"]
    for (name, version, parent, created_at, sha, recipe_id, counts, path), expected in zip(
        rows, ("v1.0.0", "v1.1.0"), strict=True
    ):
        assert (name, version, parent, sha, recipe_id) == ("sums", expected, None, "s", "r")
        assert created_at.astimezone(UTC) == datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
        assert (counts, Path(path)) == ({"sft": 3}, workspace.releases / "sums" / expected)


def test_a_catalog_that_says_the_same_stays_the_same_file(tmp_path: Path) -> None:
    """Who has it open is seen by its lock; another one is made when there is something to say."""
    workspace = open_workspace(tmp_path)
    build_catalog(workspace)
    before = workspace.catalog.stat().st_ino
    build_catalog(workspace)
    assert workspace.catalog.stat().st_ino == before
    workspace.catalog.write_bytes(b"no database")
    build_catalog(workspace)
    assert query_catalog(workspace, "SELECT count(*) FROM runs")[1] == [(0,)]
