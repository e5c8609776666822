"""How far an exam is, told every few seconds while questions are answered."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

EVERY_S = 2.0

Tell = Callable[[str], None]
"""Takes one line for whoever watches."""

Item = TypeVar("Item")


def tell_nobody(line: str) -> None:
    """Take a line that nobody watches for."""


def told(items: Iterable[Item], what: str, total: int, tell: Tell) -> Iterator[Item]:
    """Yield the items and tell how many there were: at most every EVERY_S, and at the end."""
    said_at = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - said_at >= EVERY_S:
            said_at = time.monotonic()
            tell(f"{what}: {done} of {total}")
    tell(f"{what}: {done} of {total}")
