"""A release folder is built where nobody looks and appears in one rename, whole and on disk."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cotfactory.warehouse.synced import sync


@contextmanager
def work_folder(path: Path) -> Iterator[Path]:
    """Give a folder of our own, without what a run that died left there, and take it away in the end."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make_visible(staged: Path, home: Path, version: str) -> Path:
    """Move `staged`, alone in its folder, to `home/version`, and return where it is now.

    Whatever happens at whatever instant, a reader of `home`'s folder sees the whole release or nothing: the
    first release of a name brings `home` along, so that not even an empty one is ever seen. Both are on one
    file system. Raises OSError when the version is there already.
    """
    ready = staged.rename(staged.parent / version)
    for path in (*ready.rglob("*"), ready, ready.parent):
        sync(path)
    home.parent.mkdir(parents=True, exist_ok=True)
    if home.exists():
        ready.rename(home / version)
        sync(home)
    else:
        ready.parent.rename(home)
    sync(home.parent)
    return home / version
