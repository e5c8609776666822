"""The load teacher of the shared tools: compiled, run on a free port, configured and read out over HTTP."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ATTEMPTS = 4


@dataclass(frozen=True)
class LoadTeacher:
    """A running load teacher."""

    root: str

    @property
    def base_url(self) -> str:
        """Where it is asked."""
        return f"{self.root}/v1"

    def configure(self, **options: float) -> None:
        """Change its options while it runs."""
        self._get("/config?" + "&".join(f"{name}={value}" for name, value in options.items()))

    def reset(self) -> None:
        """Set all its counters to nought."""
        self._get("/reset")

    def stats(self, expect: int = 0) -> dict[str, Any]:
        """Return its counters; with `expect` also what was paid beyond that many answers a prompt."""
        return dict(json.loads(self._get(f"/stats?expect={expect}")))

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.root + path) as reply:  # noqa: S310 - loopback
            return bytes(reply.read())


@contextmanager
def load_teacher(**options: float) -> Iterator[LoadTeacher]:
    """Yield a load teacher with these options (`latency_ms=200`, `p429=0.02`, ...)."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        program = Path(folder) / "mock_teacher"
        source = str(_tools() / "mock_teacher.c")
        subprocess.run(["gcc", "-O2", "-o", str(program), source, "-lm"], check=True)  # noqa: S603, S607
        free.close()
        given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        running = subprocess.Popen([program, "--port", str(port), *given], stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            teacher = LoadTeacher(f"http://127.0.0.1:{port}")
            _until_it_answers(teacher)
            yield teacher
        finally:
            running.terminate()
            running.wait()


def write_problems(path: Path, count: int) -> None:
    """Write `count` problems that the load teacher knows the answers of, in the problem-file format."""
    script = str(_tools() / "mock_teacher_problems.py")
    subprocess.run([sys.executable, script, "--n", str(count), "--out", str(path)], check=True)  # noqa: S603


def write_recipe(folder: Path, base_url: str, candidates: int, **limits: float) -> Path:
    """Write a recipe that asks the load teacher for `candidates` chains, and its problems; return its path.

    `limits` are the teacher's (`concurrency`, `timeout_s`, ...).
    """
    write_problems(folder / "problems.jsonl", candidates // ATTEMPTS)
    teacher = {
        "name": "mock",
        "model": "m",
        "base_url": base_url,
        "sampling": {"temperature": 0.7, "max_tokens": 2000, "seed": 0},  # the sample that is asked for
        "limits": limits,
    }
    recipe = {
        "name": "load",
        "problems": [{"source": "file", "path": "problems.jsonl"}],
        "teachers": [teacher],
        "attempts": ATTEMPTS,
        "release": {"license": "cc0-1.0"},
    }
    path = folder / "recipe.json"  # which is YAML too
    path.write_text(json.dumps(recipe))
    return path


def _tools() -> Path:
    shared = os.environ.get("COTFACTORY_SHARED")
    if not shared:
        raise SystemExit("set COTFACTORY_SHARED to the shared folder: its tools/ hold the load teacher")
    return Path(shared) / "tools"


def _until_it_answers(teacher: LoadTeacher, patience_s: float = 10.0) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            teacher.stats()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
