"""A line to the machine's Docker engine that a test can cut: to whoever uses it, the engine is then gone."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = 1 << 16


class EngineLine:
    """A Unix socket under `folder` that passes all it gets on to the engine, until it is cut."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "engine.sock"
        self.url = f"unix://{self._path}"
        self._ends: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and take no other one: containers whose line it was end by themselves."""
        self._path.unlink(missing_ok=True)
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):  # cut
            while True:
                client, _ = self._listener.accept()
                engine = _connected()
                self._ends += [client, engine]
                for source, sink in ((client, engine), (engine, client)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _connected() -> socket.socket:
    where = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if where.scheme == "unix":
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(where.path)
        return engine
    return socket.create_connection((where.hostname, where.port))


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(CHUNK):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def engine_line(folder: Path) -> Iterator[EngineLine]:
    """Give a line to the machine's engine; it is cut at the end."""
    line = EngineLine(folder)
    try:
        yield line
    finally:
        line.cut()
