"""CPU and chains per second of asking, writing down, grading and sealing, beside bare clients in the same run.

    COTFACTORY_SHARED=... python benchmarks/teacher_engine.py [--candidates N] [--in-flight N] [--latency-ms MS]
                                                              [--rounds R] [--ways ours openai aiohttp]

Run by hand on a quiet machine. Every way asks the load teacher for the same chains (about 2 KB each, one a call), each
in a fresh process, in turns; the figures are medians over the rounds. `openai` is the bare SDK with its aiohttp
transport, `aiohttp` a bare session that decodes the JSON: neither keeps anything. `ours` is a build with ledger, exact
grading and sealed Parquet tables: its first row is everything between the first chain asked for and the last one
sealed, with what of that is grading and sealing, then the run without curation and release, and the whole run from
loaded problems to release. CPU includes the threads and worker processes. Ratios alone can be compared between
machines and days.
"""

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from benchmarks.load_teacher import load_teacher, write_recipe
from cotfactory.flows.end_state import EndState
from cotfactory.flows.summary import RunSummary

WARM_UP = 1_000
T = TypeVar("T")
Row = tuple[str, float, float]
"""(way, CPU seconds per 1,000 chains, chains per second, 0 for what is only a part)"""
RELEASING = ("compare with the last release", "curate", "watch graders", "release")
"""The stages between the last chain that is sealed and the release."""


def main() -> None:
    """Measure all ways in turns and print a table."""
    options = parse_options()
    figures: dict[str, list[tuple[float, float]]] = {}
    with load_teacher(latency_ms=options.latency_ms) as teacher:
        for _ in range(options.rounds):
            for way in options.ways:
                # A process of its own, so that no way runs in another one's heap.
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
                    rows = fresh.submit(WAYS[way], teacher.base_url, options.candidates, options.in_flight).result()
                for name, cpu_s, rate in rows:
                    figures.setdefault(name, []).append((cpu_s, rate))
    print_table(figures, options)


def parse_options() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    return parser.parse_args()


def print_table(figures: dict[str, list[tuple[float, float]]], options: argparse.Namespace) -> None:
    """Print a row a way: CPU, rate, and their ratios to the bare clients and to what the latency allows."""
    medians = {
        name: (statistics.median(cpu_s for cpu_s, _ in rounds), statistics.median(rate for _, rate in rounds))
        for name, rounds in figures.items()
    }
    bound = options.in_flight / (options.latency_ms / 1000) if options.latency_ms else 0.0
    print(f"{options.candidates:,} chains, {options.in_flight} in flight, latency {options.latency_ms:g} ms")
    print(f"{'way':34} {'CPU s/1,000':>11} {'x openai':>9} {'x aiohttp':>9} {'chains/s':>9} {'of bound':>9}")
    for name, (cpu_s, rate) in medians.items():
        ratios = [f"{cpu_s / medians[base][0]:9.2f}" if base in medians else " " * 9 for base in ("openai", "aiohttp")]
        speed = f"{rate:9.0f}" + (f" {rate / bound:9.1%}" if bound else "") if rate else ""
        print(f"{name:34} {cpu_s:11.3f} {' '.join(ratios)} {speed}")


def messages(number: int) -> list[dict[str, str]]:
    """Return what a bare client asks: about as long as a rendered prompt."""
    text = f"Problem P{number:06d}. How many remain? Think step by step and put the final answer in \\boxed{{}}. "
    return [{"role": "user", "content": text * 3}]


def bare_openai(base_url: str, candidates: int, in_flight: int) -> list[Row]:
    """Ask with the bare SDK on its aiohttp transport."""
    import openai
    from httpx2 import Limits

    async def run() -> list[Row]:
        connections = Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
        http = openai.DefaultAioHttpClient(limits=connections)
        async with openai.AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0, http_client=http) as client:

            async def ask(number: int) -> None:
                reply = await client.chat.completions.create(
                    model="m",
                    messages=messages(number),  # type: ignore[arg-type]
                    temperature=0.7,
                    max_tokens=2000,
                    seed=number,
                )
                assert reply.choices[0].message.content

            return [await metered("openai", ask, candidates, in_flight)]

    return asyncio.run(run())


