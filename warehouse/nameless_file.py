"""NamelessFile: what is put aside on disk instead of in memory, gone with the process however that ends."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cotfactory.schemas.errors import WorkspaceError


class NamelessFile:
    """A file without a name in `folder`'s file system; a context manager. May be read from several threads.

    Raises WorkspaceError when the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open until `close`
        except OSError as error:
            raise self._refused(error) from error
        self.size = 0

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

    def lines(self) -> Iterator[bytes]:
        """Yield the lines from the first one on, while nobody appends."""
        self._file.seek(0)
        yield from self._file

    def _refused(self, error: OSError) -> WorkspaceError:
        return WorkspaceError(
            f"{self._folder} cannot be written: {error.strerror or error}", "free space and run again"
        )
