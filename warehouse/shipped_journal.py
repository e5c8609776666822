"""A journal whose lines are sent on, byte for byte, to a ledger in another process: there alone they count.

A node asks and the head keeps the workspace. What the node writes is a buffer: it keeps its own file until all of it
has arrived, so that it can be brought home from a machine that was cut off.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import to_json

from cotfactory.schemas.candidate import Candidate
from cotfactory.warehouse.ledger import Journal, JournalHeader, discard


@dataclass(frozen=True)
class Piece:
    """Whole lines of the journal of one shard, without its header, in the order in which they were written."""

    shard: str
    lines: bytes


class Shipment:
    """What the journals of one node have written and not sent yet; `on_more` is called when there is something."""

    def __init__(self, on_more: Callable[[], None]) -> None:
        self._on_more = on_more
        self._lines: dict[str, list[bytes]] = {}
        self._written = self._taken = self._arrived = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def add(self, shard: str, lines: bytes) -> None:
        """Note lines that are to be sent."""
        self._lines.setdefault(shard, []).append(lines)
        self._written += 1
        self._on_more()

    async def next_arrival(self) -> None:
        """Wait until the head has taken in a report that is made from now on."""
        self._written += 1
        await self.all_there()

    def take(self) -> list[Piece]:
        """Return everything that was written since the last call."""
        lines, self._lines = self._lines, {}
        self._taken = self._written
        return [Piece(shard, b"".join(written)) for shard, written in lines.items()]

    def arrived(self) -> None:
        """Note that all that was taken is on the head's disk."""
        self._arrived = self._taken
        while self._waiting and self._waiting[0][0] <= self._arrived:
            waiter = self._waiting.popleft()[1]
            if not waiter.done():
                waiter.set_result(None)

    async def all_there(self) -> None:
        """Wait until everything that is written by now is on the head's disk."""
        if self._arrived == self._written:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._written, waiter))
        self._on_more()
        await waiter


class ShippedJournal(Journal):
    """The journal of one shard on a node."""

    _shipment: Shipment | None = None

    def __init__(self, folder: Path, header: JournalHeader, shipment: Shipment) -> None:
        super().__init__(folder, header)  # the header is not shipped: the head writes it itself
        self._shard, self._shipment = header.shard, shipment

    async def record_all(self, candidates: Sequence[Candidate]) -> None:
        """Write down what was bought; when this returns, it is on the head's disk."""
        self._append(b"bought", *map(to_json, candidates))
        assert self._shipment is not None
        await self._shipment.all_there()

    def arrived(self) -> None:
        """Close and remove the file, all of which the head has."""
        self.close()
        discard(self.path)

    def _write(self, lines: bytes) -> None:
        super()._write(lines)
        if self._shipment is not None:
            self._shipment.add(self._shard, lines)
