"""HubRepo: one dataset repository in memory - commits that never change, a branch, tags, large objects."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MAIN = "main"
GITATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"


@dataclass(frozen=True)
class Blob:
    """The content of one file, and whether git keeps it or the large-file store does."""

    data: bytes
    is_large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        """What git keeps in place of a large file."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        ).encode()

    @property
    def oid(self) -> str:
        kept = self.pointer if self.is_large else self.data
        return hashlib.sha1(b"blob %d\0" % len(kept) + kept).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_large else self.oid

    def entry(self, path: str) -> dict[str, object]:
        """The file as the tree and paths-info calls answer it."""
        entry: dict[str, object] = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        if self.is_large:
            entry["lfs"] = {"oid": self.sha256, "size": len(self.data), "pointerSize": len(self.pointer)}
        return entry


@dataclass(frozen=True)
class Commit:
    """All files of the repository at one moment."""

    oid: str
    parent: str | None
    title: str
    files: Mapping[str, Blob]


@dataclass
class HubRepo:
    """A repository and its whole history; `large_objects` may hold uploads that no commit uses yet."""

    name: str
    is_private: bool = False
    gated: str | bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    head: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    large_objects: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit("initial commit", {".gitattributes": GITATTRIBUTES}, [])

    def commit(self, title: str, added: Mapping[str, bytes], deleted: list[str]) -> str:
        """Put a commit on the head, as somebody who pushes would, and return its oid."""
        files = dict(self.commits[self.head].files) if self.head else {}
        for path in deleted:
            del files[path]
        files |= {path: Blob(data, is_large=path.endswith(".parquet")) for path, data in added.items()}
        tree = "".join(f"{path}{blob.oid}" for path, blob in sorted(files.items()))
        oid = hashlib.sha1(f"{self.head}{title}{len(self.commits)}{tree}".encode()).hexdigest()
        self.commits[oid] = Commit(oid, self.head or None, title, files)
        self.head = oid
        return oid

    def at(self, revision: str) -> Commit | None:
        """Return the commit that a branch, tag or oid names."""
        oid = self.head if revision == MAIN else self.tags.get(revision, revision)
        return self.commits.get(oid)

    def history(self) -> list[str]:
        """Return the titles of the commits, oldest first."""
        titles = []
        oid: str | None = self.head
        while oid:
            titles.append(self.commits[oid].title)
            oid = self.commits[oid].parent
        return titles[::-1]

    def ignores(self, path: str, revision: str) -> bool:
        """Whether the repository's own .gitignore, taken as one pattern a line, hides a path."""
        commit = self.at(revision)
        ignored = commit.files.get(".gitignore") if commit else None
        return ignored is not None and any(
            PurePosixPath(path).match(pattern) for pattern in ignored.data.decode().split()
        )
