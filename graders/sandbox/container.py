"""One warm container and the line to the runner inside it."""

import json
import marshal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from typing import TYPE_CHECKING, Any

from cotfactory.graders.sandbox.clock import STARVED_SHARE
from cotfactory.graders.sandbox.execution import Execution, ExecutionLimits, ExecutionResult
from cotfactory.graders.sandbox.values import READY, REPORT
from cotfactory.schemas.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

ENGINE_HINT = "see that the Docker engine runs (docker info) and has memory left, then run again"
STARTUP_S = 60.0
REMOVAL_S = 10
GRACE_S = 20.0
"""How long beyond an execution's own limit the runner may be silent before its container is given up."""
MARSHAL_FORMAT = 2
"""Every Python 3 reads it, whatever runs on this side and in the image."""
RUNNER_MEMORY_MB = 128
RUNNER_PROCESSES = 8
FILES = "/tmp"  # noqa: S108 - of the container
FIRST_UID = 50_000
CAPABILITIES = ["SETUID", "SETGID", "KILL"]
RUNNER_MODULES = {
    "cotfactory.graders.sandbox.nodes": "nodes.py",
    "cotfactory.graders.sandbox.values": "values.py",
    "cotfactory.graders.sandbox.seccomp": "seccomp.py",
    "cotfactory.graders.sandbox.clock": "clock.py",
    "cotfactory.graders.sandbox.prelude": "prelude.py",
    "cotfactory.graders.sandbox.tester": "tester.py",
    "cotfactory.graders.sandbox.cells": "cells.py",
    "cotfactory.graders.sandbox.languages": "languages.py",
    "cotfactory.graders.sandbox.child": "child.py",
    "__main__": "runner.py",
}
BOOT = """import sys, types
for name, source in zip(sys.argv[1:-1:2], sys.argv[2:-1:2]):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
"""
"""Gives the runner its modules from the command line, under the names they have here."""


class Container:
    """A running container with one runner in it; runs one execution at a time, for one thread."""

    def __init__(
        self, client: "DockerClient", image: str, uid: int, limits: ExecutionLimits, options: dict[str, Any]
    ) -> None:
        """Start it; `options` of the engine are added to `settings`. Raises SandboxError."""
        self._limits = limits
        self.runs = 0
        self._pending = b""
        self._complaint = b""
        with engine_errors("the sandbox container could not be started"):
            self._container = client.containers.create(
                image, _runner_command(uid, limits), **settings(limits), **options
            )
            try:
                self._stream = _attach(client, str(self._container.id))
                self._container.start()
                self._stream.settimeout(STARTUP_S)
                self._read(len(READY))
            except BaseException:
                self.remove()
                raise

    def run(self, execution: Execution) -> tuple[ExecutionResult, bool]:
        """Run one execution; return its result and whether the container may be used again.

        Raises SandboxError when the container or the engine fails; the container is then good for nothing.
        """
        most = _most(execution, self._limits)
        way = execution.way.model_dump(mode="json")
        job = marshal.dumps((execution.program, way, most, execution.artifact), MARSHAL_FORMAT)
        self.runs += 1
        with engine_errors("the sandbox container was lost during an execution"):
            self._stream.settimeout(most[0] * STARVED_SHARE + GRACE_S)
            self._stream.sendall(struct.pack(">I", len(job)) + job)
            report = REPORT.unpack(self._read(REPORT.size))
            output = self._read(report[-1])
        exit_code, timed_out, starved, memory_exceeded, output_exceeded, clean, duration_ms, _ = report
        result = ExecutionResult(
            output=output,
            exit_code=exit_code,
            timed_out=timed_out,
            starved=starved,
            memory_exceeded=memory_exceeded,
            output_exceeded=output_exceeded,
            duration_ms=duration_ms,
            bounded=_is_bounded(execution, self._limits),
        )
        return result, clean

    def remove(self) -> None:
        """Kill and remove the container; what is already gone is fine, and so is an engine that is down."""
        with suppress(Exception):
            self._stream.close()
        with suppress(Exception):
            self._container.remove(force=True)
        with suppress(Exception):
            # The engine may have been removing it already, and would not do so twice.
            self._container.wait(timeout=REMOVAL_S, condition="removed")

    def _read(self, count: int) -> bytes:
        """Return the next `count` bytes of the runner's standard output."""
        parts = [self._pending]
        have = len(self._pending)
        while have < count:
            stream, size = struct.unpack(">BxxxL", self._receive(8))
            frame = self._receive(size)
            if stream == 1:
                parts.append(frame)
                have += size
            else:
                self._complaint = (self._complaint + frame)[-2000:]
        whole = b"".join(parts)
        self._pending = whole[count:]
        return whole[:count]

    def _receive(self, count: int) -> bytes:
        """Return exactly `count` bytes of the engine's stream, in which short reads are usual."""
        parts = bytearray()
        while len(parts) < count:
            part = self._stream.recv(min(count - len(parts), 1 << 16))
            if not part:
                said = self._complaint.decode(errors="replace").strip().splitlines()
                raise EOFError(said[-1] if said else "the container ended")
            parts += part
        return bytes(parts)


