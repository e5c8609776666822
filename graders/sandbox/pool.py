"""A pool of warm containers in which candidates' programs run.

How a program is held. Its container has no network, a read-only root, two small tmpfs, one CPU, limits on
memory and processes, no-new-privileges and no capabilities but SETUID, SETGID and KILL, which only the runner
can use. The runner forks a warm interpreter per execution; the child becomes a user of its own (no
capability, no environment, rlimits, a system-call filter on top of Docker's) before a byte of the program is
compiled. One execution at a time per container.

Covered. An execution cannot read, signal, trace or starve the runner; cannot reach a network; cannot outlive
its limits (wall time, memory, processes, disk, output); leaves no process, file, queue or shared memory for
the next one, and finds no program, input or result of an earlier one in the memory it is forked from. It
never holds an expected value, another input or code that judges (a `Check` aside). A container that answers
late, dies, or cannot be cleaned is replaced and the execution is run once more elsewhere; only when that
fails too is there a SandboxError, which says nothing about the program. Containers end by themselves when
this process dies, and what an engine's crash left is swept.

Not covered. The kernel is shared: this is not a wall against a kernel exploit, use a machine of its own for
programs of unknown origin. Executions at the same time compete for CPU, and a wall-clock limit feels that. A
`Check` runs the problem's checker within the candidate's reach (weak). A process that the kernel cannot kill
costs its container.
"""

import os
import queue
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from graders.sandbox.container import FIRST_UID, Container, engine_errors
from graders.sandbox.execution import Execution, ExecutionResult, Limits, Sandbox
from schemas.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_IMAGE = "cotfactory-sandbox:latest"
OWNER_LABEL = "cotfactory.sandbox.owner"


@contextmanager
def open_sandbox(image: str = DEFAULT_IMAGE, containers: int = 2, limits: Limits | None = None) -> Iterator[Sandbox]:
    """Yield a sandbox of up to `containers` warm containers, all removed at the end.

    `limits` hold for each execution. The first container is started here, so that a missing engine or image
    is known now; the others when they are first needed. Raises SandboxError.
    """
    import docker

    with engine_errors("the Docker engine did not answer"):
        client = docker.from_env(max_pool_size=2 * containers + 4)
        client.ping()
    pool = Pool(client, find_image(client, image), containers, limits or Limits())
    try:
        sweep(client)
        pool.start_one()
        yield pool
    finally:
        pool.close()
        client.close()


class Pool:
    """The sandbox that `open_sandbox` yields. A place is a user id and, once it was needed, a container."""

    def __init__(self, client: "DockerClient", image_digest: str, containers: int, limits: Limits) -> None:
        self._client = client
        self._image_digest = image_digest
        self._limits = limits
        self._labels = {OWNER_LABEL: f"{socket.gethostname()}/{os.getpid()}"}
        self._running: dict[int, Container] = {}
        # Last in, first out: a place that has a container is taken before one that has to start it.
        self._free: queue.LifoQueue[int] = queue.LifoQueue()
        for place in reversed(range(containers)):
            self._free.put(FIRST_UID + place)

    @property
    def image_digest(self) -> str:
        """The content digest of the image that programs run in."""
        return self._image_digest

    def run(self, executions: Sequence[Execution]) -> list[ExecutionResult]:
        """Run the executions of one candidate one after the other; one result each, in order.

        Waits for a free container. Raises SandboxError when the engine or two containers in turn failed.
        """
        place = self._free.get()
        try:
            return [self._run_one(place, execution) for execution in executions]
        finally:
            self._free.put(place)

    def start_one(self) -> None:
        """Start a container now; raises SandboxError."""
        place = self._free.get()
        try:
            self._container(place)
        finally:
            self._free.put(place)

    def close(self) -> None:
        """Remove every container."""
        for place in list(self._running):
            self._drop(place)

    def _run_one(self, place: int, execution: Execution) -> ExecutionResult:
        try:
            return self._try(place, execution)
        except SandboxError:
            return self._try(place, execution)

    def _try(self, place: int, execution: Execution) -> ExecutionResult:
        try:
            result, reusable = self._container(place).run(execution)
        except BaseException:
            # Whatever broke in, Ctrl-C too: an answer may be on its way, and the next one must not read it.
            self._drop(place)
            raise
        if not reusable:
            self._drop(place)
        return result

    def _container(self, place: int) -> Container:
        if place not in self._running:
            self._running[place] = Container(self._client, self._image_digest, place, self._limits, self._labels)
        return self._running[place]

    def _drop(self, place: int) -> None:
        if place in self._running:
            self._running.pop(place).remove()


def find_image(client: "DockerClient", image: str) -> str:
    """Return the content digest of a local image; raises SandboxError when it is not there."""
    from docker.errors import ImageNotFound

    with engine_errors(f"the sandbox image {image!r} could not be looked up"):
        try:
            return str(client.images.get(image).id)
        except ImageNotFound as error:
            raise SandboxError(
                f"the Docker engine has no image {image!r}",
                "build it: docker build -t cotfactory-sandbox graders/sandbox, or without a registry "
                "graders/sandbox/build_offline_image.sh",
            ) from error


def sweep(client: "DockerClient") -> None:
    """Remove containers whose owner on this machine is no longer alive (they stay when an engine crashed)."""
    with engine_errors("left-over sandbox containers could not be listed"):
        for container in client.containers.list(all=True, filters={"label": OWNER_LABEL}):
            host, _, pid = container.labels[OWNER_LABEL].rpartition("/")
            if host == socket.gethostname() and not is_alive(int(pid)):
                with suppress(Exception):
                    container.remove(force=True)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
