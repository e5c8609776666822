"""Keep Python's garbage collector from walking the whole house over and over while a run asks."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS_BETWEEN, YOUNG_BETWEEN, OLD_BETWEEN = 50_000, 20, 100


@contextmanager
def few_collections() -> Iterator[None]:
    """Leave what is loaded by now out of collections, and collect seldom, for as long as the context is open.

    With a thousand requests in flight Python's defaults (700, 10, 10) take a third of all CPU time: hundreds of
    thousands of objects of libraries and problems are walked to find the few that a request leaves behind.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN, YOUNG_BETWEEN, OLD_BETWEEN)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