def _most(execution: Execution, limits: ExecutionLimits) -> tuple[float, int, int]:
    """Return the seconds, MB of memory and bytes of output that an execution may take: its own, or the usual ones."""
    return (
        min(execution.timeout_s or limits.timeout_s, limits.longest_s),
        min(execution.memory_mb or limits.memory_mb, limits.largest_mb),
        min(execution.output_bytes or limits.output_bytes, limits.longest_output_bytes),
    )


def _is_bounded(execution: Execution, limits: ExecutionLimits) -> bool:
    """Whether an execution asks for more than the bounds allow."""
    return (
        (execution.timeout_s or 0) > limits.longest_s
        or (execution.memory_mb or 0) > limits.largest_mb
        or (execution.output_bytes or 0) > limits.longest_output_bytes
    )


def _runner_command(uid: int, limits: ExecutionLimits) -> list[str]:
    """Return the command that starts the runner: the interpreter, the runner's source and its limits."""
    modules: list[str] = []
    for name, file in RUNNER_MODULES.items():
        modules += [name, resources.files("cotfactory.graders.sandbox").joinpath(file).read_text("utf-8")]
    return ["python3", "-sBX", "utf8", "-c", BOOT, *modules, json.dumps({"uid": uid, **limits.model_dump()})]


def settings(limits: ExecutionLimits) -> dict[str, Any]:
    """Return what every container is created with."""
    memory_mb = limits.largest_mb + limits.disk_mb + RUNNER_MEMORY_MB
    return {
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {FILES: f"rw,nosuid,nodev,noexec,mode=1777,nr_inodes=1024,size={limits.disk_mb}m"},
        "shm_size": "16m",
        "mem_limit": f"{memory_mb}m",
        "memswap_limit": f"{memory_mb}m",
        "nano_cpus": 1_000_000_000,
        "pids_limit": limits.processes + RUNNER_PROCESSES,
        "user": "0:0",
        "cap_drop": ["ALL"],
        "cap_add": CAPABILITIES,
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "working_dir": "/",
        "log_config": {"type": "none"},
        # Without `detach` the SDK also asks that standard input ends with its one attached client: when this
        # process dies, the runner reads its end, and the container is gone by itself.
        "stdin_open": True,
        "auto_remove": True,
    }


def _attach(client: "DockerClient", container_id: str) -> socket.socket:
    """Return the raw line to a container's standard streams; before its start, so that nothing is missed."""
    streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    wrapped = client.api.attach_socket(container_id, params=streams)
    # Over a Unix socket or plain TCP the SDK hands out a read-only file over the socket that can do both.
    line: socket.socket = getattr(wrapped, "_sock", wrapped)
    return line


@contextmanager
def engine_errors(what: str, hint: str = ENGINE_HINT) -> Iterator[None]:
    """Turn whatever the engine, its client or the line raises into SandboxError."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException, OSError, EOFError, ValueError, struct.error) as error:
        raise SandboxError(f"{what}: {error or type(error).__name__}", hint) from error
