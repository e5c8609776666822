"""The one file that knows Ray: a cluster is found or started once a run, and an actor asks on each of its nodes."""

import asyncio
import contextlib
import logging
import platform
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cotfactory.flows.host.code_id import code_id
from cotfactory.flows.host.interpreter import in_thread
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.nodes.link import Node, NodeGone, looked_at
from cotfactory.flows.nodes.messages import (
    AboutNode,
    NodeTerms,
    Orders,
    Report,
    ShardLease,
    ShardResult,
    TeacherTerms,
)
from cotfactory.flows.nodes.node import AskingNode
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import CotfactoryError, InputError, NodesError, one_line

STARTS = 3
"""Times that Ray is started: on a busy machine its processes miss each other's deadlines."""
STORE_BYTES = 80 << 20
"""Of shared memory: nothing large goes through it."""
START_S = 180.0
LEAVE_S = 5.0
CALLS_AT_ONCE = 1000
SAID = 300
"""Characters of what Ray says of a failure: the rest is about its own files."""


class _Actor:
    """What runs in the process of a node; its methods are called from the head."""

    def __init__(self) -> None:
        self._node: AskingNode | None = None

    async def about(self) -> AboutNode:
        """Return which software this is."""
        return AboutNode(version("cotfactory"), code_id(), platform.python_version())

    async def begin(self, terms: NodeTerms) -> CotfactoryError | None:
        """Make ready to ask; an error of ours is returned, for Ray would wrap it."""
        try:
            self._node = await AskingNode(terms).__aenter__()
        except CotfactoryError as error:
            return error
        return None

    async def leave(self) -> None:
        """Close what was opened; nothing is left on the machine where nothing is left to be brought home."""
        node, self._node = self._node, None
        if node is not None:
            await node.__aexit__(None, None, None)

    async def open(self, terms: TeacherTerms) -> CotfactoryError | None:
        """Open a teacher; an error of ours is returned as well."""
        assert self._node is not None
        try:
            await self._node.open(terms)
        except CotfactoryError as error:
            return error
        return None

    async def produce(self, lease: ShardLease) -> ShardResult:
        """Ask a shard."""
        assert self._node is not None
        return await self._node.produce(lease)

    async def exchange(self, orders: Orders) -> Report:
        """Take orders and report."""
        assert self._node is not None
        return await self._node.exchange(orders)


