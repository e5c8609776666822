"""The interpreter is as it was once a run has asked, and a thread's work is never left half done."""

import asyncio
import contextlib
import gc
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from cotfactory.flows.host.interpreter import give_up_if_interrupted, in_thread, tuned_for_asking


@pytest.fixture
def nothing_left_out() -> Iterator[None]:
    """The collector of an ordinary program: ours leaves out what the tests have loaded."""
    gc.unfreeze()
    yield
    gc.freeze()


def test_the_interpreter_is_set_back_after_an_error(nothing_left_out: None) -> None:
    before = (gc.get_threshold(), sys.getswitchinterval())
    with contextlib.suppress(ValueError), tuned_for_asking():
        assert (gc.get_threshold(), sys.getswitchinterval()) != before
        assert gc.get_freeze_count() > 0
        raise ValueError("broken")
    assert (gc.get_threshold(), sys.getswitchinterval()) == before
    assert gc.get_freeze_count() == 0


def test_what_the_program_around_left_out_of_collections_stays_left_out(nothing_left_out: None) -> None:
    gc.freeze()
    before = gc.get_freeze_count()
    with tuned_for_asking():
        pass
    assert gc.get_freeze_count() > before // 2  # what was freed meanwhile counts no more


def test_an_interruption_waits_for_the_thread() -> None:
    started, release, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(60)
        done.set()

    async def run() -> None:
        working = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(started.wait, 60)
        working.cancel()
        asyncio.get_running_loop().call_soon(release.set)
        with pytest.raises(asyncio.CancelledError):
            await working
        assert done.is_set()

    asyncio.run(run())


def test_interrupted_work_gives_up_where_it_asks() -> None:
    started, done = threading.Event(), threading.Event()

    def work() -> None:
        give_up_if_interrupted()  # not yet
        started.set()
        try:
            for _ in range(60_000):
                give_up_if_interrupted()
                time.sleep(0.001)
        finally:
            done.set()

    async def run() -> None:
        working = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(started.wait, 60)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert done.is_set()
        give_up_if_interrupted()  # that was the thread's affair

    asyncio.run(run())
