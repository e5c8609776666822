"""Workspace: the folders of one workspace."""

import os
from dataclasses import dataclass
from pathlib import Path

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.synced import write_lines

FORMAT = 1
"""Of the folders and files of a workspace. A version of cotfactory reads those of its own and of older ones."""
SEED = "empty.parquet"
"""The file that gives a table its columns before anything is in it."""
TABLES = (
    *("problems", "candidates", "grades", "rewards", "decisions", "examined"),
    *("review_items", "reviews", "released", "runs"),
)


@dataclass(frozen=True)
class Workspace:
    """Where everything that was bought, graded and released is kept; shared by all recipes."""

    root: Path

    @property
    def ledger(self) -> Path:
        """The journals of shards that are still open."""
        return self.root / "ledger"

    @property
    def releases(self) -> Path:
        """One folder a recipe, one folder a version."""
        return self.root / "releases"

    @property
    def staging(self) -> Path:
        """Where a release is built; on the same file system, so that renaming it into place is atomic."""
        return self.root / "staging"

    @property
    def logs(self) -> Path:
        """One file a run, for those who ask afterwards what happened."""
        return self.root / "logs"

    @property
    def metrics(self) -> Path:
        """The figures of each recipe's last run, for Prometheus."""
        return self.root / "metrics"

    @property
    def catalog(self) -> Path:
        """The DuckDB file with the views."""
        return self.root / "catalog.duckdb"

    @property
    def made_of(self) -> Path:
        """One file a recipe: what its latest release was made of, and how that was told."""
        return self.root / "made_of"

    @property
    def kept(self) -> Path:
        """One folder a recipe: what its last run has worked out, for the next one (`warehouse/kept.py`)."""
        return self.root / "kept"

    @property
    def rounds(self) -> Path:
        """One folder a recipe with rounds: what each round trained, its logs and measures."""
        return self.root / "rounds"

    @property
    def is_unused(self) -> bool:
        """Whether nothing was ever bought or spent in it."""
        bought = (path for path in self.table("candidates").glob("*.parquet") if path.name != SEED)
        return not any(bought) and not any(self.ledger.iterdir())

    def table(self, name: str) -> Path:
        """Return the folder of one table's sealed Parquet files."""
        return self.root / "tables" / name

    def sums(self, table: str) -> Path:
        """Return the folder of the checksums of one table's files: apart, as readers of folders take all in them."""
        return self.root / "sums" / table


def find_workspace(recipe: Path | None, here: Path) -> Path:
    """Return the workspace that is beside a recipe, else the one `here`, which need not exist.

    So a recipe that is run from another folder goes on with what it has bought and spent.
    """
    beside = None if recipe is None else recipe.resolve().parent / here.name
    return beside if beside is not None and (beside / "ledger").is_dir() and beside != here.resolve() else here


def open_workspace(root: Path) -> Workspace:
    """Create what is missing of a workspace and return it.

    Raises WorkspaceError when the folder cannot be made or written.
    """
    workspace = Workspace(root.resolve())
    if set("*?[") & set(str(workspace.root)):
        raise WorkspaceError(
            f"Workspace {workspace.root} has one of * ? [ in its path: expected a path without, as they stand for "
            "other files in questions to the catalog",
            "choose another folder with --workspace",
        )
    folders = [workspace.ledger, workspace.releases, workspace.staging, workspace.logs, workspace.made_of]
    folders += [folder(name) for folder in (workspace.table, workspace.sums) for name in TABLES]
    try:
        # What was bought and asked is nobody else's to read: a new workspace is its owner's, whatever the umask.
        workspace.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        _expect_format(workspace)
        probe = workspace.root / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise WorkspaceError(
            f"Workspace {workspace.root} cannot be written: {error.strerror}",
            "choose another folder with --workspace, or free space and check its permissions",
        ) from error
    return workspace


def _expect_format(workspace: Workspace) -> None:
    path = workspace.root / "format"
    if not path.exists():
        write_lines(path, [str(FORMAT)])
    said = path.read_text("utf-8", "replace").strip()
    if said != str(FORMAT):
        raise WorkspaceError(
            f"Workspace {workspace.root} has the format {said!r}: this version of cotfactory knows {FORMAT}",
            "use the version that wrote it, or a newer one; nothing was changed",
        )


def existing_workspace(root: Path) -> Workspace:
    """Open a workspace that is there. Raises WorkspaceError for a folder that is none."""
    if not (root / "ledger").is_dir():
        raise WorkspaceError(f"There is no workspace in {root.resolve()}", "name one with --workspace")
    return open_workspace(root)
