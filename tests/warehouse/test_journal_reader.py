"""A journal is read a few rows at a time; what repeats or is foreign is found over the ends of these."""

import asyncio
import json
from pathlib import Path

import pytest

from cotfactory.warehouse import journal_reader
from cotfactory.warehouse.journal_reader import JournalReader, read_journal
from cotfactory.warehouse.ledger import Journal, JournalHeader
from tests.builders import a_candidate


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Five chains, the first one twice, and two lines of another version."""
    journal = Journal(tmp_path, JournalHeader(recipe="r", run_id="run1", shard="s"))
    for name in ("c1", "c2", "c1", "c3", "c4", "c5"):
        journal.intend(name, 0.5, 100)
        asyncio.run(journal.record(a_candidate(f"said for {name}", candidate_id=name)))
        if name in ("c2", "c5"):
            journal._append(b"bought", b'{"candidate_id": "c9", "problem_id": "p1"}')  # the rest has other names there
    journal.intend("lost", 0.5, 100)
    journal.close()
    return journal.path


@pytest.mark.parametrize(("rows", "characters"), [(1, 10**6), (2, 10**6), (3, 10**6), (10**6, 10**6), (10**6, 500)])
def test_tables_of_any_size_are_the_same_rows(
    journal: Path, rows: int, characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_reader, "BATCH_ROWS", rows)
    monkeypatch.setattr(journal_reader, "BATCH_CHARACTERS", characters)
    reader = JournalReader(journal)
    tables = [table.to_pylist() for table in reader.candidates()]
    assert all(len(table) <= rows for table in tables)
    said = [(row["candidate_id"], row["response"]) for table in tables for row in table]
    assert said == [(name, f"said for {name}") for name in ("c1", "c2", "c3", "c4", "c5")]
    entries = reader.entries()
    assert entries.bought == ("c1", "c2", "c3", "c4", "c5")
    assert (entries.in_flight, entries.foreign_lines, entries.torn_lines) == (("lost",), 2, 0)
    assert (entries.unconfirmed_usd, entries.unconfirmed_tokens) == (0.5, 100)


def test_an_empty_line_is_no_torn_one(journal: Path) -> None:
    """A process that goes on after a torn line begins with a line end, whether or not one is missing."""
    before = read_journal(journal)
    journal.write_bytes(journal.read_bytes().replace(b"\n", b"\n\n"))
    assert read_journal(journal) == before


WHOLE = json.loads(a_candidate(candidate_id="c1").model_dump_json())


@pytest.mark.parametrize(
    "body",
    [
        "null",  # Arrow's reader dies of it
        "",
        "17",
        '{"candidate_id": "c9"',
        json.dumps({**WHOLE, "response": None}),
        json.dumps({**WHOLE, "usage": {"input_tokens": 1, "output_tokens": 2, "reasoning_tokens": 0}}),
        json.dumps({**WHOLE, "strategy": "guess"}),
        json.dumps({**WHOLE, "sample_index": 2**31}),
        json.dumps({**WHOLE, "created_at": "yesterday"}),
        # Arrow reads these; whoever reads the sealed row could not.
        json.dumps({**WHOLE, "sampling": {"temperature": -1}}),
        json.dumps({**WHOLE, "usage": {**WHOLE["usage"], "input_tokens": -1}}),
        json.dumps({**WHOLE, "tool_calls": [None]}),
        json.dumps({**WHOLE, "cost_usd": float("nan")}),
        json.dumps({**WHOLE, "cost_usd": -1.0}),
        json.dumps({**WHOLE, "candidate_id": ""}),
        json.dumps(WHOLE) * 2,
        json.dumps(WHOLE).replace('"teacher"', '"teacher": "u", "teacher"'),
    ],
)
def test_a_line_that_is_no_candidate_is_foreign_and_its_neighbours_are_not(tmp_path: Path, body: str) -> None:
    journal = Journal(tmp_path, JournalHeader(recipe="r", run_id="run1", shard="s"))
    asyncio.run(journal.record(a_candidate(candidate_id="c1")))
    journal._append(b"bought", body.encode())
    asyncio.run(journal.record(a_candidate(candidate_id="c2")))
    journal.close()
    entries = read_journal(journal.path)
    assert (entries.bought, entries.foreign_lines, entries.torn_lines) == (("c1", "c2"), 1, 0)


def test_a_line_that_contradicts_an_earlier_one_is_counted_and_a_repeat_is_not(tmp_path: Path) -> None:
    """A foreign id may be that of another chain: the row that it takes the place of was paid for too."""
    journal = Journal(tmp_path, JournalHeader(recipe="r", run_id="run1", shard="s"))
    for said in ("first", "first", "second"):
        asyncio.run(journal.record(a_candidate(said, candidate_id="c1")))
    journal.close()
    entries = read_journal(journal.path)
    assert (entries.bought, entries.contradicting_lines, entries.foreign_lines) == (("c1",), 1, 0)


def _journal_of(folder: Path, *entries: tuple[str, str]) -> Path:
    journal = Journal(folder, JournalHeader(recipe="r", run_id="run1", shard="s"))
    for kind, body in entries:
        journal._append(kind.encode(), body.encode())
    journal.close()
    return journal.path


@pytest.mark.parametrize(
    ("entries", "in_flight", "unconfirmed", "foreign"),
    [
        ([("intent", "c1 0.5 100")], ("c1",), (0.5, 100), 0),
        ([("intent", "c1 0.5 100"), ("failed", "c1 billed?")], (), (0.5, 100), 0),
        ([("intent", "c1 0.5 100"), ("failed", "c1 free")], (), (0.0, 0), 0),
        # Asked twice: the first sending may have been billed, and so may the one that is on its way.
        ([("intent", "c1 0.5 100"), ("failed", "c1 billed?"), ("intent", "c1 0.25 50")], ("c1",), (0.75, 150), 0),
        ([("failed", "c1 billed?")], (), (0.0, 0), 0),  # nothing was ever intended
        ([("intent", "c1 much 100")], (), (0.0, 0), 1),
        # Of a request that is on its way: both may be billed.
        ([("intent", "c1 0.5 100"), ("intent", "c1 0.25 50")], ("c1",), (0.75, 150), 0),
        # Foreign values with a right checksum: a budget that holds one of them holds nothing any more.
        ([("intent", "c1 nan 100")], (), (0.0, 0), 1),
        ([("intent", "c1 inf 100")], (), (0.0, 0), 1),
        ([("intent", "c1 -0.5 100")], (), (0.0, 0), 1),
        ([("intent", "c1 0.5 -100")], (), (0.0, 0), 1),
        ([("intent", "c1 0.5 100"), ("failed", "c1 unbilled")], ("c1",), (0.5, 100), 1),
        ([("intent", "c1")], (), (0.0, 0), 1),
        ([("later", "c1")], (), (0.0, 0), 1),  # what another version writes
    ],
)
def test_what_sendings_may_have_been_billed(
    tmp_path: Path,
    entries: list[tuple[str, str]],
    in_flight: tuple[str, ...],
    unconfirmed: tuple[float, int],
    foreign: int,
) -> None:
    read = read_journal(_journal_of(tmp_path, *entries))
    assert (read.in_flight, read.foreign_lines, read.torn_lines) == (in_flight, foreign, 0)
    assert (read.unconfirmed_usd, read.unconfirmed_tokens) == unconfirmed


def test_a_line_with_another_checksum_or_no_end_is_torn_and_its_neighbours_are_not(tmp_path: Path) -> None:
    path = _journal_of(tmp_path, ("intent", "c1 0.5 100"), ("intent", "c2 0.5 100"), ("intent", "c3 0.5 100"))
    path.write_bytes(path.read_bytes().replace(b"c2 0.5", b"c2 0.6")[:-1])
    read = read_journal(path)
    assert (read.in_flight, read.torn_lines) == (("c1",), 2)
