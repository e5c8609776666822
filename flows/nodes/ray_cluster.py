"""The one file that knows Ray: a cluster is found or started, and one actor asks on each of its nodes."""

import asyncio
import contextlib
import logging
import platform
import shutil
import tempfile
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


class _Actor:
    """What runs in the process of a node; its methods are called from the head."""

    def __init__(self, terms: NodeTerms) -> None:
        self._terms = terms
        self._node: AskingNode | None = None

    async def about(self) -> AboutNode:
        """Return which software this is."""
        return AboutNode(version("cotfactory"), code_id(), platform.python_version())

    async def begin(self) -> CotfactoryError | None:
        """Make ready to ask; an error of ours is returned, for Ray would wrap it."""
        try:
            self._node = await AskingNode(self._terms).__aenter__()
        except CotfactoryError as error:
            return error
        return None

    async def leave(self) -> None:
        """Close what was opened; nothing is left on the machine where nothing is left to be brought home."""
        if self._node is not None:
            await self._node.__aexit__(None, None, None)

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

    async def about(self) -> AboutNode:
        """Return which software it has."""
        about: AboutNode = await self._call(self._actor.about)
        return about

    async def begin(self) -> None:
        """Have it get ready to ask. Raises a CotfactoryError."""
        error: CotfactoryError | None = await self._call(self._actor.begin)
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


@asynccontextmanager
async def open_nodes(nodes: Nodes, terms: NodeTerms, say: Callable[[str], None]) -> AsyncIterator[list[Node]]:
    """Yield the nodes of a cluster, ready to ask; a private one lives as long as the context.

    Raises InputError where Ray is not installed, NodesError where there is no such cluster or its nodes have other
    software than this process.
    """
    refuse_without_ray()
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: the names of its sockets must fit
    opened: list[RayNode] = []
    try:
        await in_thread(lambda: _connect(nodes, folder, say))
        opened = await in_thread(lambda: _actors(nodes, terms))
        try:
            async with asyncio.timeout(START_S):
                await asyncio.gather(*(_begun(node) for node in opened))
        except (NodeGone, TimeoutError) as error:
            raise NodesError(
                f"A node did not get ready within {START_S:.0f} s: {error}", "see to the cluster: ray status"
            ) from error
        say(f"asking on {counted(len(opened), 'node')}: {', '.join(node.name for node in opened)}")
        yield list(opened)
    finally:
        await asyncio.gather(*(node.leave() for node in opened), return_exceptions=True)
        for node in opened:
            node.end()
        await in_thread(lambda: _disconnect(folder))


def refuse_without_ray() -> None:
    """Raise InputError where Ray is not installed."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise InputError(
            "--nodes and --processes need Ray, which is not installed", "pip install 'cotfactory[ray]'"
        ) from error


async def _begun(node: RayNode) -> None:
    about = await node.about()
    here = AboutNode(version("cotfactory"), code_id(), platform.python_version())
    if (about.version, about.code) != (here.version, here.code):
        raise NodesError(
            f"Node {node.name} has cotfactory {about.version} ({about.code[:8]}): expected {here.version} "
            f"({here.code[:8]}), as here",
            "install the same version and the same lock on all machines",
        )
    await node.begin()


def _connect(nodes: Nodes, folder: Path, say: Callable[[str], None]) -> None:
    """Connect to a cluster, or start one. Raises NodesError."""
    import ray
    import ray._private.worker

    # Ray does the same wherever it connects, but not in its client (ray://), which then waits in vain.
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

    # What becomes of its machines Ray writes to standard output, which is the command's; the head tells what it means.
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
    logging.getLogger("ray").setLevel(logging.ERROR)
    if nodes.address is None:
        say(f"starting Ray for {nodes.processes} processes of this machine")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    private = {
        "num_cpus": nodes.processes,
        "include_dashboard": False,
        "object_store_memory": STORE_BYTES,
        "_temp_dir": str(folder),
    }
    starts = 1 if nodes.is_remote else STARTS
    for attempt in range(1, starts + 1):
        try:
            if nodes.address is None:
                ray.init(address="local", **quiet, **private)
            else:
                maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
                with warnings.catch_warnings(action="ignore"):  # our error says it
                    ray.init(address=nodes.address, **quiet)
            return
        except Exception as error:  # Ray's own errors have no common base here
            if attempt == starts:
                raise _not_connected(nodes, error) from error
            say(f"Ray did not start, try {attempt + 1} of {starts} follows: {one_line(error)[:200]}")
            with contextlib.suppress(Exception):
                ray.shutdown()


def _not_connected(nodes: Nodes, error: Exception) -> NodesError:
    said = one_line(error)[:300]
    if nodes.address is None:
        return NodesError(f"Ray could not be started, after {STARTS} tries: {said}", "see to the machine's load")
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


def _actors(nodes: Nodes, terms: NodeTerms) -> list[RayNode]:
    """Start one actor on each node; in a private cluster one for each process."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    alive = sorted((node for node in ray.nodes() if node["Alive"]), key=lambda node: str(node["NodeManagerAddress"]))
    places = alive * nodes.processes if nodes.is_private else alive
    actor = ray.remote(_Actor)
    return [
        RayNode(
            f"{number} ({place['NodeManagerAddress']})",
            actor.options(
                num_cpus=0,
                max_concurrency=CALLS_AT_ONCE,
                scheduling_strategy=NodeAffinitySchedulingStrategy(place["NodeID"], soft=False),
            ).remote(terms),
        )
        for number, place in enumerate(places, 1)
    ]


def _disconnect(folder: Path) -> None:
    import ray

    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
