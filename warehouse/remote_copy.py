"""Copies of a workspace in an object storage: what is sealed, as it was at one moment, and back into a folder.

    objects/SHA256             the content of a file, once, whatever it is called
    releases/NAME/VERSION/...  files of releases, as they are in the workspace: others read them where they are
    copies/TIME-SHA256.json    the files of one copy: path, object, size in bytes and SHA-256 of each

Nothing there is ever written over: an object that is there is left alone, and a copy is listed once all of its objects
are. So a file that was merged away since stays in the copies that have it and is in no later one, and a copy that was
cut short is gone on with by making it again. What is in no sealed file yet is not copied: journals of shards that are
open, logs, what rounds trained.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs
from pydantic import field_validator

from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.file_changes import reading
from cotfactory.warehouse.synced import rename
from cotfactory.warehouse.workspace import SEED, Workspace

FOLDERS = ("ledger", "tables", "sums", "releases", "made_of")
"""In this order: what was billed is told before the chains that it was billed for."""
NOT_COPIED = (".journal", ".ballast", ".opening", ".writing", ".tmp")
"""What is not sealed, or not whole yet, ends so."""
PIECE_BYTES = 4 << 20
NOWHERE = "see that the address is right and credentials are in the environment (AWS_ACCESS_KEY_ID and the like)"


class CopiedFile(Record):
    """One file of a copy, by its path in the workspace, and the object that has its content."""

    path: str
    object: str
    size: int
    sha256: str

    @field_validator("path", "object")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        """Whoever writes into the storage must not write elsewhere on the machine that a copy is brought to."""
        first, *others = value.split("/")
        if first not in ("format", "objects", *FOLDERS) or {"", ".", ".."} & set(others) or "\0" in value:
            raise ValueError(f"{value!r} lies outside: expected a path in a workspace")
        return value


class RemoteCopy(Record):
    """The files of a workspace at one moment."""

    made_at: datetime
    files: tuple[CopiedFile, ...]


@dataclass(frozen=True)
class Sent:
    """What a copy took: files now, their bytes, and files whose content was there."""

    copy: str
    files: int
    bytes: int
    already_there: int


@dataclass(frozen=True)
class Storage:
    """A folder of an object storage, or of a file system."""

    url: str
    system: fs.FileSystem
    root: str

    def at(self, path: str) -> str:
        """Return where something is, for `system`."""
        return f"{self.root}/{path}"

    def size(self, path: str) -> int | None:
        """Return how many bytes an object has, None where there is none."""
        found = self.system.get_file_info(self.at(path))
        return found.size if found.type == fs.FileType.File else None

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, in order."""
        selector = fs.FileSelector(self.at(folder), allow_not_found=True)
        return sorted(found.base_name for found in self.system.get_file_info(selector))


def open_storage(url: str) -> Storage:
    """Return the storage at a URL: `s3://`, `gs://`, `abfs://` or `file://`. Raises InputError.

    An S3-compatible server is named by `?endpoint_override=HOST:PORT&scheme=https`. Credentials are those of the
    environment; in a URL, which is written down and shown, they are refused.
    """
    parts = urlsplit(url)
    if not parts.scheme:
        raise InputError(
            f"The storage {url!r} is none: expected a URL, as s3://BUCKET/PREFIX or the like",
            f"for a folder write file://{Path(url).absolute()}",
        )
    if "@" in parts.netloc:
        raise InputError(
            f"The storage {parts.scheme} cannot be used: expected a URL without credentials, as s3://BUCKET/PREFIX",
            "have credentials in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
        )
    try:
        system, root = fs.FileSystem.from_uri(url)
    except (ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"The storage {url!r} cannot be used: {error}", NOWHERE) from error
    return Storage(url, system, root.rstrip("/"))


def send(workspace: Workspace, storage: Storage) -> Sent:
    """Copy what is sealed of a workspace, also while a run goes on. Raises WorkspaceError."""
    files: list[CopiedFile] = []
    sent = size = 0
    try:
        names = storage.names("copies")
        before = latest_copy(storage).files if names else ()
        known = {file.path: file for file in before}
        _refuse_another(workspace, storage, known)
        with reading(workspace):
            for path in _files(workspace.root):
                file, is_new = _sent(path, workspace, storage, known)
                files.append(file)
                sent, size = sent + is_new, size + (file.size if is_new else 0)
        if tuple(files) == before:
            return Sent(names[-1], sent, size, len(files) - sent)
        copy = RemoteCopy(made_at=datetime.now(UTC), files=tuple(files))
        told = copy.model_dump_json().encode()
        name = f"{copy.made_at:%Y%m%dT%H%M%S.%f}-{hashlib.sha256(told).hexdigest()[:12]}.json"
        _write(storage, f"copies/{name}", iter([told]))
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(
            f"{workspace.root} could not be copied to {storage.url}: {error}",
            f"{NOWHERE}; run it again: what is there is not copied twice",
        ) from error
    return Sent(name, sent, size, len(files) - sent)


