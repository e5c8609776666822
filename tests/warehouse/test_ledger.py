"""What reached us survives anything that happens to the process, the file or the disk."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.journal_reader import JournalReader, read_journal
from cotfactory.warehouse.ledger import Journal, JournalHeader, open_journals
from tests.builders import a_candidate

HEADER = JournalHeader(recipe="r", run_id="run1", shard="s")


def candidates_in(journal: Path) -> list[Candidate]:
    tables = JournalReader(journal).candidates()
    return [Candidate.model_validate(row) for table in tables for row in table.to_pylist()]


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    text = "odd: é 数 \u2028 \x00 \\n\nnew line"
    journal = Journal(tmp_path, HEADER)
    for request in ("c1", "c2", "c3"):
        journal.intend(request, 0.5, 100)
    asyncio.run(journal.record(a_candidate(text, candidate_id="c1")))
    journal.failed("c3", maybe_billed=False)
    journal.close()
    assert candidates_in(journal.path) == [a_candidate(text, candidate_id="c1")]
    entries = read_journal(journal.path)
    assert entries.header == HEADER
    assert entries.bought == ("c1",)
    assert entries.in_flight == ("c2",)
    assert entries.torn_lines == 0


@pytest.mark.parametrize("is_syncing", [False, True])
def test_who_waits_for_a_journal_that_is_closed_is_told_that_it_is_on_disk(tmp_path: Path, is_syncing: bool) -> None:
    """A shard may be given up while lines of it, and of others with it, arrive from a node."""

    async def run() -> None:
        journal = Journal(tmp_path, HEADER)
        taking = [asyncio.create_task(journal.take(b"one line\n")) for _ in range(2)]
        await asyncio.sleep(0)
        while is_syncing and journal._group:
            await asyncio.sleep(0)
        journal.close()
        await asyncio.gather(*taking)

    asyncio.run(run())


def test_the_first_chain_of_an_id_wins(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEADER)
    asyncio.run(journal.record(a_candidate("first", candidate_id="c1")))
    asyncio.run(journal.record(a_candidate("second", candidate_id="c1")))
    journal.close()
    assert [candidate.response for candidate in candidates_in(journal.path)] == ["first"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_tail_costs_only_the_torn_line(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path, HEADER)
    asyncio.run(journal.record(a_candidate(candidate_id="c1")))
    asyncio.run(journal.record(a_candidate(candidate_id="c2")))
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes()[:-cut])
    entries = read_journal(journal.path)
    assert list(entries.bought) == ["c1"]
    assert entries.torn_lines == 1


def test_a_flipped_bit_is_noticed_and_what_follows_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEADER)
    asyncio.run(journal.record(a_candidate("aaaa", candidate_id="c1")))
    asyncio.run(journal.record(a_candidate("bbbb", candidate_id="c2")))
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes().replace(b"aaaa", b"aaba"))
    entries = read_journal(journal.path)
    assert list(entries.bought) == ["c2"]
    assert entries.torn_lines == 1


def test_a_journal_of_which_nothing_was_written_is_empty(tmp_path: Path) -> None:
    (tmp_path / "x.journal").write_bytes(b"12345678 head")
    entries = read_journal(tmp_path / "x.journal")
    assert (entries.header.recipe, entries.bought, entries.torn_lines) == ("", (), 1)


def test_what_may_have_been_billed_is_charged(tmp_path: Path) -> None:
    """A time-out may have been billed, a refusal not; what was in flight may have been too."""
    journal = Journal(tmp_path, HEADER)
    for request in ("c1", "c2", "c3"):
        journal.intend(request, 0.5, 100)
    journal.failed("c1", maybe_billed=True)
    journal.intend("c1", 0.5, 100)
    asyncio.run(journal.record(a_candidate(candidate_id="c1")))
    journal.failed("c2", maybe_billed=False)
    journal.close()
    entries = read_journal(journal.path)
    assert entries.in_flight == ("c3",)
    assert (entries.unconfirmed_usd, entries.unconfirmed_tokens) == (1.0, 200)


def test_lines_of_another_version_are_foreign_and_not_torn(tmp_path: Path) -> None:
    journal = Journal(tmp_path, HEADER)
    journal._append(b"bought", b'{"candidate_id": "c1", "from": "the future"}')
    journal._append(b"sold", b"c2")
    journal.close()
    entries = read_journal(journal.path)
    assert (entries.foreign_lines, entries.torn_lines) == (2, 0)


def test_a_line_after_one_that_was_cut_short_is_not_glued_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, HEADER)
    write, left = os.write, [1]

    def cut(file: int, data: memoryview) -> int:
        if left[0] == 1:
            left[0] = 0
            return write(file, data[:10])
        if left[0] == 0:
            left[0] = -1
            raise OSError(errno.EIO, "Input/output error")
        return write(file, data)

    monkeypatch.setattr(os, "write", cut)
    with pytest.raises(WorkspaceError):
        journal.intend("c1", 0.5, 100)
    asyncio.run(journal.record(a_candidate(candidate_id="c2")))
    journal.close()
    entries = read_journal(journal.path)
    assert list(entries.bought) == ["c2"]
    assert entries.torn_lines == 1


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.builders import a_candidate
from cotfactory.warehouse.ledger import Journal, JournalHeader

async def main():
    journal = Journal(Path(sys.argv[1]), JournalHeader(recipe="r", run_id="run1", shard="s"))
    for number in range(1000):
        journal.intend(f"c{number}", 0.5, 100)
        recording = asyncio.create_task(journal.record(a_candidate(candidate_id=f"c{number}")))
        await asyncio.sleep(0)          # the chain is with the kernel, though not yet synced
        print(number, flush=True)
        if number == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("last", [0, 17, 211])
def test_kill_9_loses_nothing_that_had_arrived(tmp_path: Path, last: int) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(last)], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL
    assert run.stdout.split()[-1] == str(last)
    (journal,) = open_journals(tmp_path)
    entries = read_journal(journal)
    assert list(entries.bought) == [f"c{number}" for number in range(last + 1)]
    assert entries.in_flight == ()


def test_who_waits_for_a_sync_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the group are, and what they wrote is still read back."""

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def run() -> list[BaseException | None]:
        recording = (journal.record(a_candidate(candidate_id=name)) for name in ("c1", "c2"))
        return await asyncio.gather(*recording, return_exceptions=True)

    journal = Journal(tmp_path, HEADER)
    monkeypatch.setattr(os, "fdatasync", broken)
    assert [type(outcome) for outcome in asyncio.run(run())] == [WorkspaceError, WorkspaceError]
    journal.close()
    assert list(read_journal(journal.path).bought) == ["c1", "c2"]


def test_a_full_disk_stops_sending_and_keeps_what_was_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ballast that was set aside makes room for what still arrives; only then is it an error."""
    journal = Journal(tmp_path, HEADER)
    ballast = journal.path.with_suffix(".ballast")
    write = os.write

    def full_while_ballast(file: int, data: memoryview) -> int:
        if ballast.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full_while_ballast)
    asyncio.run(journal.record(a_candidate(candidate_id="c1")))
    assert journal.full
    assert not ballast.exists()
    journal.close()
    entries = read_journal(journal.path)
    assert len(entries.bought) == 1


def test_an_unwritable_folder_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Journal(tmp_path / "not there", HEADER)
