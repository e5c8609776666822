"""The code that decides, as a hash: what another version of it finds is not known before it has looked."""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import cotfactory

DECIDING_LIBRARIES = ("py3langid", "rensa", "confusable-homoglyphs", "phonenumberslite")
"""Libraries whose findings drop chains."""


@cache
def code_id() -> str:
    """Return a hash of this package's files and of the versions of the libraries that decide with it."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(_files(Path(cotfactory.__path__[0]))):
        digest.update(path.read_bytes())
    digest.update(" ".join(map(version, DECIDING_LIBRARIES)).encode())
    return digest.hexdigest()


def _files(package: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(package, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(folder) / name for name in names)
