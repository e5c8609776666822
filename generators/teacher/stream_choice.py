"""StreamChoice: whether a teacher's answers are streamed, and what its endpoint taught us about it."""

import re
from collections.abc import Mapping
from typing import Literal

from cotfactory.schemas.teacher_spec import LONG_ANSWER_TOKENS

NOT_ABOUT_THE_REQUEST = frozenset({401, 402, 403, 429})
GATEWAY_TIMEOUTS = frozenset({504, 524})
_USAGE_KEY = re.compile(rb"stream_options|include_usage")
_STREAMING = re.compile(rb"\bstream(?:ed|ing|s)?\b", re.IGNORECASE)


class StreamChoice:
    """What is asked of one endpoint. `wanted` is the recipe's `stream`.

    `auto` asks plainly, long answers apart, until the endpoint says that it only streams, or a gateway has no more
    patience with its silence. An endpoint that does not stream is asked plainly, one that does not know
    `stream_options` without them.
    """

    def __init__(self, wanted: bool | Literal["auto"]) -> None:
        self._wanted = wanted
        self._refuses_plain = self._refuses_streams = False
        self._tells_usage = True

    def keys(self, body: Mapping[str, object]) -> dict[str, object]:
        """Return what is added to the body of a request."""
        if not self._is_streamed(body):
            return {}
        return {"stream": True, **({"stream_options": {"include_usage": True}} if self._tells_usage else {})}

    def refused(self, body: Mapping[str, object], sent: Mapping[str, object], status: int, said: bytes) -> bool:
        """Learn from a reply that is no success; return whether to ask at once in another way.

        `sent` are the `keys` that the request went out with: others may have learned something meanwhile.
        """
        if status in GATEWAY_TIMEOUTS:
            self._refuses_plain |= not sent
            return False  # it may be billed: whoever retries decides
        if not 400 <= status < 500 or status in NOT_ABOUT_THE_REQUEST:
            return False
        if "stream_options" in sent and _USAGE_KEY.search(said):
            self._tells_usage = False
        elif _STREAMING.search(said):
            self._refuses_plain |= not sent
            self._refuses_streams |= bool(sent)
        return self.keys(body) != sent

    def said_nothing(self) -> None:
        """Note that there was nothing in an answer: some that only stream answer so to a plain request."""
        self._refuses_plain = True

    def _is_streamed(self, body: Mapping[str, object]) -> bool:
        if isinstance(self._wanted, bool):
            return self._wanted
        if self._refuses_plain or self._refuses_streams:
            return self._refuses_plain and not self._refuses_streams
        most = body.get("max_tokens") or body.get("max_completion_tokens") or 0
        return isinstance(most, int) and most >= LONG_ANSWER_TOKENS
