"""Read the manifest of a release folder."""

from pathlib import Path

from pydantic import ValidationError

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.manifest import Manifest


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
            f"{folder / 'manifest.json'} is not a release manifest: fields that are wrong: {error.error_count()}",
            "move this folder out of releases/; it was not written by this version",
        ) from error
