"""BackPressure: how many prompts of one teacher are open, so that its next shard is opened in time."""

import asyncio
from collections.abc import Iterable


class BackPressure:
    """Which prompts of one teacher are open, so that its next shard is opened before places in flight fall free.

    A shard ends with its slowest answer: without the next one beside it, one request that hangs would idle all others.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._open: set[str] = set()
        self._changed = asyncio.Event()

    def opened(self, prompts: Iterable[str]) -> None:
        """Note the prompts of a shard that starts, by their ids."""
        self._open.update(prompts)
        self._changed.clear()

    def decided(self, prompts: Iterable[str]) -> None:
        """Note prompts that need no further answer, or get none; some may have been noted before."""
        self._open.difference_update(prompts)
        if len(self._open) < self._enough:
            self._changed.set()

    async def wait(self) -> None:
        """Wait until there are too few open prompts to keep all places taken."""
        if len(self._open) >= self._enough:
            await self._changed.wait()
