"""A server on loopback that answers each request with the very bytes it is given, piece by piece."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
"""Of a body that ends with its connection."""
JSON_HEAD = HEAD.replace(b"text/event-stream", b"application/json")
RESET = object()
"""In place of a piece: the connection is reset."""
HANG = object()
"""In place of a piece: nothing more comes, and the connection stays open."""


def event(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: Any = None, finish_reason: Any = None, index: int = 0, **beside: Any) -> dict[str, Any]:
    """One event of a streamed answer; without a delta and a reason it has no choices."""
    choices = [{"index": index, "delta": delta or {}, "finish_reason": finish_reason}]
    has_choice = delta is not None or finish_reason is not None
    return {"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": choices * has_choice, **beside}


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def whole_stream(content: str = "It is 7.") -> bytes:
    said = b"".join(event(chunk({"content": sign})) for sign in content)
    return said + event(chunk(finish_reason="stop")) + event(chunk(usage=USAGE)) + DONE


class ByteServer:
    """What was asked, in order; the last script is played again for whoever asks more often."""

    def __init__(self, scripts: Sequence[Iterable[Any]]) -> None:
        self.scripts = scripts
        self.requests: list[dict[str, Any]] = []
        self.connections = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-len"))
                script = self.scripts[min(len(self.requests), len(self.scripts) - 1)]
                self.requests.append(json.loads(await reader.readexactly(length)))
                if not await self._play(script, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _play(self, script: Iterable[Any], writer: asyncio.StreamWriter) -> bool:
        """Send a script; return whether the connection stays open for another request."""
        sent = b""
        for piece in script:
            if piece is RESET:
                writer.transport.abort()
                return False
            if piece is HANG:
                await asyncio.sleep(60)
                return False
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
            sent += piece[:200] if len(sent) < 200 else b""
        return b"Connection: close" not in sent


@asynccontextmanager
async def playing(*scripts: Iterable[Any]) -> AsyncIterator[tuple[str, ByteServer]]:
    """Yield (base URL, server); each script is what one request is answered with, head and body."""
    server = ByteServer(scripts)
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", server
    finally:
        listening.close()
