"""The interpreter is as it was once a run has asked, and a thread's work is never left half done."""

import asyncio
import contextlib
import gc
import sys
import threading

import pytest

from flows.interpreter import in_thread, tuned_for_asking


def test_the_interpreter_is_set_back_after_an_error() -> None:
    before = (gc.get_threshold(), sys.getswitchinterval())
    with contextlib.suppress(ValueError), tuned_for_asking():
        assert (gc.get_threshold(), sys.getswitchinterval()) != before
        raise ValueError("broken")
    assert (gc.get_threshold(), sys.getswitchinterval()) == before
    assert gc.get_freeze_count() == 0


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
