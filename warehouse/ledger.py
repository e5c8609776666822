"""What was paid for: written before use, never paid twice, survives kill -9.

One append-only journal per open shard, `ledger/SHARD-RUN.journal`, one entry a line:

    CRC32 KIND BODY        e.g.  1c291ca3 intent 9f86d081884c7d659a2feaa0c55ad015

`header` (recipe and run) comes first, `intent` (request id, its worst case in USD and tokens) before a request is
sent, `bought` (a Candidate as JSON) when its completion has arrived, `failed` (request id, whether it may have been
billed) when it has not. An entry is handed to the kernel at once, so a killed process loses nothing, and a group
`fdatasync` follows within milliseconds, so neither does a power cut. A line with a wrong CRC is a torn write: it is
skipped and counted. Whoever writes a journal holds its lock (`flock`) until it is closed or its process is gone, so
that nobody seals what is still written. An intent without an outcome was in flight when the run died: it may have been
billed, so it is counted and its worst case charged to the budget.
"""

import asyncio
import errno
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic_core import to_json

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.record import Record

GROUP_SYNC_S = 0.01
BALLAST_BYTES = 16 * 2**20


class JournalHeader(Record):
    """For which recipe and run a journal was opened, and its shard."""

    recipe: str
    run_id: str
    shard: str


def journal_path(folder: Path, header: JournalHeader) -> Path:
    """Return where the journal with this header is, in the ledger's folder."""
    return folder / f"{header.shard}-{header.run_id}.journal"


class Journal:
    """The open journal of one shard. Use `close` when the shard is done; `seal` turns it into a table."""

    def __init__(self, folder: Path, header: JournalHeader) -> None:
        self.path = journal_path(folder, header)
        self.full = False
        self._is_cut = False
        self._ballast = self.path.with_suffix(".ballast")
        self._group: list[asyncio.Future[None]] = []
        self._syncing: set[asyncio.Task[None]] = set()
        try:
            _reserve(self._ballast)
            self._file = _opened_and_held(self.path)
        except OSError as error:
            self._ballast.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from error
        self._append(b"header", to_json(header))

    def intend(self, request_id: str, worst_usd: float, worst_tokens: int) -> None:
        """Write down that a request is about to be sent, and what it may cost at most."""
        self._append(b"intent", f"{request_id} {worst_usd!r} {worst_tokens}".encode())

    def failed(self, request_id: str, *, maybe_billed: bool) -> None:
        """Write down that a sending failed."""
        self._append(b"failed", f"{request_id} {'billed?' if maybe_billed else 'free'}".encode())

    async def record(self, candidate: Candidate) -> None:
        """Write down what was bought; when this returns, it is on disk.

        When the disk is full the reserved ballast is given up to hold what is in flight, and `full` is
        set: nothing more may be sent. Raises WorkspaceError when even that does not suffice.
        """
        await self.record_all([candidate])

    async def record_all(self, candidates: Sequence[Candidate]) -> None:
        """Write down several at once; see `record`."""
        self._append(b"bought", *map(to_json, candidates))
        await self._on_disk()

    async def take(self, lines: bytes) -> None:
        """Write down lines of another journal as they are; when this returns, they are on disk. Raises as `record`."""
        self._write(lines)
        await self._on_disk()

    async def _on_disk(self) -> None:
        """Wait for the sync of the group that holds what was just written."""
        if not self._group:
            sync = asyncio.create_task(self._sync_group())
            self._syncing.add(sync)
            sync.add_done_callback(self._syncing.discard)
        on_disk: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._group.append(on_disk)
        await on_disk

    def close(self) -> None:
        """Close the file; what it holds is on disk, which whoever still waits for a group's sync is told."""
        for task in self._syncing:
            task.cancel()
        os.fsync(self._file)
        os.close(self._file)
        self._ballast.unlink(missing_ok=True)
        _tell(self._group)

    async def _sync_group(self) -> None:
        group: list[asyncio.Future[None]] = []
        failed: WorkspaceError | None = None
        try:
            await asyncio.sleep(GROUP_SYNC_S)
            group, self._group = self._group, []  # whoever writes from here on may miss this fdatasync
            await asyncio.to_thread(os.fdatasync, self._file)
        except asyncio.CancelledError:
            pass  # closed meanwhile, and by that synced
        except OSError as error:
            failed = _unwritable(self.path, error)
        _tell(group, failed)

    def _append(self, kind: bytes, *bodies: bytes) -> None:
        self._write(b"".join(_line(kind, body) for body in bodies))

    def _write(self, lines: bytes) -> None:
        # After a line that was cut short, a new one must not be glued to its rest.
        left = memoryview((b"\n" if self._is_cut else b"") + lines)
        self._is_cut = True
        while left:
            try:
                left = left[os.write(self._file, left) :]
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or self.full:
                    raise _unwritable(self.path, error) from error
                self.full = True
                self._ballast.unlink(missing_ok=True)
        self._is_cut = False


def _tell(group: Sequence[asyncio.Future[None]], failed: WorkspaceError | None = None) -> None:
    """Tell those that wait that they are on disk, or why they are not; who was interrupted waits no more."""
    for on_disk in group:
        if on_disk.done():
            continue
        if failed is None:
            on_disk.set_result(None)
        else:
            on_disk.set_exception(failed)


def _line(kind: bytes, body: bytes) -> bytes:
    entry = b"%s %s" % (kind, body)
    return b"%08x %s\n" % (zlib.crc32(entry), entry)


def open_journals(folder: Path) -> list[Path]:
    """Return the journals that runs left open, oldest name first."""
    return sorted(folder.glob("*.journal"))


def abandoned_journals(folder: Path, prefix: str = "") -> Iterator[Path]:
    """Yield the journals, by name, that nobody writes any more, each held until the next one is asked for."""
    for path in open_journals(folder):
        if not path.name.startswith(prefix):
            continue
        try:
            held = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue  # sealed meanwhile
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():
                yield path
        except BlockingIOError:
            continue
        finally:
            os.close(held)


def discard(journal: Path) -> None:
    """Remove a journal that is sealed, and its ballast."""
    journal.with_suffix(".ballast").unlink(missing_ok=True)
    journal.unlink(missing_ok=True)


def set_aside(journal: Path) -> Path:
    """Rename a journal that holds what this code cannot read, so that it is kept but not met again; return its path."""
    journal.with_suffix(".ballast").unlink(missing_ok=True)
    return journal.rename(journal.with_suffix(".unread"))


def _opened_and_held(path: Path) -> int:
    """Make a journal and return its descriptor; under its name it is never without its lock."""
    opening = path.with_suffix(".opening")
    file = os.open(opening, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        opening.rename(path)
    except BaseException:
        os.close(file)
        opening.unlink(missing_ok=True)
        raise
    return file


def _reserve(path: Path) -> None:
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)


def _unwritable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The ledger {path} cannot be written: {error.strerror}",
        "free space or fix the permissions and run again: what was bought is kept, only what is missing is asked",
    )
