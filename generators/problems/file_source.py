"""Problem files: JSONL, CSV (both also gzipped) and Parquet, one problem a row, read as a stream."""

import csv
import difflib
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path

from cotfactory.generators.problems.formats.benchmark_row import problem_fields
from cotfactory.generators.problems.row import FIELDS, did_you_mean, problem_from_row
from cotfactory.generators.problems.turns import conversation, turn_rows
from cotfactory.schemas.errors import ProblemSourceError
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import FileSource

Row = dict[str, object]
BATCH_ROWS = 50
"""Of a Parquet file, made plain at once: a few KB may stand for a thousand copies of one long text."""
LARGEST_ROW = 128 * 2**20
"""Bytes of one line, unpacked."""
"""How many Parquet rows are in memory at once."""


def load_file(source: FileSource, recipe_folder: Path) -> Iterator[Problem]:
    """Yield the problems of a file in its order, of at most `source.limit` rows; nothing behind is read.

    A row with `turns` is a conversation, one problem a turn (see `turns.py`).

    A relative path starts at `recipe_folder`. What a row leaves out is filled from the source: `license`,
    `domain`, `answer_kind`, and as `source` its `name` (default: the file's name). An extra field is left
    alone, unless it looks like a misspelt one (`licence`): then ignoring it would lose what it says. With a `format`
    rows are read as that data set has them; one without an id is `row-17`, counted from 0.

    Raises `ProblemSourceError`, with file and line (row in Parquet), for a file that cannot be read or holds
    no problem, a row that breaks the format, or an id that came before.
    """
    path = recipe_folder / source.path
    reader = _reader_of(path)
    first_seen: dict[str, int] = {}  # the number of the row; where that is can be read again
    try:
        for number, (where, written) in enumerate(islice(reader(path), source.limit)):
            row = _problem_row(written, source, where, f"row-{number}")
            rows = ((place, _filled(turn, source, path.name)) for place, turn in turn_rows(row, where))
            turns = [problem_from_row(turn, place) for place, turn in rows]
            name = turns[0].source_row_id
            if name in first_seen:
                earlier, _ = next(islice(reader(path), first_seen[name], None))
                raise ProblemSourceError(
                    f"Duplicate id {name!r} in {where}: it was used in "
                    f"{earlier}, expected an id of its own for each problem",
                    "rename or remove one of the two",
                )
            first_seen[name] = number
            yield from conversation(turns)
    except (OSError, EOFError, zlib.error) as error:
        raise ProblemSourceError(
            f"Cannot read problem file {path.resolve()}: {error}", "check the file and its permissions"
        ) from error
    if not first_seen:
        raise ProblemSourceError(
            f"Problem file {path.resolve()} holds no problem: expected at least one", "fill it, or fix `path`"
        )


def _filled(row: Row, source: FileSource, file_name: str) -> Row:
    """Return a row with what it leaves out and its source says."""
    given = {
        "source": source.name or file_name,
        "license": source.license,
        "domain": source.domain,
        "answer_kind": source.answer_kind,
    }
    filled = {**row, **{field: value for field, value in given.items() if row.get(field) in (None, "")}}
    if source.program is not None and filled.get("answer_kind") == "math":
        filled["program"] = source.program
    if source.text is not None and filled.get("answer_kind") == "text" and filled.get("text") in (None, ""):
        filled["text"] = source.text.model_dump()
    return filled


