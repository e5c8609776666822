"""JournalReader: what a journal of the ledger holds, whatever cut it short: its chains as tables, and the books."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TypeVar, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.arrow_rows import no_rows, read_lines
from cotfactory.warehouse.ledger import JournalHeader
from cotfactory.warehouse.tables import BATCH_CHARACTERS, BATCH_ROWS, COLUMNS

CANDIDATES = pa.schema([column for column in COLUMNS["candidates"] if column[0] in Candidate.model_fields])
USAGE = [name for name, field in Usage.model_fields.items() if NoneType not in get_args(field.annotation)]
BILLED = {"billed?": True, "free": False}
"""Whether a sending that failed may have been billed, as a journal says it."""
Amount = TypeVar("Amount", int, float)
NEVER_NULL = [name for name, field in Candidate.model_fields.items() if NoneType not in get_args(field.annotation)]


@dataclass(frozen=True)
class JournalEntries:
    """What a journal holds: the ids that were bought, requests that were in flight, torn, foreign, contradicting lines.

    `unconfirmed_usd` and `unconfirmed_tokens` are the worst case of all sendings that may have been billed without
    a completion reaching us. Foreign lines are whole, but not ours to read: another version of the code wrote them.
    Contradicting ones say something else of an id than an earlier line.
    """

    header: JournalHeader
    bought: tuple[str, ...]
    in_flight: tuple[str, ...]
    unconfirmed_usd: float
    unconfirmed_tokens: int
    torn_lines: int
    foreign_lines: int
    contradicting_lines: int


def read_journal(path: Path) -> JournalEntries:
    """Read a journal for its books."""
    reader = JournalReader(path)
    for _ in reader.candidates():
        pass
    return reader.entries()


class JournalReader:
    """Reads one journal: `candidates` to their end, then `entries`. What cannot be read is counted, never guessed at.

    Without a readable header the recipe, run and shard are empty strings.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header = JournalHeader(recipe="", run_id="", shard="")
        self._bought: dict[str, int] = {}  # the CRC of the line that was taken
        self._sent: dict[str, tuple[float, int]] = {}  # without an outcome so far
        self._unconfirmed_usd, self._unconfirmed_tokens = 0.0, 0
        self._torn_lines = self._foreign_lines = self._contradicting_lines = 0

    def candidates(self) -> Iterator[pa.Table]:
        """Yield what was bought, some rows at a time, columns CANDIDATES; the first row of an id wins."""
        lines: list[bytes] = []
        size = 0
        for entry in self._whole_entries():
            kind, _, body = entry.partition(b" ")
            if kind != b"bought":
                self._note(kind, body)
                continue
            if not _is_candidate(body):
                self._foreign_lines += 1
                continue
            lines.append(body)
            size += len(body)
            if len(lines) == BATCH_ROWS or size >= BATCH_CHARACTERS:
                yield self._taken(lines)
                lines, size = [], 0
        if lines:
            yield self._taken(lines)

    def answers(self) -> Iterator[Candidate]:
        """Yield what was bought as records, one by one, the first of an id; what cannot be read is passed over."""
        seen: set[str] = set()
        for entry in self._whole_entries():
            kind, _, body = entry.partition(b" ")
            if kind != b"bought":
                continue
            try:
                candidate = Candidate.model_validate_json(body)
            except ValidationError:
                continue
            if candidate.candidate_id not in seen:
                seen.add(candidate.candidate_id)
                yield candidate

    def entries(self) -> JournalEntries:
        """Return the books; what is still without an outcome was in flight."""
        return JournalEntries(
            header=self.header,
            bought=tuple(self._bought),
            in_flight=tuple(self._sent),
            unconfirmed_usd=self._unconfirmed_usd + sum(usd for usd, _ in self._sent.values()),
            unconfirmed_tokens=self._unconfirmed_tokens + sum(tokens for _, tokens in self._sent.values()),
            torn_lines=self._torn_lines,
            foreign_lines=self._foreign_lines,
            contradicting_lines=self._contradicting_lines,
        )

    def _whole_entries(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            for line in file:
                if line == b"\n":
                    continue
                crc, _, entry = line[:-1].partition(b" ")
                if line.endswith(b"\n") and crc == b"%08x" % zlib.crc32(entry):
                    yield entry
                else:
                    self._torn_lines += 1

    def _note(self, kind: bytes, body: bytes) -> None:
        try:
            self._keep_books(kind, body.decode())
        except (ValidationError, ValueError):
            self._foreign_lines += 1

    def _keep_books(self, kind: bytes, body: str) -> None:
        """Raises ValueError for what this code does not write."""
        if kind == b"header":
            self.header = JournalHeader.model_validate_json(body)
        elif kind == b"intent":
            request, usd, tokens = body.split(" ")
            held_usd, held_tokens = self._sent.get(request, (0.0, 0))
            self._sent[request] = (held_usd + _amount(float(usd)), held_tokens + _amount(int(tokens)))
        elif kind == b"failed":
            request, billed = body.split(" ")
            if billed not in BILLED:
                raise ValueError(f"unknown outcome {billed!r}")
            worst_usd, worst_tokens = self._sent.pop(request, (0.0, 0))
            if BILLED[billed]:
                self._unconfirmed_usd += worst_usd
                self._unconfirmed_tokens += worst_tokens
        else:
            raise ValueError(f"unknown entry {kind!r}")

    def _taken(self, lines: list[bytes]) -> pa.Table:
        """Return these lines as a table, without repeats and without what another version wrote."""
        table = _readable(lines)
        if table is None:
            readable = [(line, found) for line in lines if (found := _readable([line])) is not None]
            self._foreign_lines += len(lines) - len(readable)
            lines = [line for line, _ in readable]
            table = pa.concat_tables([no_rows(CANDIDATES), *(found for _, found in readable)]).combine_chunks()
        fresh = []
        for number, candidate_id in enumerate(map(str, table["candidate_id"].to_pylist())):
            self._sent.pop(candidate_id, None)
            said = zlib.crc32(lines[number])
            if candidate_id not in self._bought:
                self._bought[candidate_id] = said
                fresh.append(number)
            elif self._bought[candidate_id] != said:
                self._contradicting_lines += 1
        if len(fresh) == len(table):
            return table
        return pa.concat_tables([no_rows(CANDIDATES), *(table.slice(number, 1) for number in fresh)])


def _is_candidate(body: bytes) -> bool:
    """Return whether a line can be read back as a Candidate; Arrow takes more, and dies of a bare `null`."""
    try:
        Candidate.model_validate_json(body)
    except ValidationError:
        return False
    return True


def _amount(value: Amount) -> Amount:
    if not 0 <= value < math.inf:
        raise ValueError(f"expected a finite amount, not {value!r}")
    return value


def _readable(lines: list[bytes]) -> pa.Table | None:
    """Return lines as a table, a row each; None when one of them is no candidate of this version."""
    try:
        table = read_lines(lines, CANDIDATES)
    except pa.ArrowInvalid:
        return None
    columns = [*(table[name] for name in NEVER_NULL), *(pc.struct_field(table["usage"], name) for name in USAGE)]
    return None if any(column.null_count for column in columns) else table
