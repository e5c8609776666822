"""Seeded mutations of bytes and of JSON values, and a limit on the CPU time that reading one may take."""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

HANG_S = 2.0

FOREIGN_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**31, 2**63, -(2**63), 10**400, 0.5, -1e-300, 1e308, float("nan"), float("inf")),
    *("", "0", "-1", "nan", "x" * 5_000, "\x00", "\ufffd", "\u202e", "\x1b]0;x\x07", "../../x", "${HOME}", "</script>"),
    *("2024-13-45", "{}", [], [None], [[]], {}, {"": None}, {"type": "text"}),
)
FOREIGN_BYTES = (
    *(b"", b"\x00", b"\xff", b"\xc3\x28", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\x1b[2J", b"\t", b"\\", b"\\ud800"),
    *(b"null", b"{", b"}", b"[", b"]", b",", b":", b'"', b"'", b"-", b"9" * 5_000, b"1e999", b"[" * 3_000, b"{" * 500),
    *(b"&a [*a]", b"*a", b"<<: *a", b"!!python/object/apply:os.system", b"!!timestamp 'z'", b"%", b"# ", b"---\n"),
)


def changed_bytes(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one to three changes: a flipped bit, a piece lost, doubled, moved, or something foreign."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(changed) + 1)
        end = min(len(changed), start + chance.choice((0, 1, 8, 100)))
        change = chance.choice(("flip", "lose", "double", "foreign", "cut"))
        if change == "flip" and changed:
            changed[start % len(changed)] ^= 1 << chance.randrange(8)
        elif change == "lose":
            del changed[start:end]
        elif change == "double":
            changed[start:start] = changed[start:end]
        elif change == "foreign":
            changed[start:end] = chance.choice(FOREIGN_BYTES)
        elif change == "cut" and chance.random() < 0.2:
            del changed[start:]
    return bytes(changed)


def changed_values(value: Any, chance: random.Random) -> Any:
    """Return a copy of a JSON value in which one to three places hold something foreign, are gone, or are elsewhere."""
    changed = deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        if not (places := list(_places(changed))):
            break
        holder, key = chance.choice(places)
        elsewhere, other = chance.choice(places)
        change = chance.choice(("foreign", "foreign", "lose", "add", "copy", "wrap"))
        if change == "foreign":
            holder[key] = deepcopy(chance.choice(FOREIGN_VALUES))
        elif change == "lose":
            del holder[key]
        elif change == "add" and isinstance(holder, dict):
            holder[f"{key}s"] = deepcopy(chance.choice(FOREIGN_VALUES))
        elif change == "copy":
            holder[key] = deepcopy(elsewhere[other])
        elif change == "wrap":
            holder[key] = [holder[key]]
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each (dict or list, key or index) of a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def each_mutation(count: int, check: Callable[[random.Random], None]) -> None:
    """Have `check` make and read one mutation after another, each of its own seed; a failure names the seed."""
    for seed in range(count):
        try:
            with without_a_hang():
                check(random.Random(seed))
        except BaseException as error:
            error.add_note(f"mutation with seed {seed}")
            raise


@contextmanager
def without_a_hang() -> Iterator[None]:
    """Raise TimeoutError in what takes more CPU time than HANG_S; the load of the machine is not counted."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"more than {HANG_S} s of CPU time")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
