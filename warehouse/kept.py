"""Kept: what a recipe's last run worked out, taken again by the next run that would work it out of the very same.

A file is kept under a key, the hash of all that it was made of: with anything else it is made anew, and nothing stale
is ever taken. Its name ends with its own SHA-256, against which it is held before it is used. With the folder nothing
but time is lost.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from cotfactory.schemas.ids import content_id
from cotfactory.warehouse.checksums import sum_of
from cotfactory.warehouse.workspace import Workspace


class Kept:
    """The files that are kept for one recipe, one of a kind, for the code with the id `code`.

    Without `keeps` what is there is used, and nothing is put in its place.
    """

    def __init__(self, workspace: Workspace, name: str, code: str, *, keeps: bool = True) -> None:
        self._folder, self._code, self._keeps = workspace.kept / name, code, keeps

    def take(self, kind: str, key: str, folder: Path) -> Path | None:
        """Return the file of that kind and key under a name of its own in `folder`; None where there is none."""
        own, key_id = folder / f"kept-{kind}", self._key_id(key)
        for path in (self._folder / kind).glob(f"{key_id}-*"):
            with suppress(OSError):  # another process may replace it meanwhile
                own.unlink(missing_ok=True)
                _link(path, own)
                if path.name == f"{key_id}-{sum_of(own)}":
                    return own
        return None

    def keep(self, kind: str, key: str, file: Path) -> None:
        """Keep a file, which is never changed, in place of the one of that kind; not where the disk refuses."""
        if not self._keeps:
            return
        kept = self._folder / kind
        with suppress(OSError):
            kept.mkdir(parents=True, exist_ok=True)
            target = kept / f"{self._key_id(key)}-{sum_of(file)}"
            before = [path for path in kept.iterdir() if path != target]
            target.unlink(missing_ok=True)  # it may be damaged
            _link(file, target)
            for path in before:
                path.unlink(missing_ok=True)

    def _key_id(self, key: str) -> str:
        return content_id([self._code, key])


def _link(path: Path, other: Path) -> None:
    """Give a file another name; where the file system knows no such thing, a copy has it."""
    try:
        os.link(path, other)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, other)
