"""What was paid for: written before use, never paid twice, survives kill -9.

One append-only journal per open shard, `ledger/SHARD-RUN.journal`, one entry a line:

    CRC32 KIND BODY        e.g.  1c291ca3 intent 9f86d081884c7d659a2feaa0c55ad015

`header` (recipe and run) comes first, `intent` (request id) before a request is sent, `bought` (a Purchase
as JSON) when its completion has arrived, `failed` (request id) when it will not. An entry is handed to the kernel
at once, so a killed process loses nothing, and a group `fdatasync` follows within milliseconds, so neither does a
power cut. A line with a wrong CRC is a torn write: it is skipped and counted. An intent without an outcome was in
flight when the run died: it may have been billed, and is counted too.
"""

import asyncio
import errno
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import WorkspaceError
from schemas.purchase import Purchase
from schemas.record import Record

GROUP_SYNC_S = 0.01
BALLAST_BYTES = 32 * 2**20


class JournalHeader(Record):
    """For which recipe and run a journal was opened, and its shard."""

    recipe: str
    run_id: str
    shard: str


@dataclass(frozen=True)
class JournalEntries:
    """What a journal holds: purchases without repeats, requests that were in flight, torn lines."""

    header: JournalHeader
    purchases: tuple[Purchase, ...]
    in_flight: tuple[str, ...]
    torn_lines: int


class Journal:
    """The open journal of one shard. Use `close` when the shard is done; `seal` turns it into a table."""

    def __init__(self, folder: Path, header: JournalHeader) -> None:
        self.path = folder / f"{header.shard}-{header.run_id}.journal"
        self.full = False
        self._ballast = folder / f"{header.shard}-{header.run_id}.ballast"
        self._sync: asyncio.Task[None] | None = None
        try:
            _reserve(self._ballast)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            self._ballast.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from error
        self._append("header", header.model_dump_json())

    def intend(self, request_id: str) -> None:
        """Write down that a request is about to be sent."""
        self._append("intent", request_id)

    def give_up(self, request_id: str) -> None:
        """Write down that a request has failed for good in this run."""
        self._append("failed", request_id)

    async def record(self, purchase: Purchase) -> None:
        """Write down a purchase; when this returns, it is on disk.

        When the disk is full the reserved ballast is given up to hold what is in flight, and `full` is
        set: nothing more may be sent. Raises WorkspaceError when even that does not suffice.
        """
        self._append("bought", purchase.model_dump_json())
        if self._sync is None:
            self._sync = asyncio.create_task(self._sync_group())
        await asyncio.shield(self._sync)

    def close(self) -> None:
        """Close the file; what it holds is on disk."""
        os.fsync(self._file)
        os.close(self._file)
        self._ballast.unlink(missing_ok=True)

    async def _sync_group(self) -> None:
        await asyncio.sleep(GROUP_SYNC_S)
        self._sync = None  # whoever writes from here on may miss this fdatasync, and starts the next
        await asyncio.to_thread(os.fdatasync, self._file)

    def _append(self, kind: str, body: str) -> None:
        entry = f"{kind} {body}".encode("utf-8", "backslashreplace")
        line = memoryview(b"%08x %s\n" % (zlib.crc32(entry), entry))
        while line:
            try:
                line = line[os.write(self._file, line) :]
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or self.full:
                    raise _unwritable(self.path, error) from error
                self.full = True
                self._ballast.unlink(missing_ok=True)


def open_journals(folder: Path) -> list[Path]:
    """Return the journals that runs left open, oldest name first."""
    return sorted(folder.glob("*.journal"))


def discard(journal: Path) -> None:
    """Remove a journal whose purchases are sealed, and its ballast."""
    journal.with_suffix(".ballast").unlink(missing_ok=True)
    journal.unlink(missing_ok=True)


def read_journal(path: Path) -> JournalEntries | None:
    """Read a journal; None when not even its header was written.

    The first purchase of an id wins. A torn or foreign line is counted, never guessed at.
    """
    header: JournalHeader | None = None
    purchases: dict[str, Purchase] = {}
    intents: dict[str, None] = {}  # in order, and without an outcome so far
    torn = 0
    for kind, body in _entries(path):
        try:
            if kind == "header":
                header = JournalHeader.model_validate_json(body)
            elif kind == "intent":
                intents[body] = None
            elif kind == "bought":
                purchase = Purchase.model_validate_json(body)
                purchases.setdefault(purchase.candidate_id, purchase)
                intents.pop(purchase.candidate_id, None)
            elif kind == "failed":
                intents.pop(body, None)
            else:
                torn += 1
        except ValidationError:
            torn += 1
    if header is None:
        return None
    return JournalEntries(header, tuple(purchases.values()), tuple(intents), torn)


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (kind, body) of every line; kind is `torn` where the CRC does not fit."""
    with path.open("rb") as file:
        for line in file:
            crc, _, entry = line.rstrip(b"\n").partition(b" ")
            if not line.endswith(b"\n") or crc != b"%08x" % zlib.crc32(entry):
                yield "torn", ""
                continue
            kind, _, body = entry.decode("utf-8").partition(" ")
            yield kind, body


def _reserve(path: Path) -> None:
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)


def _unwritable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The ledger {path} cannot be written: {error.strerror}",
        "free space or fix the permissions and run again: what was bought is kept, only what is missing is asked",
    )
