"""Problem files that are small and stand for gigabytes, take quadratic time, or never come to an end."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cotfactory.generators.problems.file_source import LARGEST_ROW, read_rows
from cotfactory.generators.problems.hub_source import _answer, _compiled
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem_sources import HubSource

MEMORY = 1_000_000_000
"""Bytes that reading one may take."""
PEAK = """
import re, sys
from pathlib import Path
from cotfactory.generators.problems.file_source import read_rows
from cotfactory.schemas.errors import ProblemSourceError
try:
    print(sum(1 for _ in read_rows(Path(sys.argv[1]))), end=" ")
except ProblemSourceError as error:
    print(error, end=" ")
# ru_maxrss would begin with what the process that started us has.
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
"""


def reading(path: Path) -> tuple[str, int]:
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    said, _, peak = done.stdout.strip().rpartition(" ")
    return said, int(peak)


def test_a_line_of_a_gigabyte_in_a_megabyte(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "p.jsonl.gz", "wb", compresslevel=1) as file:
        for _ in range(8):
            file.write(b" " * (LARGEST_ROW // 4))
    said, peak = reading(tmp_path / "p.jsonl.gz")
    assert "Line 1 of p.jsonl.gz has more than 134,217,728 bytes" in said
    assert peak < MEMORY


def test_a_thousand_copies_of_a_megabyte_in_three_kilobytes(tmp_path: Path) -> None:
    text = pa.array(["x" * 1_000_000])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), text)
    pq.write_table(pa.table({"question": column}), tmp_path / "p.parquet", compression="zstd")
    assert (tmp_path / "p.parquet").stat().st_size < 10_000
    said, peak = reading(tmp_path / "p.parquet")
    assert said == "1000"
    assert peak < MEMORY


def test_a_key_twice_among_sixty_thousand(tmp_path: Path) -> None:
    keys = [*range(60_000), 59_999]
    (tmp_path / "p.jsonl").write_text("{" + ",".join(f'"k{key}": 1' for key in keys) + "}")
    with pytest.raises(ProblemSourceError, match="key 'k59999' is there twice"):
        list(read_rows(tmp_path / "p.jsonl"))


def test_a_pattern_without_an_end_is_given_up() -> None:
    source = HubSource.model_validate(
        {
            "source": "hub",
            "repo": "a/b",
            "revision": "main",
            "split": "train",
            "columns": {"question": "q", "answer": "a"},
            "answer_kind": "math",
            "answer_pattern": "((a|aa)+)$",
        }
    )
    pattern = _compiled(source.answer_pattern)
    assert _answer({"answer": "aaa"}, source, None, pattern, "row 0") == "aaa"
    with pytest.raises(ProblemSourceError, match="searched row 1 for more than 2 s"):
        _answer({"answer": "a" * 60 + "!"}, source, None, pattern, "row 1")


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000, '{"a": ' + "9" * 5_000 + "}", '{"a": 1e999}', '{"id": "\\ud800"}', json.dumps({"a": "\0"})],
)
def test_odd_lines_are_told_in_one_line_or_read(tmp_path: Path, line: str) -> None:
    (tmp_path / "p.jsonl").write_text(line)
    said, peak = reading(tmp_path / "p.jsonl")
    assert said == "1" or "line 1 of p.jsonl" in said
    assert "\n" not in said
    assert peak < MEMORY
