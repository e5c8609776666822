"""`cotfactory serve` under load: server CPU a completion, waits beside algebra bombs, start to the first answer.

    python -m benchmarks.rewards RELEASE|PROBLEMS RECORDINGS [--completions N] [--in-flight N] [--bombs SHARE]

Run by hand on a quiet machine. The server is a process of its own that keeps every rollout in a temporary workspace;
its CPU is what the kernel says of it and of its workers, sealing included. RECORDINGS are completions of the problems,
as `cotfactory grade` takes them.
"""

import argparse
import asyncio
import gzip
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

BATCH = 64
WARM_UP = 256
SEAL_S = 5.0
BOMB_SIGN = r"\int_0^{1} \sin"
"""What a worker does not come to the end of; no two of the bombs are the same, so that none is remembered."""
Completion = tuple[str, str]


@dataclass(frozen=True)
class Server:
    """A running reward server, and how long it took from its start to its announcement."""

    url: str
    process_id: int
    started_s: float

    def cpu_s(self) -> float:
        """Return the CPU seconds, user and system, of the server and its descendants that are alive."""
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(sum(map(int, _stat(member)[11:13])) for member in family(self.process_id)) / ticks


def main() -> None:
    """Measure and print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what")
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--completions", type=int, default=5_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--bombs", type=float, default=0.01)
    parser.add_argument("--no-store", action="store_true")
    options = parser.parse_args()
    completions = _completions(options.recordings, options.completions)
    more = ["--no-store"] if options.no_store else []
    with serving(options.what, *more) as server:
        first_s = asyncio.run(_first_answer(server, completions[0]))
        print(f"start to first answer  {server.started_s + first_s:8.2f} s, {server.cpu_s():.2f} s of CPU")
        asyncio.run(_in_batches(server, completions[:WARM_UP], 1))
        time.sleep(SEAL_S + 1.5)  # what workers import when the server starts is no part of what a completion costs
        for name, in_batches in (("in batches of 64", True), ("singly", False)):
            before_s, began = server.cpu_s(), time.perf_counter()
            asyncio.run(_in_batches(server, completions, 4) if in_batches else _singly(server, completions, 16))
            wall_s = time.perf_counter() - began
            time.sleep(SEAL_S + 1.5)  # what was kept is sealed: that is part of it
            cost_us = (server.cpu_s() - before_s) / len(completions) * 1e6
            print(f"{name:22} {cost_us:8.0f} us CPU a completion, {len(completions) / wall_s:8.0f} a second")
        for share in (0.0, options.bombs):
            waits = asyncio.run(_singly(server, _with_bombs(completions, share), options.in_flight))
            for kind, seconds in waits.items():
                p50, p99 = _percentile(seconds, 50), _percentile(seconds, 99)
                print(f"{share:4.0%} bombs, {kind:11} {p50:8.3f} s p50 {p99:8.3f} s p99 {max(seconds):8.3f} s most")


@contextmanager
def serving(what: str, *options: str) -> Iterator[Server]:
    """Run `cotfactory serve` on a free port until the context ends."""
    with tempfile.TemporaryDirectory() as workspace:
        words = [sys.executable, "-m", "cotfactory", "serve", what, "--port", "0", "--workspace", workspace]
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            [*words, "--seal-every", str(SEAL_S), *options], stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            url = next(found[0] for line in process.stdout if (found := re.match(r"http://\S+", line)))
            yield Server(url, process.pid, time.perf_counter() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _completions(path: Path, count: int) -> list[Completion]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        rows = [json.loads(line) for line in file]
    wanted = [(row["problem_id"], row["response"]) for row in rows]
    return (wanted * (count // len(wanted) + 1))[:count]


def _with_bombs(completions: Sequence[Completion], share: float) -> list[Completion]:
    """Return the completions, every so many of them one that keeps an algebra worker busy."""
    every = round(1 / share) if share else len(completions) + 1
    return [
        (problem, _bomb(number) if number % every == every - 1 else text)
        for number, (problem, text) in enumerate(completions)
    ]


def _bomb(number: int) -> str:
    return rf"\boxed{{{BOMB_SIGN}(x^{{x^{{x}}}}) e^{{\cos(x^{{{number + 3}}})}} dx}}"


async def _first_answer(server: Server, completion: Completion) -> float:
    began = time.perf_counter()
    await _in_batches(server, [completion], 1)
    return time.perf_counter() - began


async def _in_batches(server: Server, completions: Sequence[Completion], in_flight: int) -> None:
    batches = iter([completions[start : start + BATCH] for start in range(0, len(completions), BATCH)])

    async def ask(session: aiohttp.ClientSession) -> None:
        for batch in batches:
            body = {"problem_ids": [problem for problem, _ in batch], "completions": [text for _, text in batch]}
            await _posted(session, f"{server.url}/rewards", body)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(ask(session) for _ in range(in_flight)))


async def _singly(server: Server, completions: Sequence[Completion], in_flight: int) -> dict[str, list[float]]:
    """Ask `/verify` for one at a time; return the seconds that each was waited for, bombs apart."""
    waits: dict[str, list[float]] = {}
    left = iter(completions)

    async def ask(session: aiohttp.ClientSession) -> None:
        for problem, text in left:
            output = [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
            began = time.perf_counter()
            await _posted(session, f"{server.url}/verify", {"problem_id": problem, "response": {"output": output}})
            kind = "the bombs" if BOMB_SIGN in text else "the others"
            waits.setdefault(kind, []).append(time.perf_counter() - began)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        await asyncio.gather(*(ask(session) for _ in range(in_flight)))
    return waits


async def _posted(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> None:
    async with session.post(url, json=body) as reply:
        text = await reply.text()
        if reply.status != 200:
            raise SystemExit(f"{url}: HTTP {reply.status}: {text[:300]}")


def _percentile(seconds: Sequence[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100)[percent - 1] if len(seconds) > 1 else seconds[0]


def family(process_id: int) -> dict[int, int]:
    """Return a process and its descendants that are alive, each with its parent."""
    parents = {int(path.name): int(_stat(int(path.name))[1]) for path in Path("/proc").glob("[0-9]*")}
    members = [process_id]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return {member: parents.get(member, 0) for member in members}


def _stat(process_id: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; what has ended meanwhile has used nothing."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ["Z", *["0"] * 20]


if __name__ == "__main__":
    main()
