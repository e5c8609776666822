"""Deadlines of requests: what has arrived while the process stood still is read before anything is given up."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import uvloop

from cotfactory.generators.teacher.deadline import GRACE_S, LATE_S, Deadlines

FAR_S = 3600.0
LOOPS = [pytest.param(asyncio.run, id="asyncio"), pytest.param(uvloop.run, id="uvloop")]
RunLoop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def answers() -> Iterator[tuple[str, int]]:
    """The address of a server that answers on a thread of its own, as soon as it is connected to."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.sendall(b"answer\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(30)


@pytest.mark.parametrize("run", LOOPS)
def test_an_answer_that_came_while_the_process_stood_still_is_read(run: RunLoop, answers: tuple[str, int]) -> None:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(*answers)
        try:
            with Deadlines().after(0.2):
                time.sleep(0.2 + 2 * LATE_S)
                return await reader.readline()
        finally:
            writer.close()

    assert run(ask()) == b"answer\n"


@pytest.mark.parametrize("run", LOOPS)
@pytest.mark.parametrize(
    ("total_s", "silence_s", "error"),
    [(0.05, None, TimeoutError), (0.05, FAR_S, TimeoutError), (FAR_S, 0.05, aiohttp.SocketTimeoutError)],
)
def test_what_does_not_come_is_given_up(
    run: RunLoop, total_s: float, silence_s: float | None, error: type[TimeoutError]
) -> None:
    async def wait() -> None:
        with Deadlines().after(total_s, silence_s):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError) as caught:
        run(wait())
    assert type(caught.value) is error


def test_after_a_pause_nothing_is_waited_for_longer_than_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cotfactory.generators.teacher.deadline.GRACE_S", 0.05)

    async def wait() -> None:
        with Deadlines().after(0.05):
            time.sleep(0.05 + 2 * LATE_S)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert GRACE_S > LATE_S


def test_who_is_heard_is_not_silent() -> None:
    """It speaks more often than the silence allowed, and longer: only the total ends it."""

    async def listen() -> int:
        times = 0
        with Deadlines().after(FAR_S, 1.0) as deadline:
            while times < 30:
                await asyncio.sleep(0.05)
                deadline.heard()
                times += 1
        return times

    assert asyncio.run(listen()) == 30


def test_one_timer_ends_each_deadline_by_itself() -> None:
    """The sooner one begins later, others are over in time, and after the last one the timer begins anew."""

    async def run() -> list[type[BaseException]]:
        deadlines = Deadlines()

        async def wait(total_s: float, silence_s: float | None = None) -> None:
            with deadlines.after(total_s, silence_s) as deadline:
                await asyncio.sleep(0.06)
                deadline.heard()
                await asyncio.Event().wait()

        async def in_time() -> None:
            with deadlines.after(0.1):
                await asyncio.sleep(0)

        waiting = (wait(FAR_S, 0.15), *(in_time() for _ in range(3)), wait(0.18))
        ended = [*await asyncio.gather(*waiting, return_exceptions=True)]
        ended += await asyncio.gather(wait(0.01), return_exceptions=True)
        return [type(error) for error in ended if error is not None]

    assert asyncio.run(run()) == [aiohttp.SocketTimeoutError, TimeoutError, TimeoutError]


def test_a_cancellation_from_outside_is_no_time_out() -> None:
    async def cancelled() -> None:
        async def wait() -> None:
            with Deadlines().after(FAR_S):
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_an_error_inside_goes_through_and_leaves_no_cancellation() -> None:
    async def fail() -> int:
        with pytest.raises(ValueError, match="own"), Deadlines().after(FAR_S):
            raise ValueError("its own")
        with pytest.raises(TimeoutError), Deadlines().after(0.01):
            await asyncio.Event().wait()
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(fail()) == 0