class RayNode:
    """A node that is a Ray actor, as the head calls it."""

    def __init__(self, name: str, actor: Any) -> None:
        self.name, self._actor = name, actor
        self.is_ended = self._is_known = False

    async def about(self) -> AboutNode:
        """Return which software it has."""
        about: AboutNode = await self._call(self._actor.about)
        return about

    async def begin(self, terms: NodeTerms) -> None:
        """Have it get ready to ask. Raises NodesError where it has other software than this process, or cannot."""
        if not self._is_known:
            about = await self.about()
            here = AboutNode(version("cotfactory"), code_id(), platform.python_version())
            if (about.version, about.code) != (here.version, here.code):
                raise NodesError(
                    f"Node {self.name} has cotfactory {about.version} ({about.code[:8]}): expected {here.version} "
                    f"({here.code[:8]}), as here",
                    "install the same version and the same lock on all machines",
                )
            self._is_known = True
        error: CotfactoryError | None = await self._call(self._actor.begin, terms)
        if error is not None:
            raise NodesError(f"Node {self.name}: {error.message}", error.hint)

    async def leave(self) -> None:
        """Have it close what it opened, for as long as that may take."""
        with contextlib.suppress(NodeGone, TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._call(self._actor.leave)

    async def open(self, terms: TeacherTerms) -> None:
        """Open a teacher on it. Raises a CotfactoryError."""
        error: CotfactoryError | None = await self._call(self._actor.open, terms)
        if error is not None:
            raise error

    async def produce(self, lease: ShardLease) -> ShardResult:
        """Have it ask a shard."""
        result: ShardResult = await self._call(self._actor.produce, lease)
        return result

    async def exchange(self, orders: Orders) -> Report:
        """Give orders and return its report."""
        report: Report = await self._call(self._actor.exchange, orders)
        return report

    def end(self) -> None:
        """Kill its process, if it can be reached."""
        import ray

        self.is_ended = True
        with contextlib.suppress(Exception):  # whatever Ray says of an actor that is gone already
            ray.kill(self._actor)

    async def _call(self, method: Any, *arguments: object) -> Any:
        from ray.exceptions import RayError, RayTaskError

        answer = asyncio.wrap_future(method.remote(*arguments).future())
        answer.add_done_callback(looked_at)
        try:
            return await asyncio.shield(answer)  # Ray's client cannot do with an answer that was cancelled
        except RayTaskError:
            raise  # a fault of the code that ran there
        except RayError as error:
            raise NodeGone(one_line(error)) from error


class RayCluster:
    """The nodes of a cluster, for one round of asking after the other."""

    def __init__(self, nodes: Nodes, say: Callable[[str], None]) -> None:
        self._chosen, self._say = nodes, say
        self._nodes: dict[tuple[str, int], RayNode] = {}

    @asynccontextmanager
    async def asking(self, terms: NodeTerms) -> AsyncIterator[list[Node]]:
        """Yield its nodes, ready to ask; who was lost in an earlier round has another process, if its machine is there.

        Raises NodesError where one does not get ready, or has other software than this process.
        """
        nodes = await in_thread(self._placed)
        try:
            try:
                async with asyncio.timeout(START_S):
                    await asyncio.gather(*(node.begin(terms) for node in nodes))
            except (NodeGone, TimeoutError) as error:
                raise NodesError(
                    f"A node did not get ready within {START_S:.0f} s: {error}", "see to the cluster: ray status"
                ) from error
            self._say(f"asking on {counted(len(nodes), 'node')}: {', '.join(node.name for node in nodes)}")
            yield list(nodes)
        finally:
            await asyncio.gather(*(node.leave() for node in nodes), return_exceptions=True)

    def end(self) -> None:
        """End the processes of all nodes."""
        for node in self._nodes.values():
            node.end()

    def _placed(self) -> list[RayNode]:
        """Return one node for each machine that is there, in a private cluster one for each process."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        alive = sorted(
            (machine for machine in ray.nodes() if machine["Alive"]), key=lambda node: str(node["NodeManagerAddress"])
        )
        actor = ray.remote(_Actor)
        placed: list[RayNode] = []
        for machine in alive:
            for process in range(max(1, self._chosen.processes)):
                place = str(machine["NodeID"]), process
                if place not in self._nodes or self._nodes[place].is_ended:
                    self._nodes[place] = RayNode(
                        f"{len(placed) + 1} ({machine['NodeManagerAddress']})",
                        actor.options(
                            num_cpus=0,
                            max_concurrency=CALLS_AT_ONCE,
                            scheduling_strategy=NodeAffinitySchedulingStrategy(place[0], soft=False),
                        ).remote(),
                    )
                placed.append(self._nodes[place])
        return placed


@asynccontextmanager
async def opened_cluster(nodes: Nodes, say: Callable[[str], None]) -> AsyncIterator[RayCluster]:
    """Yield a cluster; a private one is started, and lives as long as the context.

    Raises InputError where Ray is not installed, NodesError where there is no such cluster or it does not start.
    """
    refuse_without_ray()
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: the names of its sockets must fit
    cluster = RayCluster(nodes, say)
    try:
        disconnect = await in_thread(lambda: _connect(nodes, folder, say))
        _handle_signals_again()
        try:
            yield cluster
        finally:
            cluster.end()
            await in_thread(disconnect)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _handle_signals_again() -> None:
    """Have SIGTERM come to whoever handled it before Ray put itself first, to print where this process was."""
    handler = signal.getsignal(signal.SIGTERM)
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def refuse_without_ray() -> None:
    """Raise InputError where Ray is not installed."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise InputError(
            "--nodes and --processes need Ray, which is not installed", "pip install 'cotfactory[ray]'"
        ) from error


