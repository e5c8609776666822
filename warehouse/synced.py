"""Write so that a power cut does not undo it: whole files in one rename, lines at a file's end, what was renamed."""

import os
from collections.abc import Iterable
from pathlib import Path


def sync(path: Path) -> None:
    """Sync a file, or a folder with the names in it. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(aside: Path, target: Path) -> None:
    """Give the file `aside` the name `target`, of the same folder, once all of it is on disk. Raises OSError."""
    sync(aside)
    aside.replace(target)
    sync(target.parent)


def write_lines(target: Path, lines: Iterable[str]) -> None:
    """Write a file of these lines: a reader sees all of it or nothing. Raises OSError.

    What a process that died meanwhile leaves is called `.writing`.
    """
    aside = target.with_suffix(".writing")
    with aside.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    rename(aside, target)


def append_line(path: Path, line: str) -> None:
    """Write a line at the end of a file; it is on disk on return. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
