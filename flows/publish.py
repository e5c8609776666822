"""Send a release to the Hub, and compare two releases."""

from pathlib import Path

from flows.settings import hub_target
from publishing.hub import PublishOutcome, publish_release
from publishing.versions import ReleaseDiff, diff_releases
from schemas.errors import InputError
from schemas.record import Record
from warehouse.workspace import Workspace


class Published(Record):
    """Where a release is on the Hub now."""

    outcome: PublishOutcome

    def text(self) -> str:
        """Return where it is, for people."""
        state = "published" if self.outcome.is_new else "was there already, nothing was sent"
        return f"{self.outcome.repo} {self.outcome.tag}: {state} (commit {self.outcome.commit})"


class Compared(Record):
    """How two releases differ."""

    difference: ReleaseDiff

    def text(self) -> str:
        """Return the counts by product, for people."""
        lines = [f"{self.difference.before} -> {self.difference.after}"]
        for product, one in self.difference.products.items():
            lines.append(
                f"  {product}: {one.rows_before:,} -> {one.rows_after:,} rows: {one.added:,} added, "
                f"{one.removed:,} removed, {one.changed:,} changed"
            )
            columns = [f"+{name}" for name in one.columns_added] + [f"-{name}" for name in one.columns_removed]
            if columns:
                lines.append(f"    columns: {', '.join(columns)}")
        return "\n".join(lines)


def publish_folder(release: str, repo: str, workspace: Path) -> Published:
    """Publish a release as one commit and one tag. Raises PublishError, or InputError for an unknown release."""
    return Published(outcome=publish_release(release_folder(release, workspace), repo, hub_target()))


def compare(a: str, b: str, workspace: Path) -> Compared:
    """Count rows added, removed and changed from release `a` to `b`. Raises InputError for an unknown release."""
    return Compared(difference=diff_releases(release_folder(a, workspace), release_folder(b, workspace)))


def release_folder(release: str, workspace: Path) -> Path:
    """Return the folder of a release given as a path or as NAME@vX.Y.Z in the workspace."""
    name, _, version = release.partition("@")
    folder = Workspace(workspace.resolve()).releases / name / version if version else Path(release)
    if not (folder / "manifest.json").is_file():
        raise InputError(
            f"{release!r} is no release: expected a folder with a manifest.json, looked at {folder.resolve()}",
            "`cotfactory sql 'SELECT name, version, path FROM releases'` lists them",
        )
    return folder
