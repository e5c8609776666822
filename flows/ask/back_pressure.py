"""BackPressure: how many problems of one teacher are open, so that its next shard is opened in time."""

import asyncio


class BackPressure:
    """How many problems of one teacher are open, so that its next shard is opened before places in flight fall free.

    A shard ends with its slowest answer: without the next one beside it, one request that hangs would idle all others.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._open = 0
        self._changed = asyncio.Event()

    def opened(self, problems: int) -> None:
        """Note the problems of a shard that starts."""
        self._open += problems
        self._changed.clear()

    def decided(self) -> None:
        """Note that a problem needs no further answer, or gets none."""
        self._open -= 1
        if self._open < self._enough:
            self._changed.set()

    async def wait(self) -> None:
        """Wait until there are too few open problems to keep all places taken."""
        if self._open >= self._enough:
            await self._changed.wait()
