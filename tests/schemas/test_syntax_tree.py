import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cotfactory.schemas.syntax_tree import expression_tree, syntax_tree

NESTED = "x = " + "[" * 30 + "1" + "]" * 30


class Yielding:
    """Garbage of a cycle: while it is collected, in the middle of whatever runs, other threads have a turn."""

    def __init__(self, done: threading.Event) -> None:
        self.itself, self.done = self, done

    def __del__(self) -> None:
        time.sleep(0.0005)
        if not self.done.is_set():
            Yielding(self.done)


@contextmanager
def collected_all_the_time(done: threading.Event) -> Iterator[None]:
    before = gc.get_threshold()
    Yielding(done)
    gc.set_threshold(10)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def test_threads_that_make_trees_at_the_same_time_do_not_disturb_each_other() -> None:
    done, failures = threading.Event(), []

    def make_trees() -> None:
        while not done.is_set():
            try:
                syntax_tree(NESTED)
            except SystemError as error:
                failures.append(error)

    others = [threading.Thread(target=make_trees) for _ in range(3)]
    for thread in others:
        thread.start()
    try:
        with collected_all_the_time(done):
            for _ in range(10):
                assert len(syntax_tree(NESTED).body) == 1
                expression_tree("1 + 1")
    finally:
        done.set()
        for thread in others:
            thread.join()
    assert failures == []


def test_what_is_no_python_has_no_tree() -> None:
    with pytest.raises(SyntaxError):
        syntax_tree("18 apples")
    with pytest.raises(SyntaxError):
        expression_tree("x = 1")
