"""A reward server in a process of its own, as `cotfactory serve` starts it, and a client for it."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S = 120.0


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class RewardServer:
    url: str
    process: "subprocess.Popen[str]"

    def post(self, route: str, body: object, **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._asked(
            urllib.request.Request(self.url + route, raw, {"Content-Type": "application/json", **headers})
        )

    def get(self, route: str, **headers: str) -> Reply:
        return self._asked(urllib.request.Request(self.url + route, headers=headers))

    def rewards(self, ids: list[str], completions: list[str], **more: object) -> Any:
        reply = self.post("/rewards", {"problem_ids": ids, "completions": completions, **more})
        assert reply.status == 200, reply.body
        return reply.body

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _asked(self, request: urllib.request.Request) -> Reply:
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return Reply(reply.status, dict(reply.headers), _read(reply.read()))
        except urllib.error.HTTPError as error:
            return Reply(error.code, dict(error.headers), _read(error.read()))


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode()


@contextmanager
def serving(what: Path | str, *options: str, **environment: str) -> Iterator[RewardServer]:
    """Run `cotfactory serve` on a free port until the context ends; it must end well then, unless it was killed."""
    words = [sys.executable, "-m", "cotfactory", "serve", str(what), "--port", "0", *options]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        yield RewardServer(_announced(process), process)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _announced(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + START_S
    while select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
        line = process.stdout.readline()
        found = re.match(r"http://\S+", line)
        if found:
            return found[0]
        if not line:
            break
    raise AssertionError(f"no server: exit code {process.poll()}")
