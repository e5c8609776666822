"""Run a local teacher's server: in a process of its own for as long as it is needed, or until Ctrl-C.

The child process ends when its context ends, and also when the parent dies in any way: it looks every half
second whether it still has the parent that started it.
"""

import asyncio
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from aiohttp import web

from cotfactory.schemas.errors import CotfactoryError, InputError, TeacherUnavailable

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 5.0
PARENT_CHECK_S = 0.5
BACKLOG = 4096
KEEP_ALIVE_S = 3600.0
END = signal.SIGUSR1
"""What ends the child: signals that are sent to all processes of a job do not."""


@contextmanager
def running(app_factory: Callable[[], web.Application]) -> Iterator[str]:
    """Run a server in a process of its own on a free port; yield its base URL once it answers.

    `app_factory` is called in that process, so it must be picklable: a function of a module, or a `partial` of
    one. Raises what it raises, if that is one of our errors, else TeacherUnavailable.
    """
    # Not forked: a fork would copy the caller's threads' locks and open database files. Nor multiprocessing's spawn: it
    # would run the caller's own script again, which need not guard its main part.
    receiver, sender = os.pipe()
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        f"from {__name__} import serve_for_parent\nserve_for_parent({sender}, {os.getpid()})"
    )
    with os.fdopen(receiver, "rb") as words:
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, pass_fds=[sender])  # noqa: S603
        os.close(sender)
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as to_child:
                pickle.dump(app_factory, to_child)
            yield _base_url(_first_word(words))
        finally:
            process.send_signal(END)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def serve_until_interrupted(app: web.Application, port: int, announce: Callable[[str], None]) -> None:
    """Serve `app` on 127.0.0.1 until SIGINT or SIGTERM; port 0 takes a free one.

    `announce` gets the base URL once the server answers. Raises InputError when the port cannot be had.
    """

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await _serve(app, port, lambda taken: announce(_base_url(taken)), stop)

    asyncio.run(serve())


def _base_url(port: int) -> str:
    return f"http://{HOST}:{port}/v1"


def _first_word(words: BinaryIO) -> int:
    """Return the port that the child listens on, or raise what kept it from listening."""
    word = None
    with suppress(EOFError):
        if select.select([words], [], [], START_TIMEOUT_S)[0]:
            word = pickle.load(words)  # noqa: S301 - of our own child
    if isinstance(word, CotfactoryError):
        raise word
    if not isinstance(word, int):
        raise TeacherUnavailable(
            "the local teacher's process ended or hung before it answered", "its own error output says why"
        )
    return word


def serve_for_parent(sender: int, parent: int) -> None:
    """Be the child process: serve what standard input describes until told to stop or until the parent is gone.

    The port, or the error that kept it from listening, goes to the descriptor `sender`.
    """
    # Ctrl-C and a closed terminal reach the whole process group, Slurm's and systemd's SIGTERM every process of a job:
    # the parent ends this one when it has no more questions.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    def send(word: int | CotfactoryError) -> None:
        with os.fdopen(sender, "wb") as words:
            pickle.dump(word, words)

    try:
        app = pickle.load(sys.stdin.buffer)()  # noqa: S301 - of our own parent
    except CotfactoryError as error:
        send(error)
        return

    async def serve() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(END, stop.set)
        watch = asyncio.create_task(_watch_parent(parent, stop))
        await _serve(app, 0, send, stop)
        watch.cancel()

    asyncio.run(serve())


async def _watch_parent(parent: int, stop: asyncio.Event) -> None:
    """Set `stop` once the parent is another process: the one that adopts orphans.

    A pipe's end of file would not do: any process that the parent forked keeps the pipe open.
    """
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_S)
    stop.set()


async def _serve(app: web.Application, port: int, on_listening: Callable[[int], None], stop: asyncio.Event) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise InputError(f"port {port} of {HOST} cannot be had: {error.strerror}", "choose another port") from error
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEEP_ALIVE_S, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        on_listening(listener.getsockname()[1])
        await stop.wait()
    finally:
        await runner.cleanup()
