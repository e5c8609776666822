"""A pool of warm containers in which candidates' programs run.

How a program is held. Its container has no network, a read-only root, two small tmpfs, one CPU, limits on
memory and processes, no-new-privileges and no capabilities but SETUID, SETGID and KILL, which only the runner
can use. The runner forks a warm interpreter per execution; the child becomes a user of its own (no
capability, no environment, rlimits, a system-call filter on top of Docker's) before a byte of the program is
compiled.

One execution at a time per container, instead of namespaces for each: those take SYS_ADMIN inside the container, a
greater risk than what they keep apart, or user namespaces, which many hosts forbid. Alone in its container a program
can be ended completely: one signal reaches all that is not the runner or the init, whatever it forked or renamed.
That is also cheaper, and a container more for each CPU is all the parallelism there is to have.

Covered. An execution cannot read, signal, trace or starve the runner; cannot reach a network; cannot outlive
its limits (wall time, memory, processes, disk, output); leaves no process, file, queue or shared memory for
the next one, and finds no program, input or result of an earlier one in the memory it is forked from. It
never holds an expected value, another input or code that judges (a `Check` aside). A container that answers
late, dies, or cannot be cleaned is replaced, as is any after some thousand runs; what was running in it is run again,
and an engine that went away is waited for. Only when several containers in turn are lost, or the engine stays away,
is there a SandboxError, which says nothing about the program. Containers end by themselves when this process dies,
and what an engine's crash left is swept.

Not covered. The kernel is shared: this is not a wall against a kernel exploit, use a machine of its own for
programs of unknown origin. Executions at the same time compete for CPU, and a wall-clock limit feels that. A
`Check` runs the problem's test code within the candidate's reach (weak). A process that the kernel cannot kill
costs its container.
"""

import os
import queue
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cotfactory.graders.sandbox.container import FIRST_UID, Container, engine_errors
from cotfactory.graders.sandbox.execution import Execution, ExecutionLimits, ExecutionResult, Sandbox
from cotfactory.graders.sandbox.image import find_image
from cotfactory.graders.sandbox.owner import is_gone, owner_label
from cotfactory.schemas.errors import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_IMAGE = "cotfactory-sandbox:latest"
OWNER_LABEL = "cotfactory.sandbox.owner"
POOL_LABEL = "cotfactory.sandbox.pool"
TRIES = 3
"""How many containers one execution may lose before that is a SandboxError."""
PATIENCE_S = 120.0
"""How long an execution waits for an engine that went away."""
RECYCLE_AFTER = 5_000


@contextmanager
def open_sandbox(
    image: str = DEFAULT_IMAGE,
    containers: int | None = None,
    limits: ExecutionLimits | None = None,
    runtime: str | None = None,
    recycle_after: int = RECYCLE_AFTER,
    patience_s: float = PATIENCE_S,
) -> Iterator[Sandbox]:
    """Yield a sandbox that runs up to `containers` executions at a time, each in a container kept warm.

    None is one for each CPU. `limits` hold for each execution. `runtime` is the engine's runtime, `runsc` for gVisor;
    None is the engine's own default. A container is replaced after `recycle_after` runs. When the engine goes away
    during a run, an execution waits up to `patience_s` for it. The first container is started here, so that a missing
    engine, image or runtime is known now; the others when they are first needed. Raises SandboxError.
    """
    import docker

    containers = containers or len(os.sched_getaffinity(0))
    with engine_errors("the Docker engine did not answer"):
        client = docker.from_env(max_pool_size=2 * containers + 4)
        client.ping()
    options = {"runtime": runtime} if runtime else {}
    pool = _Pool(
        client, find_image(client, image), containers, limits or ExecutionLimits(), options, recycle_after, patience_s
    )
    try:
        _sweep(client)
        pool.start_one()
        yield pool
    finally:
        pool.close()
        client.close()


