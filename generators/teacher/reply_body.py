"""The body of one reply as it arrives: bytes to be decoded, or the events of a streamed completion, joined at once.

Which of the two it is, is seen by its first bytes: endpoints stream unasked, answer whole when asked to stream, and
name the wrong content type.
"""

from typing import Any

import aiohttp

from cotfactory.generators.teacher.event_stream import beginning, begins_stream
from cotfactory.generators.teacher.streamed_completion import StreamedCompletion

MOST_UNDECIDED_BYTES = 2**16
CUT_TIMEOUT, CUT_SILENCE, CUT_CONNECTION = "cut_timeout", "cut_silence", "cut_connection"
"""Finish reasons of ours, for answers that ended early and are kept as far as they came."""


class ReplyTooLarge(Exception):
    """A reply of more than `most_bytes` bytes, decompressed."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(most_bytes)
        self.most_bytes = most_bytes


class ReplyBody:
    """Takes a reply's bytes in any pieces; `may_stream` is whether events are looked for among them."""

    def __init__(self, most_bytes: int, *, may_stream: bool) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._blocks: list[bytes] = []
        self._is_undecided = may_stream
        self._stream: StreamedCompletion | None = None

    def feed(self, block: bytes) -> None:
        """Take the next bytes. Raises ReplyTooLarge."""
        self._bytes += len(block)
        if self._bytes > self._most_bytes:
            raise ReplyTooLarge(self._most_bytes)
        if self._stream is not None:
            self._stream.feed(block)
            return
        self._blocks.append(block)
        if self._is_undecided:
            self._decide()

    @property
    def patience_s(self) -> float | None:
        """How long to wait for more of it; None: as long as the request may take."""
        return None if self._stream is None else self._stream.patience_s

    @property
    def is_over(self) -> bool:
        """Whether nothing that follows would count."""
        return self._stream is not None and self._stream.is_over

    def ended(self, error: Exception | None = None) -> tuple[bytes, Any]:
        """Return the bytes, or of a stream the completion that it adds up to, as a plain reply would say it.

        `error` is what ended it early, if something did: what had been said until then is kept. Raises it where nothing
        had been said, or where the bytes are a part of a plain reply.
        """
        if self._stream is None:
            if error is not None:
                raise error
            return b"".join(self._blocks), None
        self._stream.finish()
        if self._stream.is_whole:
            return b"", self._stream.payload()
        if not self._stream.has_text:
            raise error or aiohttp.ClientPayloadError("the stream ended before the answer")
        return b"", self._stream.payload(_cut_by(error))

    def _decide(self) -> None:
        start = beginning(b"".join(self._blocks))
        self._blocks = [start]
        is_stream = begins_stream(start)
        if is_stream is None and len(start) < MOST_UNDECIDED_BYTES:
            return
        self._is_undecided = False
        if is_stream:
            self._blocks, self._stream = [], StreamedCompletion()
            self._stream.feed(start)


def _cut_by(error: Exception | None) -> str:
    if isinstance(error, aiohttp.SocketTimeoutError):
        return CUT_SILENCE
    return CUT_TIMEOUT if isinstance(error, TimeoutError) else CUT_CONNECTION
