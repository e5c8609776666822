"""Find a release: a folder, NAME@vX.Y.Z in a workspace, or ORG/NAME@vX.Y.Z on the Hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cotfactory.flows.settings import hub_target
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.workspace import Workspace


@contextmanager
def opened_release(release: str, workspace: Path) -> Iterator[Path]:
    """Give the folder of a release, fetched from the Hub for ORG/NAME@vX.Y.Z. Raises InputError, PublishError."""
    name, _, version = release.partition("@")
    if not version or name.count("/") != 1:
        yield release_folder(release, workspace)
        return
    from cotfactory.publishing.hub import fetch_release  # the Hub's client takes most of a second to import

    with TemporaryDirectory() as folder:
        fetch_release(name, version, Path(folder), hub_target())
        yield Path(folder)


def release_folder(release: str, workspace: Path) -> Path:
    """Return the folder of a release given as a path or as NAME@vX.Y.Z in the workspace. Raises InputError."""
    name, _, version = release.removeprefix("workspace:").partition("@")
    folder = Workspace(workspace.resolve()).releases / name / version if version else Path(release)
    if not (folder / "manifest.json").is_file():
        raise InputError(
            f"{release!r} is no release: expected a folder with a manifest.json, looked at {folder.resolve()}",
            "`cotfactory sql 'SELECT name, version, path FROM releases'` lists them",
        )
    return folder
