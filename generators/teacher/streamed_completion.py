"""A chat completion that comes in pieces, joined into what the same endpoint would have sent at once.

Each event holds a `chat.completion.chunk`: pieces of the messages in `choices[].delta`, in the end why each ended, and
with or after that the usage. What is joined has the form of a plain reply, so that one reader reads both.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cotfactory.generators.teacher.completions import NOT_READABLE
from cotfactory.generators.teacher.event_stream import EventStream
from cotfactory.generators.teacher.reply_json import read_json

DONE = b"[DONE]"
UNREADABLE = (*NOT_READABLE, OverflowError, RecursionError)
END_PATIENCE_S = 1.0
"""How long a connection whose last event has come is given to end, so that the next request can use it."""
USAGE_PATIENCE_S = 10.0
"""How long the usage, or the end, of an answer is waited for that says that it is finished."""


class StreamedCompletion:
    """The events of one reply, as they come. What cannot be read as an event is an error of the endpoint's."""

    def __init__(self) -> None:
        self._events = EventStream()
        self._top: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._error: dict[str, Any] | None = None
        self._is_done = False

    def feed(self, block: bytes) -> None:
        """Add the events that the next bytes complete."""
        for data in self._events.feed(block):
            try:
                self._read(data)
            except UNREADABLE:
                said = data[:200].decode("utf-8", "replace")
                self._error = {"error": {"message": f"an event that is no piece of a chat completion: {said}"}}

    def finish(self) -> None:
        """Note that nothing more comes; of an event that was torn nothing counts."""
        with suppress(*UNREADABLE):
            for data in self._events.finish():
                self._read(data)

    @property
    def patience_s(self) -> float | None:
        """How long to wait for more of it; None: as long as the request may take."""
        if self._is_done or self._error is not None:
            return END_PATIENCE_S
        return USAGE_PATIENCE_S if self.is_whole else None

    @property
    def is_over(self) -> bool:
        """Whether nothing that follows would count."""
        return self._is_done or self._error is not None

    @property
    def is_whole(self) -> bool:
        """Whether the endpoint has said that it is done, with each choice or with all."""
        if self._is_done or self._error is not None:
            return True
        return bool(self._choices) and all(choice.finish_reason is not None for choice in self._choices.values())

    @property
    def has_text(self) -> bool:
        """Whether anything was said or thought yet."""
        return any(choice.has_text for choice in self._choices.values())

    def payload(self, cut: str | None = None) -> dict[str, Any]:
        """Return all of it as a plain reply would say it.

        `cut` is why it ends early, if it does: the finish reason of each choice that had begun and not ended. What was
        billed for it is then unknown, whatever an earlier event told.
        """
        if self._error is not None and not self.has_text:
            return self._error
        choices = [choice.payload(index, cut, self._error) for index, choice in sorted(self._choices.items())]
        if cut is not None:  # of several, some may not have begun
            choices = [choice for choice in choices if choice["finish_reason"] != cut or _holds_text(choice["message"])]
        told = {} if cut is not None or not self._usage else {"usage": self._usage}
        return {**self._top, "object": "chat.completion", "choices": choices, **told}

    def _read(self, data: bytes) -> None:
        """Add one event. Raises one of UNREADABLE."""
        if self.is_over:
            return
        if data.strip() == DONE:
            self._is_done = True
            return
        try:
            chunk = json.loads(data)
        except ValueError:
            if b"\n" not in data:
                chunk = read_json(data)
            else:
                for line in data.split(b"\n"):  # events without the blank lines between them
                    self._read(line)
                return
        self._add(chunk)

    def _add(self, chunk: Any) -> None:
        for name, value in chunk.items():
            if name == "choices":
                for choice in value or ():
                    self._choice(choice)
            elif name == "usage":
                self._learn_usage(value)
            elif name == "x_groq" and value:
                self._learn_usage(value.get("usage"))
            elif value is not None and name != "error":
                self._top[name] = value
        if chunk.get("error") or chunk.get("object") == "error":
            self._error = chunk
        elif "choices" not in chunk and ("message" in chunk or "detail" in chunk):  # `event: error`
            self._error = {"error": chunk}

    def _choice(self, said: Mapping[str, Any]) -> None:
        index = int(said.get("index") or 0)
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        choice.add(said)
        if "usage" in said:  # Moonshot
            self._learn_usage(said["usage"])

    def _learn_usage(self, said: Any) -> None:
        """Note what was billed; each part of it counts as it was told last."""
        if said:
            self._usage.update((name, value) for name, value in said.items() if value is not None)


class _Choice:
    """The pieces of one choice's message, by field."""

    def __init__(self) -> None:
        self.finish_reason: Any = None
        self._pieces: dict[str, list[Any]] = {}
        self._whole: dict[str, Any] = {}
        self._error: Any = None

    @property
    def has_text(self) -> bool:
        return _holds_text(self._pieces) or _holds_text(self._whole)

    def add(self, said: Mapping[str, Any]) -> None:
        delta = said.get("delta")
        if delta:
            for name, value in delta.items():
                if value is not None and value != "":
                    self._pieces.setdefault(name, []).append(value)
        if said.get("message"):  # the whole of it, at once or once more at the end
            self._whole.update((name, value) for name, value in said["message"].items() if value)
        elif said.get("text"):
            self._pieces.setdefault("content", []).append(said["text"])
        if said.get("finish_reason"):  # some send "" until there is one
            self.finish_reason = said["finish_reason"]
        if said.get("error"):
            self._error = said["error"]

    def payload(self, index: int, cut: str | None, stream_error: Any) -> dict[str, Any]:
        joined = {
            name: _joined_calls(pieces) if name == "tool_calls" else _joined(pieces)
            for name, pieces in self._pieces.items()
            if name != "role"
        }
        is_open = self.finish_reason is None
        error = self._error or (stream_error if is_open else None)
        return {
            "index": index,
            "message": {"role": "assistant", "content": "", **joined, **self._whole},
            "finish_reason": cut if is_open else self.finish_reason,
            **({"error": error} if error else {}),
        }


def _joined(pieces: list[Any]) -> Any:
    """Return the pieces of one field as one value: a text, or the list of typed parts that they are together."""
    if all(isinstance(piece, str) for piece in pieces):
        return _paired("".join(pieces))
    parts: list[Any] = []
    for piece in pieces:
        parts.extend(piece if isinstance(piece, list) else [piece])
    return parts


def _joined_calls(pieces: list[Any]) -> list[Any]:
    """Return the calls whose pieces came one by one, each with the place of its call (`index`)."""
    calls: dict[Any, dict[str, Any]] = {}
    for place, part in enumerate(_joined(pieces)):
        call = calls.setdefault(part.get("index", place), {"id": None, "function": {"name": "", "arguments": ""}})
        function = part.get("function") or {}
        call["id"] = part.get("id") or call["id"]
        call["function"]["name"] += function.get("name") or ""
        arguments = function.get("arguments") or ""
        call["function"]["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)
    return list(calls.values())


def _paired(text: str) -> str:
    r"""Return `text` with each sign whole whose two halves (`\ud83d`, `\ude00`) came in two pieces."""
    if text.isascii():
        return text
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _holds_text(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, Mapping):
        return any(name not in ("type", "role") and _holds_text(part) for name, part in value.items())
    return isinstance(value, list) and any(_holds_text(part) for part in value)
