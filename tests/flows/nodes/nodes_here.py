"""Nodes that are in this very process, with all that is said to and by them pickled; they can be lost at will."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.nodes.link import Node, NodeGone
from cotfactory.flows.nodes.messages import NodeTerms, Orders, Report, ShardLease, ShardResult, TeacherTerms
from cotfactory.flows.nodes.node import AskingNode
from cotfactory.warehouse.ledger import open_journals

T = TypeVar("T")


class NodeHere:
    """One node. It can be killed, as by SIGKILL, and stand still, as by SIGSTOP; `reports` are teachers it told of."""

    def __init__(self, name: str, node: AskingNode) -> None:
        self.name, self._node = name, node
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._runs = asyncio.Event()
        self._runs.set()
        self._calls: set[asyncio.Task[Any]] = set()
        self.exchanges = 0
        self.reports: set[str] = set()

    def journals(self) -> list[Path]:
        """Return the journals of shards that it asks, or asked when it was lost."""
        return open_journals(self._node.folder)

    async def open(self, terms: TeacherTerms) -> None:
        await self._call(self._node.open(sent(terms)))

    async def produce(self, lease: ShardLease) -> ShardResult:
        return sent(await self._call(self._node.produce(sent(lease))))

    async def exchange(self, orders: Orders) -> Report:
        self.exchanges += 1
        report = await self._call(self._node.exchange(sent(orders)))
        await self._runs.wait()
        self.reports.update(report.teachers)
        return sent(report)

    def end(self) -> None:
        self._runs.set()
        self.kill()

    def kill(self) -> None:
        """End it at once, with all that it does."""
        if not self._gone.done():
            self._gone.set_result(None)
        for call in self._calls:
            call.cancel()

    def kill_soon(self) -> None:
        """Kill it from another thread."""
        self._loop.call_soon_threadsafe(self.kill)

    def stand_still_soon(self) -> None:
        """Stop it from another thread; it goes on when the head has given it up."""
        self._loop.call_soon_threadsafe(self._runs.clear)

    async def _call(self, work: Awaitable[T]) -> T:
        call = asyncio.ensure_future(work)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        either = cast(list["asyncio.Future[Any]"], [call, self._gone])
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._gone.done():
            with suppress(BaseException):
                await call
            raise NodeGone("killed")
        return call.result()


def sent(message: T) -> T:
    return cast(T, pickle.loads(pickle.dumps(message)))


class ClusterHere:
    """What stands for a cluster: so many nodes of this process for each round, which `watch` is given."""

    def __init__(self, count: int, watch: Callable[[list[NodeHere]], None]) -> None:
        self._count, self._watch = count, watch

    @asynccontextmanager
    async def asking(self, terms: NodeTerms) -> AsyncIterator[list[Node]]:
        async with AsyncExitStack() as stack:
            asking = [await stack.enter_async_context(AskingNode(sent(terms))) for _ in range(self._count)]
            nodes = [NodeHere(str(number), node) for number, node in enumerate(asking)]
            self._watch(nodes)
            yield list(nodes)


def opening(
    count: int, watch: Callable[[list[NodeHere]], None] = lambda _: None
) -> Callable[..., AbstractAsyncContextManager[ClusterHere]]:
    """Return what stands for `opened_cluster`."""

    @asynccontextmanager
    async def opened_cluster(_: Nodes, say: Callable[[str], None]) -> AsyncIterator[ClusterHere]:
        say("a cluster is opened")
        yield ClusterHere(count, watch)
        say("the cluster is closed")

    return opened_cluster