def _connect(nodes: Nodes, folder: Path, say: Callable[[str], None]) -> Callable[[], None]:
    """Connect to a cluster, or start one; return what ends the connection, and what was started. Raises NodesError."""
    import ray
    import ray._private.worker

    # Ray does the same wherever it connects, but not in its client (ray://), which then waits in vain.
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

    # What becomes of its machines Ray writes to standard output, which is the command's; the head tells what it means.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    logging.getLogger("ray").setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if nodes.address is None:
        return _started(nodes.processes, folder, quiet, say)
    starts = 1 if nodes.is_remote else STARTS
    for attempt in range(1, starts + 1):
        try:
            maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
            with warnings.catch_warnings(action="ignore"):  # our error says it
                ray.init(address=nodes.address, **quiet)
            end: Callable[[], None] = ray.shutdown
            return end
        except Exception as error:  # Ray's own errors have no common base here
            with contextlib.suppress(Exception):
                ray.shutdown()
            if attempt == starts:
                raise _not_connected(nodes, error) from error
            say(f"Ray did not answer, try {attempt + 1} of {starts} follows: {one_line(error)[:SAID]}")
    raise AssertionError


def _started(processes: int, folder: Path, quiet: dict[str, Any], say: Callable[[str], None]) -> Callable[[], None]:
    """Start a private cluster; see `_connect`. Ray's processes miss each other's deadlines on a busy machine."""
    for attempt in range(1, STARTS + 1):
        say(f"starting Ray for {counted(processes, 'process', 'processes')} of this machine, try {attempt} of {STARTS}")
        try:
            return _started_once(processes, folder, quiet)
        except Exception as error:  # Ray's own errors have no common base here
            if attempt == STARTS:
                raise NodesError(
                    f"Ray could not be started, after {STARTS} tries: {one_line(error)[:SAID]}",
                    "see to the machine's load and memory and run again, or run without --processes",
                ) from error
            say(f"Ray did not start: {one_line(error)[:SAID]}")
    raise AssertionError


def _started_once(processes: int, folder: Path, quiet: dict[str, Any]) -> Callable[[], None]:
    """Start what asks and no more: nobody looks at Ray's web server, at its logs or for more machines (1.9 CPU-s)."""
    import ray
    from ray._private.node import Node as Machine
    from ray._private.parameter import RayParams

    class Quiet(Machine):  # type: ignore[misc]
        """A machine without Ray's web server. Where its start fails nothing of it is left running."""

        def __init__(self, *arguments: object, **options: object) -> None:
            self.all_processes: dict[str, object] = {}
            try:
                super().__init__(*arguments, **options)
            except BaseException:
                self.kill_all_processes(check_alive=False, wait=True)
                raise

        def start_api_server(self, **_: object) -> None:
            self._webui_url = None

    wanted = RayParams(
        num_cpus=processes,
        object_store_memory=STORE_BYTES,
        temp_dir=str(folder),
        include_log_monitor=False,
        no_monitor=True,
    )
    machine = Quiet(wanted, head=True, shutdown_at_exit=False)

    def end() -> None:
        ray.shutdown()
        machine.kill_all_processes(check_alive=False, wait=True)

    try:
        ray.init(address=machine.address, **quiet)
    except BaseException:
        end()
        raise
    return end


def _not_connected(nodes: Nodes, error: Exception) -> NodesError:
    said = one_line(error)[:SAID]
    if nodes.is_remote:
        return NodesError(
            f"Nothing answers at {nodes.address}: {said}",
            "start the cluster (ray start --head), name the port of Ray's client there (10001 unless chosen), and have "
            "the head's token in ~/.ray/auth_token",
        )
    return NodesError(
        f"No Ray cluster was found on this machine: {said}",
        "start one (ray start --head), or have this machine belong to one (ray start --address HEAD:6379)",
    )
