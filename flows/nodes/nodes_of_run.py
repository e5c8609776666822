"""NodesOfRun: what a run asks on, found or started when something is first asked, and kept for all its rounds."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from cotfactory.flows.nodes.choice import Nodes

if TYPE_CHECKING:
    from cotfactory.flows.nodes.link import Node
    from cotfactory.flows.nodes.messages import NodeTerms
    from cotfactory.flows.nodes.ray_cluster import RayCluster


class NodesOfRun:
    """The cluster of one run; what is heard of it goes to `say`."""

    def __init__(self, chosen: Nodes, say: Callable[[str], None]) -> None:
        self._chosen, self._say = chosen, say
        self._stack = AsyncExitStack()
        self._cluster: RayCluster | None = None

    @asynccontextmanager
    async def asking(self, terms: "NodeTerms") -> "AsyncIterator[list[Node]]":
        """Yield the nodes, ready for one round of asking. Raises InputError without Ray, NodesError without nodes."""
        from cotfactory.flows.nodes import ray_cluster

        if self._cluster is None:
            opening = ray_cluster.opened_cluster(self._chosen, self._say)
            self._cluster = await self._stack.enter_async_context(opening)
        async with self._cluster.asking(terms) as nodes:
            yield nodes

    async def close(self) -> None:
        """End the cluster that was started, or the connection to it."""
        self._cluster = None
        await self._stack.aclose()
