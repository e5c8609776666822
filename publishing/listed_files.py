"""The files of a release as its manifest lists them: regular ones, and as they were when it was made."""

import hashlib
from pathlib import Path, PurePosixPath

from cotfactory.schemas.errors import PublishError
from cotfactory.schemas.manifest import ReleasedFile
from cotfactory.schemas.record import Record

MANIFEST = "manifest.json"
AGAIN = "make the release again; nothing was sent"


class FileToSend(Record):
    """One file of a release: where it lies, and the sha256 of what lies there now."""

    path: Path
    sha256: str


def listed_file(folder: Path, listed: ReleasedFile) -> FileToSend:
    """Return a file that a manifest lists. Raises PublishError for one that is missing, a link or not as released."""
    name, expected = listed.path, listed.sha256
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise PublishError(f"The manifest of {folder} lists {name!r}: expected a path inside the release")
    file = file_to_send(folder, name)
    if file.sha256 != expected or file.path.stat().st_size != listed.bytes:
        raise PublishError(
            f"{file.path} was changed after the release: its sha256 is {file.sha256}, expected {expected}",
            "make the release again; a released file is never edited",
        )
    return file


def file_to_send(folder: Path, name: str) -> FileToSend:
    """Return a file of a release by its name in the folder. Raises PublishError for one that is missing, or a link."""
    _require_regular(folder, name)
    return FileToSend(path=folder / name, sha256=_sha256_of(folder / name))


def _require_regular(folder: Path, name: str) -> None:
    """Raise for a name that leads elsewhere: what a link points to may be anything on this machine."""
    path = folder
    try:
        for part in PurePosixPath(name).parts:
            path /= part
            if path.is_symlink():
                raise PublishError(f"{path} is a link: a release has regular files only", AGAIN)
        is_other = path.exists() and not path.is_file()
    except (OSError, ValueError) as error:  # too long, or with NUL
        raise PublishError(f"The manifest of {folder} lists {name[:100]!r}, no name of a file", AGAIN) from error
    if is_other:
        raise PublishError(f"{path} is no regular file: a release has nothing else", AGAIN)


def _sha256_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PublishError(
            f"The release lacks {path}: {error.strerror}", "make the release again; nothing was sent"
        ) from error
