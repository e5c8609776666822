"""InFlight: the requests of one teacher that a run which is told to stop still waits for."""

import asyncio


class InFlight:
    """Which requests of one teacher are on their way, or answered and not yet written down.

    Those that wait for their turn or for another try are not among them, nor those of batches, which outlive the run.
    """

    def __init__(self) -> None:
        self._requests: set[str] = set()
        self._none = asyncio.Event()
        self._none.set()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._requests)

    def sent(self, request_id: str) -> None:
        """Note that a request goes out."""
        self._requests.add(request_id)
        self._none.clear()

    def over(self, request_id: str) -> None:
        """Note that an answer is written down, or that there is none."""
        self._requests.discard(request_id)
        if not self._requests:
            self._none.set()

    async def none_left(self) -> None:
        """Wait until there are none."""
        await self._none.wait()