class _Pool:
    """The sandbox that `open_sandbox` yields.

    A place is a user id and, once it was needed, a container for each hash seed: they take turns.
    """

    def __init__(
        self,
        client: "DockerClient",
        image_digest: str,
        containers: int,
        limits: ExecutionLimits,
        options: dict[str, Any],
        recycle_after: int,
        patience_s: float,
    ) -> None:
        self._client = client
        self._image_digest = image_digest
        self._limits = limits
        self._name = secrets.token_hex(8)
        labels = {OWNER_LABEL: owner_label(os.getpid()), POOL_LABEL: self._name}
        self._options = {**options, "labels": labels}
        self._recycle_after = recycle_after
        self._patience_s = patience_s
        self._given_up = False
        self._closed = threading.Event()
        self._running: dict[tuple[int, int], Container] = {}
        # Last in, first out: a place that has a container is taken before one that has to start it.
        self._free: queue.LifoQueue[int] = queue.LifoQueue()
        for place in reversed(range(containers)):
            self._free.put(FIRST_UID + place)

    @property
    def image_digest(self) -> str:
        """The content digest of the image that programs run in."""
        return self._image_digest

    def run(self, executions: Sequence[Execution], hash_seed: int = 0) -> list[ExecutionResult]:
        """Run the executions of one candidate one after the other; one result each, in order.

        Waits for a free place. Raises SandboxError when an execution lost TRIES containers, or when the engine did
        not come back in time; then the next execution does not wait for it again.
        """
        place = self._free.get()
        try:
            return [self._insist(place, hash_seed, execution) for execution in executions]
        finally:
            self._free.put(place)

    def start_one(self) -> None:
        """Start a container now; raises SandboxError."""
        place = self._free.get()
        try:
            self._container(place, 0)
        finally:
            self._free.put(place)

    def close(self) -> None:
        """Remove every container, those too that could not be removed while the engine was away.

        Who still waits for the engine waits no longer.
        """
        self._closed.set()
        for place, hash_seed in list(self._running):
            self._drop(place, hash_seed)
        with suppress(Exception):
            for container in labelled(self._client, f"{POOL_LABEL}={self._name}"):
                with suppress(Exception):
                    container.remove(force=True)

    def _insist(self, place: int, hash_seed: int, execution: Execution) -> ExecutionResult:
        lost, deadline = 0, 0.0
        while True:
            try:
                container = self._container(place, hash_seed)
            except SandboxError:
                deadline = deadline or time.monotonic() + self._patience_s
                if self._given_up or time.monotonic() > deadline:
                    self._given_up = True
                    raise
                if self._closed.wait(min(1.0, self._patience_s / 10)):
                    raise
                continue
            self._given_up = False
            try:
                return self._run_in(container, place, hash_seed, execution)
            except SandboxError:
                lost += 1
                if lost == TRIES:
                    raise

    def _run_in(self, container: Container, place: int, hash_seed: int, execution: Execution) -> ExecutionResult:
        try:
            result, reusable = container.run(execution)
        except BaseException:
            # Whatever broke in, Ctrl-C too: an answer may be on its way, and the next one must not read it.
            self._drop(place, hash_seed)
            raise
        if not reusable or container.runs >= self._recycle_after:
            self._drop(place, hash_seed)
        return result

    def _container(self, place: int, hash_seed: int) -> Container:
        key = place, hash_seed
        if key not in self._running:
            options = {**self._options, "environment": {"PYTHONHASHSEED": str(hash_seed)}}
            self._running[key] = Container(self._client, self._image_digest, place, self._limits, options)
        return self._running[key]

    def _drop(self, place: int, hash_seed: int) -> None:
        if (place, hash_seed) in self._running:
            self._running.pop((place, hash_seed)).remove()


def _sweep(client: "DockerClient") -> None:
    """Remove containers whose owner on this machine is no longer alive (they stay when an engine crashed)."""
    with engine_errors("left-over sandbox containers could not be listed"):
        for container in labelled(client, OWNER_LABEL):
            if is_gone(container.labels[OWNER_LABEL]):
                with suppress(Exception):
                    container.remove(force=True)


def labelled(client: "DockerClient", label: str) -> list[Any]:
    """Return the containers with a label, running or not; one that goes meanwhile is left out."""
    return list(client.containers.list(all=True, filters={"label": label}, ignore_removed=True))
