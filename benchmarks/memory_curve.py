"""The memory of a run over its whole length: main process, process tree, and where in the run the peaks are.

    python benchmarks/memory_curve.py WORKSPACE CANDIDATES -- run recipe.yaml --direct [more of cotfactory's options]

Run by hand. Starts `cotfactory` with the words after `--`, in WORKSPACE, and reads /proc once a second until it ends:
resident memory of the main process and of all its descendants together (pages that two of them share count twice), and
the tree's proportional set size (they count once). How far the run is is read off the candidates table, whose files
appear shard by shard: CANDIDATES is how many there will be. Prints, with the stages' own lines, the curve at 2, 26, 51,
75 and 100 % of the candidates, the growth after the first quarter, and for each stage its peaks and its CPU seconds.
"""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

STAGE = re.compile(r"^([a-z][a-z ]+?) {2,}")
MARKS = (0.02, 0.26, 0.51, 0.75, 1.0)
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20


@dataclass(frozen=True)
class Sample:
    """One reading: seconds since the start, stage, share of the candidates that are sealed, CPU seconds, and MiB."""

    seconds: float
    stage: str
    share: float
    cpu_s: float
    main_mib: float
    tree_mib: float
    tree_pss_mib: float


class SealedRows:
    """Counts the rows of the candidates table; a file is opened once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, int] = {}

    def count(self) -> int:
        """Return how many rows are sealed now."""
        for path in self._folder.glob("*.parquet"):
            if path.name not in self._rows:
                self._rows[path.name] = pq.read_metadata(path).num_rows
        return sum(self._rows.values())


def main() -> None:
    """Run cotfactory, watch it, print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("candidates", type=int)
    parser.add_argument("words", nargs="+", help="what cotfactory is started with")
    parser.add_argument("--every-s", type=float, default=1.0)
    options = parser.parse_args()
    command = [str(Path(sys.executable).with_name("cotfactory")), *options.words]
    started = time.monotonic()
    # A pipe is no terminal: the stages say when they begin and end, one line each.
    with subprocess.Popen(  # noqa: S603
        [*command, "--workspace", str(options.workspace)], stderr=subprocess.PIPE, text=True
    ) as process:
        told: list[tuple[float, str]] = []
        reader = threading.Thread(target=follow, args=(process, started, told))
        reader.start()
        sealed = SealedRows(options.workspace / "tables" / "candidates")
        samples: list[Sample] = []
        while process.poll() is None:
            share = min(1.0, sealed.count() / options.candidates)
            samples.extend(read(process.pid, time.monotonic() - started, share))
            time.sleep(options.every_s)
        reader.join()
    samples = [replace(sample, stage=stage_at(sample.seconds, told)) for sample in samples]
    print_curve(samples, options.candidates)
    print_stages(samples, options.candidates)
    sys.exit(process.returncode)


def follow(process: "subprocess.Popen[str]", started: float, told: list[tuple[float, str]]) -> None:
    """Pass on what the run says, and note when it told of which stage: at times, and when the stage ends."""
    for line in process.stderr or ():
        print(line, end="", file=sys.stderr, flush=True)
        if found := STAGE.match(line):
            told.append((time.monotonic() - started, found[1]))


def stage_at(seconds: float, told: list[tuple[float, str]]) -> str:
    """Return the stage that was told of next."""
    return next((stage for at, stage in told if at >= seconds), "end")


def read(pid: int, seconds: float, share: float) -> Iterator[Sample]:
    """Yield one sample of a process and its descendants; none when it is gone."""
    tree = descendants(pid)
    try:
        main_rss = rss(pid)
        cpu = sum(cpu_ticks(process, reaped=process == pid) for process in tree) / TICKS
        yield Sample(seconds, "", share, cpu, main_rss / MIB, sum(map(rss, tree)) / MIB, sum(map(pss, tree)) / MIB)
    except (OSError, ValueError, IndexError):
        return


def descendants(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(fields(path)[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    tree = [pid]
    for parent in tree:
        tree.extend(children.get(parent, ()))
    return tree


def fields(path: Path) -> list[str]:
    """Return the fields of a stat file behind the name, which may hold anything: state, parent, ..."""
    return path.read_text("utf-8", "replace").rpartition(") ")[2].split()


def cpu_ticks(pid: int, *, reaped: bool) -> int:
    """Return the CPU ticks of a process, with those of the children it has waited for if asked."""
    try:
        stat = fields(Path(f"/proc/{pid}/stat"))
    except OSError:
        return 0
    return sum(map(int, stat[11 : 15 if reaped else 13]))


def rss(pid: int) -> int:
    """Return the resident bytes of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE
    except OSError:
        return 0


def pss(pid: int) -> int:
    """Return the proportional set size of a process in bytes; 0 when it is gone."""
    try:
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def print_curve(samples: list[Sample], candidates: int) -> None:
    """Print the memory at some shares of the candidates, while they are asked for, and the growth from 26 % on."""
    asking = [sample for sample in samples if sample.stage == "ask and grade"]
    print(f"\n{'sealed':>10} {'of all':>7} {'seconds':>8} {'main':>8} {'tree':>8} {'tree PSS':>9}  (MiB)")
    curve = [next((each for each in asking if each.share >= mark), asking[-1]) for mark in MARKS if asking]
    for sample in curve:
        print(
            f"{sample.share * candidates:10.0f} {sample.share:7.1%} {sample.seconds:8.0f} "
            f"{sample.main_mib:8.0f} {sample.tree_mib:8.0f} {sample.tree_pss_mib:9.0f}"
        )
    quarter = [sample for sample in asking if sample.share >= 0.25]
    if quarter:
        for name in ("main_mib", "tree_mib", "tree_pss_mib"):
            first = [getattr(sample, name) for sample in asking if sample.share < 0.25] or [getattr(quarter[0], name)]
            later = max(getattr(sample, name) for sample in quarter)
            print(f"growth of the peak after the first quarter, {name}: {later / max(first) - 1:+.1%}")


def print_stages(samples: list[Sample], candidates: int) -> None:
    """Print each stage's peaks and its CPU."""
    print("\nstage                     seconds    CPU s per 1,000     main     tree  tree PSS  (peak MiB)")
    stages = list(dict.fromkeys(sample.stage for sample in samples))
    before = (0.0, 0.0)
    for stage in stages:
        those = [sample for sample in samples if sample.stage == stage]
        cpu = those[-1].cpu_s - before[1]
        print(
            f"{stage:<24} {those[-1].seconds - before[0]:8.1f} {cpu:8.1f} {cpu / candidates * 1000:9.3f} "
            f"{max(sample.main_mib for sample in those):8.0f} {max(sample.tree_mib for sample in those):8.0f} "
            f"{max(sample.tree_pss_mib for sample in those):9.0f}"
        )
        before = (those[-1].seconds, those[-1].cpu_s)
    print(
        f"{'whole':<24} {before[0]:8.1f} {before[1]:8.1f} {before[1] / candidates * 1000:9.3f} "
        f"{max(sample.main_mib for sample in samples):8.0f} {max(sample.tree_mib for sample in samples):8.0f} "
        f"{max(sample.tree_pss_mib for sample in samples):9.0f}"
    )


if __name__ == "__main__":
    main()
