"""What was renamed or written is on disk when `sync` returns: a power cut does not undo it."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Sync a file, or a folder with the names in it. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
