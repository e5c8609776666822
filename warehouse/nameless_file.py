"""NamelessFile: what is put aside on disk instead of in memory, gone with the process however that ends."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from cotfactory.schemas.errors import WorkspaceError

PART_BYTES = 1 << 22


class NamelessFile:
    """A file without a name in `folder`'s file system; a context manager. May be read from several threads.

    Raises WorkspaceError when the disk refuses.
    """

    def __init__(self, folder: Path, file: IO[bytes] | None = None) -> None:
        """Open a new file, or take `file`, which has no name any more."""
        self._folder = folder
        try:
            self._file = file or tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open until `close`
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise self._refused(error) from error

    @classmethod
    def taken_over(cls, path: Path) -> Self:
        """Return the file at `path`, to be read: it loses its name. Raises OSError."""
        file = path.open("rb")
        path.unlink()
        return cls(path.parent, file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def append(self, data: bytes) -> None:
        """Write `data` at the end; it can be read after the next `flush`."""
        try:
            self._file.write(data)
        except OSError as error:
            raise self._refused(error) from error
        self.size += len(data)

    def flush(self) -> None:
        """Make what was appended readable."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from error

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to, not including, `end`."""
        return os.pread(self._file.fileno(), end - start, start)

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """Yield all bytes, PART_BYTES at a time, with where they start."""
        for start in range(0, self.size, PART_BYTES):
            yield start, self.read(start, min(start + PART_BYTES, self.size))

    def save(self, path: Path, before: bytes = b"") -> None:
        """Write all bytes to `path`, behind those of `before`. Raises OSError."""
        with path.open("wb") as file:
            file.write(before)
            for _, part in self.parts():
                file.write(part)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines from the first one on, while nobody appends."""
        self._file.seek(0)
        yield from self._file

    def _refused(self, error: OSError) -> WorkspaceError:
        return WorkspaceError(
            f"{self._folder} cannot be written: {error.strerror or error}", "free space and run again"
        )