def latest_copy(storage: Storage) -> RemoteCopy:
    """Return the latest copy in a storage. Raises WorkspaceError."""
    try:
        names = storage.names("copies")
        if not names:
            raise WorkspaceError(f"There is no copy of a workspace in {storage.url}", "make one: cotfactory sync URL")
        with storage.system.open_input_stream(storage.at(f"copies/{names[-1]}")) as stream:
            return RemoteCopy.model_validate_json(stream.read())
    except (OSError, pa.ArrowException, ValueError) as error:
        raise WorkspaceError(f"The copy in {storage.url} cannot be read: {error}", NOWHERE) from error


def bring(copy: RemoteCopy, storage: Storage, workspace: Workspace) -> int:
    """Have the files of a copy in a workspace, each held against its SHA-256; return how many were not there.

    Raises WorkspaceError for a file that is there with other content, and changes nothing then.
    """
    names = {file.path for file in copy.files}
    other = next((name for path in _files(workspace.root) if (name := _name(path, workspace)) not in names), None)
    if other is not None:
        raise WorkspaceError(
            f"{workspace.root} has {other}, which is not in the latest copy in {storage.url}: expected a folder that "
            "has nothing else",
            "bring the copy into a new folder: --workspace DIR",
        )
    missing = [file for file in copy.files if not _is_here(file, workspace)]
    for file in missing:
        target = workspace.root / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f"{target.name}.writing")
        try:
            digest = hashlib.sha256()
            with storage.system.open_input_stream(storage.at(file.object)) as stream, aside.open("wb") as written:
                while piece := stream.read(PIECE_BYTES):
                    digest.update(piece)
                    written.write(piece)
        except (OSError, pa.ArrowException) as error:
            raise WorkspaceError(
                f"{file.path} could not be brought from {storage.url}: {error}",
                "run it again: what is here is not fetched twice",
            ) from error
        if digest.hexdigest() != file.sha256:
            aside.unlink()
            raise WorkspaceError(
                f"{file.object} in {storage.url} is not as it was sent: its SHA-256 is {digest.hexdigest()}",
                "delete that object, and copy the workspace again from where it is whole",
            )
        rename(aside, target)
    return len(missing)


def _refuse_another(workspace: Workspace, storage: Storage, known: Mapping[str, CopiedFile]) -> None:
    """Raise InputError where the storage lies inside the workspace, or holds copies of another one."""
    if isinstance(storage.system, fs.LocalFileSystem) and Path(storage.root).resolve().is_relative_to(
        workspace.root.resolve()
    ):
        raise InputError(f"{storage.url} lies in the workspace {workspace.root} itself", "name a folder outside of it")
    files = {_name(path, workspace): path for path in _files(workspace.root)} if known else {}
    files.pop("format", None)
    if files and not any(name in known and _sum(path) == known[name].sha256 for name, path in files.items()):
        raise InputError(
            f"{storage.url} holds copies of another workspace than {workspace.root}: they have no file in common",
            "give each workspace a prefix of its own",
        )


def _name(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.root).as_posix()


def _files(root: Path) -> Iterator[Path]:
    yield root / "format"
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.name != SEED and not path.name.endswith(NOT_COPIED):
                yield path


def _sent(
    path: Path, workspace: Workspace, storage: Storage, known: Mapping[str, CopiedFile]
) -> tuple[CopiedFile, bool]:
    """Have the content of a file in the storage; return it, and whether it was not there.

    `known` are the files of the latest copy, by path.
    """
    name = _name(path, workspace)
    size, digest = path.stat().st_size, _sum(path)
    before = known.get(name)
    if before is not None and before.sha256 == digest and storage.size(before.object) == size:
        return before, False
    file = CopiedFile(path=name, object=f"objects/{digest}", size=size, sha256=digest)
    if name.startswith("releases/"):
        there = storage.size(name)
        if there is None or (there == size and _sum_there(name, storage) == digest):
            file = file.model_copy(update={"object": name})
    if storage.size(file.object) == size:
        return file, False
    with path.open("rb") as stream:
        _write(storage, file.object, iter(lambda: stream.read(PIECE_BYTES), b""))
    if (arrived := storage.size(file.object)) != size or _sum(path) != digest:
        raise WorkspaceError(
            f"{name} did not arrive whole in {storage.url}: {arrived} bytes of {size}, or it changed meanwhile",
            "run it again",
        )
    return file, True


def _write(storage: Storage, name: str, pieces: Iterator[bytes]) -> None:
    """Write an object. A server shows it when it is whole; in a file system it gets its name then."""
    target = storage.at(name)
    is_local = isinstance(storage.system, fs.LocalFileSystem)
    if is_local:
        storage.system.create_dir(target.rpartition("/")[0], recursive=True)
    aside = f"{target}.writing" if is_local else target
    with storage.system.open_output_stream(aside) as stream:
        for piece in pieces:
            stream.write(piece)
    if is_local:
        storage.system.move(aside, target)


def _is_here(file: CopiedFile, workspace: Workspace) -> bool:
    path = workspace.root / file.path
    if not path.exists():
        return False
    if _sum(path) != file.sha256:
        raise WorkspaceError(
            f"{path} is other than in the copy: expected the SHA-256 {file.sha256}",
            "bring the copy into a new folder: --workspace DIR",
        )
    return True


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sum_there(name: str, storage: Storage) -> str:
    digest = hashlib.sha256()
    with storage.system.open_input_stream(storage.at(name)) as stream:
        while piece := stream.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
