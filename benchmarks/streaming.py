"""CPU of streamed answers beside plain ones in the same run: the same chains, asked, graded and sealed.

    python -m benchmarks.streaming [--candidates N] [--in-flight N] [--events N] [--gap-ms MS] [--rounds R]

Run by hand on a quiet machine. A server of its own, in a process of its own, answers with chains of 2 KB: plainly, or
as that many events with `gap-ms` between them, so that each is a segment of its own. Each way is a build in a fresh
process, in turns; the figures are medians over the rounds, without the server's CPU. A plain answer comes when the
last event of a streamed one would.
"""

import argparse
import asyncio
import json
import multiprocessing
import re
import socket
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import cast

ATTEMPTS = 4
CHAIN_CHARACTERS = 2_000
_QUESTION = re.compile(rb"What is (\d+) \+ (\d+)\?")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
USAGE = {"prompt_tokens": 40, "completion_tokens": 500, "total_tokens": 540}


def main() -> None:
    """Measure both ways in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=8_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--gap-ms", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with serving(options.events, options.gap_ms / 1000) as base_url:
        for _ in range(options.rounds):
            for stream, rounds in figures.items():
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
                    asked = fresh.submit(built, base_url, options.candidates, options.in_flight, stream)
                    rounds.append(asked.result())
    print(f"{options.candidates:,} chains in {options.events} events, {options.gap_ms:g} ms between them")
    plain_s, streamed_s = (statistics.median(cpu_s for cpu_s, _ in figures[stream]) for stream in (False, True))
    for name, cpu_s, stream in (("plain", plain_s, False), ("streamed", streamed_s, True)):
        rate = statistics.median(rate for _, rate in figures[stream])
        print(f"{name:10} {cpu_s:8.3f} CPU s/1,000 {rate:8.0f} chains/s {cpu_s / plain_s:6.2f} x plain")


def built(base_url: str, candidates: int, in_flight: int, stream: bool) -> tuple[float, float]:
    """Build a dataset; return CPU seconds per 1,000 chains and chains per second, from the first asked on."""
    import uvloop

    from benchmarks.teacher_engine import MeteredStages
    from cotfactory.flows.build import build
    from cotfactory.flows.load_recipe import load_recipe
    from cotfactory.flows.prepare import BuildRequest
    from cotfactory.flows.progress import TerminalProgress

    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        problems = [
            {"id": str(number), "question": f"What is {number} + {2 * number}?", "answer": str(3 * number), **KIND}
            for number in range(1, candidates // ATTEMPTS + 1)
        ]
        (here / "problems.jsonl").write_text("".join(f"{json.dumps(problem)}\n" for problem in problems))
        recipe = {
            "name": "streaming",
            "problems": [{"source": "file", "path": "problems.jsonl"}],
            "teachers": [
                {"name": "t", "model": "m", "base_url": base_url, "stream": stream,
                 "sampling": {"max_tokens": 2000}, "limits": {"concurrency": in_flight}}
            ],
            "attempts": ATTEMPTS,
            "release": {"license": "cc0-1.0"},
        }  # fmt: skip
        (here / "recipe.json").write_text(json.dumps(recipe))
        meter = MeteredStages()
        with TerminalProgress() as progress:
            request = BuildRequest(load_recipe(here / "recipe.json"), here / "workspace")
            summary = uvloop.run(build(request, meter, progress))
    assert summary.teacher_calls == candidates, summary
    assert summary.verdicts["correct"] == candidates, summary
    _, cpu_s, rate = meter.row("", "ask ", candidates)
    return cpu_s, rate


KIND = {"answer_kind": "math"}


class Answering(asyncio.Protocol):
    """One connection of the server: HTTP/1.1, one request after the other."""

    def __init__(self, events: int, gap_s: float) -> None:
        self._events, self._gap_s = events, gap_s
        self._left = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._left[:end])
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._left) < whole:
                return
            body, self._left = self._left[end + 4 : whole], self._left[whole:]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        asked = _QUESTION.search(body)
        if asked is None:
            self._transport.write(plain_reply(b'{"data": [{"id": "m"}]}'))
            return
        text = chain(int(asked[1]), int(asked[2]), json.loads(body).get("seed", 0))
        if b'"stream": true' in body:
            self._play(stream_reply(text, self._events))
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            reply = plain_reply(json.dumps({"id": "x", "model": "m", "choices": [choice], "usage": USAGE}).encode())
            later = self._gap_s * (self._events + 2)
            asyncio.get_running_loop().call_later(later, self._transport.write, reply)

    def _play(self, pieces: list[bytes]) -> None:
        for number, piece in enumerate(pieces):
            if self._gap_s:
                asyncio.get_running_loop().call_later(number * self._gap_s, self._transport.write, piece)
            else:
                self._transport.write(piece)


def chain(left: int, right: int, sample: int) -> str:
    """Return a chain of thought of 2 KB that no other sample shares, with the right answer at its end."""
    steps, length, number = [f"Let me add {left} and {right}, try {sample}."], 0, 0
    while length < CHAIN_CHARACTERS - 100:
        number += 1
        steps.append(f"Step {number}: {left + number} - {number} = {left}, so {left} + {right} stays {left + right}.")
        length += len(steps[-1]) + 1
    return "<think>\n" + "\n".join(steps) + f"\n</think>\nThe answer is \\boxed{{{left + right}}}."


def plain_reply(body: bytes) -> bytes:
    """Return a whole HTTP reply."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def stream_reply(text: str, events: int) -> list[bytes]:
    """Return the segments of a streamed reply: each event, then the usage with the end."""
    size = -(-len(text) // events)
    deltas = [{"content": text[start : start + size]} for start in range(0, len(text), size)]
    chunks: list[Mapping[str, object]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    ends: list[Mapping[str, object]] = [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": USAGE},
    ]
    sent = [http_chunk(b"data: %s\n\n" % event_of(part)) for part in chunks]
    last = b"".join(b"data: %s\n\n" % event_of(part) for part in ends) + b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head + sent[0], *sent[1:], http_chunk(last) + b"0\r\n\r\n"]


def event_of(part: Mapping[str, object]) -> bytes:
    """Return an event's data as servers send it."""
    return json.dumps(
        {"id": "chatcmpl-x", "object": "chat.completion.chunk", "created": 1, "model": "m", **part}
    ).encode()


def http_chunk(data: bytes) -> bytes:
    """Return data as one chunk of a body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def serve(listening: socket.socket, events: int, gap_s: float) -> None:
    """Answer for ever."""
    import uvloop

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Answering(events, gap_s), sock=listening)
        await server.serve_forever()

    uvloop.run(run())


@contextmanager
def serving(events: int, gap_s: float) -> Iterator[str]:
    """Yield the base URL of a running server."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        server = multiprocessing.Process(target=serve, args=(listening, events, gap_s), daemon=True)
        server.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