def _problem_row(written: Row, source: FileSource, where: str, place: str) -> Row:
    """Return a row as a problem file writes it."""
    if source.format is None:
        refuse_misspelt(written, where)
        return written
    from cotfactory.generators.problems.formats.formats import FORMATS  # a tenth of the start of a command

    return {"id": place, **problem_fields(written, FORMATS[source.format], source.format, where)}


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (where, row) of every row of a file, whatever its columns. Raises `ProblemSourceError`."""
    try:
        yield from _reader_of(path)(path)
    except (OSError, EOFError, zlib.error) as error:
        raise ProblemSourceError(
            f"Cannot read {path.resolve()}: {error}", "check the file and its permissions"
        ) from error


def _reader_of(path: Path) -> Callable[[Path], Iterator[tuple[str, Row]]]:
    """Return the reader for a path by its extension, having checked that the path is a file."""
    if path.is_dir():
        raise ProblemSourceError(
            f"Problem file {path.resolve()} is a folder: expected a file", "name one file per entry"
        )
    if not path.exists():
        raise ProblemSourceError(
            f"Problem file {path.resolve()} does not exist: expected a file there",
            "fix its path; in a recipe a relative one starts at the recipe's folder",
        )
    name = path.name.removesuffix(".gz").lower()
    for extension, reader in READERS.items():
        if name.endswith(extension) and (extension != ".parquet" or path.suffix != ".gz"):
            return reader
    raise ProblemSourceError(
        f"Unknown kind of problem file {path.name!r}: expected .jsonl, .jsonl.gz, .csv, .csv.gz or .parquet",
        "write the problems as JSONL, one JSON object a line",
    )


def _jsonl_rows(path: Path) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"line {number} of {path.name}"
        try:
            row = json.loads(line, object_pairs_hook=_object_without_repeats, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ProblemSourceError(
                f"Broken JSON in {where}: {error}; expected one JSON object, got {_start_of(line)}",
                "write one whole JSON object a line",
            ) from error
        if not isinstance(row, dict):
            raise ProblemSourceError(
                f"{where} is a JSON {type(row).__name__}: expected an object, got {_start_of(line)}",
                'write {"id": ..., "question": ..., "answer": ..., "answer_kind": ...}',
            )
        yield where, row


def _csv_rows(path: Path) -> Iterator[tuple[str, Row]]:
    reader = csv.reader(_lines(path), strict=True)
    header: list[str] | None = None
    start = 1
    try:
        for cells in reader:
            where = f"line {start} of {path.name}"
            start = reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = cells
                if len(set(header)) < len(header):
                    raise ProblemSourceError(
                        f"{where} names a column twice: expected each once, got {', '.join(header)}",
                        "rename one of the two columns",
                    )
                continue
            if len(cells) != len(header):
                raise ProblemSourceError(
                    f"{where} has {len(cells)} cells: expected {len(header)}, one for each column",
                    "quote cells that hold commas or line breaks",
                )
            yield where, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise ProblemSourceError(
            f"Broken CSV in line {reader.line_num} of {path.name}: {error}; expected comma-separated cells",
            "quote the cell, or write the problems as JSONL",
        ) from error


def _parquet_rows(path: Path) -> Iterator[tuple[str, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        number = 0
        for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number} of {path.name}", row
    except pa.ArrowException as error:
        raise ProblemSourceError(
            f"Cannot read {path.name} as Parquet: {error}", "write the file again, or as JSONL"
        ) from error


READERS = {".jsonl": _jsonl_rows, ".csv": _csv_rows, ".parquet": _parquet_rows}


def is_problem_file(name: str) -> bool:
    """Return whether a file of this name would be one of problems."""
    return name.lower().removesuffix(".gz").endswith(tuple(READERS))


"""File extension -> reader of (where, row). `.gz` may follow the first two."""


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 text file, with their ends; a byte order mark is not part of the first.

    Lines are split at line feeds alone: text may hold the other characters that Python calls line ends.
    """
    offset = 0
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        number = 0
        while raw := file.readline(LARGEST_ROW + 1):
            number += 1
            if len(raw) > LARGEST_ROW:
                raise ProblemSourceError(
                    f"Line {number} of {path.name} has more than {LARGEST_ROW:,} bytes: expected a problem",
                    "look at the file: a line so long is none that a person or a data set writes",
                )
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise ProblemSourceError(
                    f"{path.name} is not UTF-8: byte 0x{raw[error.start]:02x} at offset "
                    f"{offset + error.start}, in line {number}; expected UTF-8 text",
                    "save the file as UTF-8",
                ) from error
            offset += len(raw)
            yield line.removeprefix("\ufeff") if number == 1 else line


def refuse_misspelt(row: Mapping[str, object], where: str) -> None:
    """Raise when a field of the format is absent while an unknown one is nearly called so."""
    for name in row.keys() - set(FIELDS):
        meant = _nearly(name)
        if meant is not None and meant not in row:
            raise ProblemSourceError(
                f"Unknown field {name!r} in {where}: expected {', '.join(FIELDS)}",
                f"rename it{did_you_mean(name, FIELDS)}",
            )


@lru_cache(maxsize=1000)
def _nearly(name: str) -> str | None:
    near = difflib.get_close_matches(name.strip().lower(), FIELDS, n=1, cutoff=0.8)
    return near[0] if near else None


def _object_without_repeats(pairs: list[tuple[str, object]]) -> Row:
    """Return a JSON object, refusing a key that is there twice: which value was meant is unknown."""
    row = dict(pairs)
    if len(row) < len(pairs):
        key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"key {key!r} is there twice")
    return row


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _start_of(line: str) -> str:
    text = line.strip()
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
