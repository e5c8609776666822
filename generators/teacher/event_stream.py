"""Server-sent events out of bytes as they arrive: `data:` fields whole, whatever the network cut them into.

The form is the one of the HTML standard, read leniently: lines may end in LF, CRLF or CR, comments (`: keep-alive`) and
other fields are skipped, the last event may lack its blank line.
"""

import re

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:")
_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?+(?:[ \t\r\n]|:[^\r\n]*+[\r\n])*+")
"""Blank lines and comments, with which an endpoint keeps a connection alive."""
_LONGEST_FIELD = max(map(len, _FIELDS))


def beginning(body: bytes) -> bytes:
    """Return what follows the blank lines and comments before the body of a reply."""
    before = _BEFORE.match(body)
    return body[before.end() :] if before else body


def begins_stream(body: bytes) -> bool | None:
    """Return whether a `beginning` is one of a stream of events; None: more of it must be seen.

    >>> begins_stream(b'data: {"choices": []}'), begins_stream(b'{"choices": []}'), begins_stream(b"da")
    (True, False, None)
    """
    first = body[:_LONGEST_FIELD]
    if first.startswith(_FIELDS):
        return True
    if first.startswith(b":") or any(field.startswith(first) for field in (*_FIELDS, _BOM)):
        return None
    return False


class EventStream:
    """Feed it bytes, in any pieces, and it returns the data of the events that are complete."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._searched = 0
        self._held_cr = b""

    def feed(self, block: bytes) -> list[bytes]:
        """Return the data of each event that `block` completes, in order; what follows waits for the next block."""
        if not self._left and not self._held_cr and block.endswith(b"\n\n") and b"\r" not in block:
            return _data_of(block)
        self._left += self._with_line_feeds(block)
        end = self._left.rfind(b"\n\n", max(0, self._searched - 1))
        if end < 0:
            self._searched = len(self._left)
            return []
        complete = bytes(self._left[:end])
        del self._left[: end + 2]
        self._searched = len(self._left)
        return _data_of(complete)

    def finish(self) -> list[bytes]:
        """Return the data of what is left at the end: servers forget the last blank line."""
        complete, self._left = bytes(self._left), bytearray()
        return _data_of(complete)

    def _with_line_feeds(self, block: bytes) -> bytes:
        if not self._held_cr and b"\r" not in block:
            return block
        block = self._held_cr + block
        self._held_cr = b"\r" if block.endswith(b"\r") else b""  # a line feed may follow in the next block
        block = block[: len(block) - len(self._held_cr)]
        return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data_of(complete: bytes) -> list[bytes]:
    """Return the data of each of some complete events that has any."""
    found = []
    for event in complete.split(b"\n\n"):
        if event.startswith(b"data: ") and b"\n" not in event:
            found.append(event[6:])
        else:
            lines = [line for line in event.removeprefix(_BOM).split(b"\n") if line.startswith(b"data:")]
            if lines:
                found.append(b"\n".join(line[6:] if line.startswith(b"data: ") else line[5:] for line in lines))
    return found
