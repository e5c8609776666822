"""What waits in batches at an endpoint: one file a batch, from before it is made until its answers are sealed.

A batch is answered hours later, perhaps when the process that paid for it is long gone. `ledger/INTENT.batch` holds
all that a later one needs to fetch and file the answers, one JSON object a line: a header, then the record of each
request, written whole before the batch is made; then its id, before it is asked for its state; at last, when
all answers were handed out, which requests have none. A last line that was cut short was never relied upon.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pydantic import AliasChoices, Field, ValidationError

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teacher_spec import Price
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.arrow_rows import CANDIDATE_IDS, arrow_rows
from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.synced import append_line, write_lines
from cotfactory.warehouse.workspace import Workspace


class BatchBuyer(Record):
    """Who has a batch made, where, and at which price; `base_url` is shown, and so has no login in it."""

    recipe: str
    teacher: str
    base_url: str
    api_key_env: str
    price: Price | None


class BatchHeader(BatchBuyer):
    """The first line of a batch's file; `intent` is our own name for it, which the endpoint keeps as well."""

    intent: str
    input_file_id: str


class BatchedRequest(Record):
    """What one request of a batch is sent for, and the most that it may cost."""

    request: RequestRecord = Field(validation_alias=AliasChoices("request", "order"))
    """`order` in the files of older workspaces."""
    worst: Usage
    worst_usd: float


class _Submitted(Record):
    batch_id: str


class _Over(Record):
    unanswered: tuple[str, ...]


@dataclass(frozen=True)
class OpenBatch:
    """What is known of a batch; without an id nobody knows whether it was made.

    `unanswered` are the requests that have no answer, None as long as not all answers were handed out.
    """

    path: Path
    header: BatchHeader
    requests: Mapping[str, BatchedRequest]
    batch_id: str | None
    unanswered: frozenset[str] | None


class BatchLedger:
    """The open batches of one teacher during one run. All that is written is synced. Raises WorkspaceError."""

    def __init__(self, folder: Path, buyer: BatchBuyer) -> None:
        self._folder, self._buyer = folder, buyer
        self._expected: dict[str, BatchedRequest] = {}

    def expect(self, request: RequestRecord, worst: Usage, worst_usd: float) -> None:
        """Note what a request is sent for that will be in some batch."""
        self._expected[request.candidate_id] = BatchedRequest(request=request, worst=worst, worst_usd=worst_usd)

    def settled(self, request: str) -> None:
        """Note that nobody waits for a request any more."""
        self._expected.pop(request, None)

    def intend(self, intent: str, file_id: str, requests: Sequence[str]) -> None:
        """Write down a batch that is about to be made."""
        header = BatchHeader(**dict(self._buyer), intent=intent, input_file_id=file_id)
        path = self._path(intent)
        records = (header, *(self._expected[request] for request in requests))
        try:
            write_lines(path, (record.model_dump_json() for record in records))
        except OSError as error:
            raise _unwritable(path, error) from error

    def submitted(self, intent: str, batch_id: str) -> None:
        """Write down the id of the batch that was made."""
        self._append(intent, _Submitted(batch_id=batch_id))

    def over(self, intent: str, unanswered: Sequence[str]) -> None:
        """Write down that all answers were handed out, and which requests have none."""
        self._append(intent, _Over(unanswered=tuple(unanswered)))

    def drop(self, intent: str) -> None:
        """Forget a batch that was never made or never begun."""
        drop_batch(self._path(intent))

    def _append(self, intent: str, line: Record) -> None:
        path = self._path(intent)
        try:
            append_line(path, line.model_dump_json())
        except OSError as error:
            raise _unwritable(path, error) from error

    def _path(self, intent: str) -> Path:
        return self._folder / f"{intent}.batch"


def open_batches(folder: Path) -> Iterator[OpenBatch]:
    """Yield the batches whose answers are not known to be sealed, one file after the other.

    Raises WorkspaceError for a file that another version of the code wrote: it stands for something paid.
    """
    for path in sorted(folder.glob("*.batch")):
        yield _read(path)


def drop_batch(path: Path) -> None:
    """Remove the file of a batch that holds nothing which is not sealed."""
    path.unlink(missing_ok=True)


def drop_sealed(workspace: Workspace) -> None:
    """Remove the files of the batches that are over and of which every answer is sealed, and what was cut short."""
    for unfinished in workspace.ledger.glob("*.writing"):
        unfinished.unlink()
    for batch in open_batches(workspace.ledger):
        if batch.unanswered is not None and not missing(workspace, [*(batch.requests.keys() - batch.unanswered)]):
            drop_batch(batch.path)


def missing(workspace: Workspace, requests: Sequence[str]) -> set[str]:
    """Return the requests whose completion is not sealed, among some."""
    with duckdb.connect() as connection:
        connection.register("asked", arrow_rows(({"candidate_id": request} for request in requests), CANDIDATE_IDS))
        rows = connection.execute(
            f"SELECT candidate_id FROM asked ANTI JOIN {table_files(workspace, 'candidates')} USING (candidate_id)"
        ).fetchall()
    return {str(row[0]) for row in rows}


def under_way(workspace: Workspace, recipe: str) -> tuple[float, int]:
    """Return the most that a recipe's open batches may yet cost, as (USD, tokens)."""
    usd, tokens = 0.0, 0
    for batch in open_batches(workspace.ledger):
        if batch.header.recipe == recipe and batch.unanswered is None:
            for request in missing(workspace, [*batch.requests]):
                batched = batch.requests[request]
                usd += batched.worst_usd
                tokens += batched.worst.input_tokens + batched.worst.output_tokens
    return usd, tokens


def _read(path: Path) -> OpenBatch:
    batch_id: str | None = None
    unanswered: frozenset[str] | None = None
    requests: dict[str, BatchedRequest] = {}
    try:
        lines = path.read_bytes().split(b"\n")
        lines.pop()  # nothing, or what was cut short
        header = BatchHeader.model_validate_json(lines[0])
        for line in lines[1:]:
            kind = json.loads(line).keys()
            if kind & {"request", "order"}:
                batched = BatchedRequest.model_validate_json(line)
                requests[batched.request.candidate_id] = batched
            elif "batch_id" in kind:
                batch_id = _Submitted.model_validate_json(line).batch_id
            else:
                unanswered = frozenset(_Over.model_validate_json(line).unanswered)
    except (IndexError, ValidationError, ValueError) as error:
        raise WorkspaceError(
            f"The file {path} of a batch cannot be read: expected what this version of cotfactory writes",
            "run the version that wrote it, to fetch what was paid; or remove the file to give that up",
        ) from error
    return OpenBatch(path, header, requests, batch_id, unanswered)


def _unwritable(path: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The file {path} of a batch cannot be written: {error.strerror}",
        "free space or fix the permissions and run again: what the batch holds is fetched then",
    )
