"""What a contract costs: CPU seconds and memory for a million rows of each product, beside reading the same files.

    python benchmarks/contracts.py [ROWS]

Every contract runs in a process of its own on shards of 100,000 rows whose chains have about a thousand characters;
`ratio` is its CPU time without the import of Great Expectations, which a release pays once for all of its products,
over that of decoding every column of the same files with pyarrow in the same run.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from cotfactory.data_contracts.check import check_contract  # noqa: E402
from cotfactory.data_contracts.contract import Demands, load_contract  # noqa: E402
from cotfactory.data_contracts.release_contract import RunCounts, check_release, load_release_contract, measure_release  # noqa: E402
from cotfactory.schemas.release_rules import Product, StopAbove  # noqa: E402
from cotfactory.schemas.rows import ROW_SCHEMAS  # noqa: E402
from tests.data_contracts.made_rows import GOOD_ROW  # noqa: E402

SHARD_ROWS, GROUP_ROWS = 100_000, 20_000
WORDS = 130
"""So many words to a chain: about a thousand characters."""


def long_row(product: Product, number: int, words: list[str], chance: random.Random) -> dict[str, Any]:
    """Return a good row with a chain of `WORDS` words in place of its short one."""
    thought = " ".join(chance.choices(words, k=WORDS))
    text = json.dumps(GOOD_ROW[product](number)).replace("Nine and nine.", thought)
    row: dict[str, Any] = json.loads(text)
    if product == "preference":
        row["chosen_chars"] = len(row["chosen"][0]["content"])
    return row


def write_files(product: Product, rows: int, folder: Path) -> list[Path]:
    """Write `rows` rows of a product as a release has them: zstd, row groups of 20,000, in order of their ids.

    Made once for a row group and written again under other ids; problems of `rl` say their id twice and are made anew.
    """
    chance = random.Random(1)  # noqa: S311
    words = [f"word{number}" for number in range(5_000)]
    schema, files = ROW_SCHEMAS[product], []

    def made(first: int) -> pa.Table:
        numbers = range(first, first + GROUP_ROWS)
        return pa.Table.from_pylist([long_row(product, number, words, chance) for number in numbers], schema)

    group = made(0)
    for start in range(0, rows, SHARD_ROWS):
        path = folder / f"train-{start:09d}.parquet"
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for first in range(start, min(rows, start + SHARD_ROWS), GROUP_ROWS):
                table = made(first) if product == "rl" else with_other_ids(group, f"{first:09d}-")
                writer.write_table(table)
        files.append(path)
    return files


def with_other_ids(table: pa.Table, prefix: str) -> pa.Table:
    """Return the same rows under other ids."""
    for position, name in enumerate(table.column_names):
        if name.endswith("_id") and name != "source_row_id":
            column = pa.array([f"{prefix}{old}" for old in table.column(name).to_pylist()], pa.string())
            table = table.set_column(position, table.field(position), column)
    return table


def read(files: list[Path]) -> float:
    """Decode every column of the files, batch by batch, and return the CPU seconds."""
    started = time.process_time()
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches():
            del batch
    return time.process_time() - started


def measure(product: str, files: list[Path], rows: int) -> dict[str, float]:
    """Run a contract in this process and return its cost; `release` is the contract of the whole."""
    started = time.process_time()
    import great_expectations  # noqa: F401

    import_s = time.process_time() - started
    if product == "release":
        by_product: dict[Product, list[Path]] = {}
        for path in files:
            by_product.setdefault(path.parent.name, []).append(path)  # type: ignore[arg-type]
        counts = RunCounts(funnel={}, verdicts={}, dropped={}, mutants_accepted=0, rows_before={})
        nothing = files[0].parents[1] / "none.parquet"
        pq.write_table(pa.table({"id": pa.array([], pa.string())}), nothing)
        numbers = measure_release(by_product, dict.fromkeys(by_product, rows), counts, StopAbove(), nothing)
        check_release(load_release_contract(), numbers)
    else:
        report = check_contract(load_contract(product), files, rows, Demands(require_reasoning=True))  # type: ignore[arg-type]
        assert report.passed, report.failures()
    return {
        "cpu_s": time.process_time() - started,
        "import_s": import_s,
        "peak_mb": peak_mb(),
    }


def peak_mb() -> float:
    """Return the most memory this process ever held; `ru_maxrss` would begin with its parent's."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(rows: int) -> None:
    """Print one line for each product and one for the whole release."""
    with TemporaryDirectory() as scratch:
        everything: list[Path] = []
        print(f"{rows:,} rows of each; bytes are those of the files")
        print(f"{'contract':28} {'MB':>6} {'CPU s':>7} {'of it import':>12} {'read s':>7} {'ratio':>6} {'peak MB':>8}")
        for name in [*ROW_SCHEMAS, "release"]:
            folder = Path(scratch) / name
            folder.mkdir()
            files = everything if name == "release" else write_files(name, rows, folder)  # type: ignore[arg-type]
            everything = [*everything, *files]
            read_s = read(files)
            arguments = [sys.executable, __file__, str(rows), name, *map(str, files)]
            told = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
            cost = json.loads(told.splitlines()[-1])
            size = sum(path.stat().st_size for path in files) / 1e6
            ratio = (cost["cpu_s"] - cost["import_s"]) / read_s
            print(
                f"{name:28} {size:6.0f} {cost['cpu_s']:7.1f} {cost['import_s']:12.1f} {read_s:7.1f} "
                f"{ratio:6.1f} {cost['peak_mb']:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(measure(sys.argv[2], [Path(path) for path in sys.argv[3:]], int(sys.argv[1]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