def bare_aiohttp(base_url: str, candidates: int, in_flight: int) -> list[Row]:
    """Ask with a bare aiohttp session."""
    import aiohttp

    async def run() -> list[Row]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

            async def ask(number: int) -> None:
                body = {"model": "m", "messages": messages(number), "temperature": 0.7, "max_tokens": 2000}
                async with session.post(f"{base_url}/chat/completions", json={**body, "seed": number}) as reply:
                    assert (await reply.json())["choices"][0]["message"]["content"]

            return [await metered("aiohttp", ask, candidates, in_flight)]

    return asyncio.run(run())


async def metered(name: str, ask: Callable[[int], Awaitable[None]], candidates: int, in_flight: int) -> Row:
    """Return the figures of asking `candidates` times, `in_flight` at a time, after a warm-up."""

    async def drive(count: int) -> None:
        numbers = iter(range(count))

        async def worker() -> None:
            for number in numbers:
                await ask(number)

        await asyncio.gather(*(worker() for _ in range(in_flight)))

    await drive(max(WARM_UP, in_flight))
    cpu_s, wall_s = cpu_seconds(), time.perf_counter()
    await drive(candidates)
    wall_s = time.perf_counter() - wall_s
    return name, (cpu_seconds() - cpu_s) / candidates * 1000, candidates / wall_s


def ours(base_url: str, candidates: int, in_flight: int) -> list[Row]:
    """Build a dataset with the project's own flow."""
    import uvloop

    from cotfactory.flows.ask import asking
    from cotfactory.flows.build import build
    from cotfactory.flows.load_recipe import load_recipe
    from cotfactory.flows.prepare import BuildRequest
    from cotfactory.flows.progress import TerminalProgress

    grading_s, sealing_s = metered_in(asking, "grade_promptly"), metered_in(asking, "seal_own_journal", "write_grades")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        recipe = load_recipe(write_recipe(here, base_url, candidates, concurrency=in_flight))
        meter = MeteredStages()
        request = BuildRequest(recipe, here / "workspace")
        with TerminalProgress() as progress:
            summary = uvloop.run(build(request, meter, progress))
    assert summary.teacher_calls == candidates, summary
    name, whole_s, rate = meter.row("ours: whole run", "", candidates)
    return [
        meter.row("ours: asked, graded, sealed", "ask ", candidates),
        ("ours:   of that grading", sum(grading_s) / candidates * 1000, 0.0),
        ("ours:   of that sealing", sum(sealing_s) / candidates * 1000, 0.0),
        ("ours: without curation and release", whole_s - meter.cpu_s(RELEASING) / candidates * 1000, 0.0),
        (name, whole_s, rate),
    ]


def metered_in(module: ModuleType, *names: str) -> list[float]:
    """Have functions that `module` calls note the CPU seconds that each call takes of its thread, in this list."""
    taken_s: list[float] = []

    def metered_call(work: Callable[..., T], *arguments: object) -> T:
        start = time.thread_time()
        try:
            return work(*arguments)
        finally:
            taken_s.append(time.thread_time() - start)

    for name in names:
        setattr(module, name, partial(metered_call, getattr(module, name)))
    return taken_s


@dataclass
class MeteredStages:
    """Runs every stage as it is, and notes the CPU and wall seconds at its start and end."""

    stages: list[tuple[str, tuple[float, float], tuple[float, float]]] = field(default_factory=list)

    async def run(self, name: str, stage: Callable[[], Awaitable[T]]) -> T:
        """Run one stage."""
        start = (cpu_seconds(), time.perf_counter())
        try:
            return await stage()
        finally:
            self.stages.append((name, start, (cpu_seconds(), time.perf_counter())))

    async def show(self, summary: RunSummary, ended: EndState, contract: str) -> None:
        """Show nothing."""

    def cpu_s(self, stages: Sequence[str]) -> float:
        """Return the CPU seconds of the stages with these names."""
        return sum(end[0] - start[0] for stage, start, end in self.stages if stage in stages)

    def row(self, name: str, stages: str, candidates: int) -> Row:
        """Return the figures from the first start to the last end of the stages whose names begin with `stages`."""
        times = [(start, end) for stage, start, end in self.stages if stage.startswith(stages)]
        first, last = min(start for start, _ in times), max(end for _, end in times)
        return name, (last[0] - first[0]) / candidates * 1000, candidates / (last[1] - first[1])


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


WAYS: dict[str, Callable[[str, int, int], list[Row]]] = {"ours": ours, "openai": bare_openai, "aiohttp": bare_aiohttp}


if __name__ == "__main__":
    main()
