"""What is written down of a batch is read back whole, at whichever write its writer died."""

from pathlib import Path

import pytest

from cotfactory.generators.teacher.reasoning import candidate_of
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teacher_spec import Price
from cotfactory.schemas.teaching import Completion, Sampling, Usage
from cotfactory.warehouse.batch_ledger import BatchBuyer, BatchLedger, drop_sealed, open_batches, under_way
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace

BUYER = BatchBuyer(
    recipe="r", teacher="t", base_url="http://h/v1", api_key_env="KEY", price=Price(input=1.0, output=2.0)
)
WORST = Usage(input_tokens=10, output_tokens=50)
REQUESTS = [f"{number:032x}" for number in range(3)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = open_workspace(tmp_path / "w")
    build_catalog(workspace)
    return workspace


def order(request: str) -> RequestRecord:
    return RequestRecord(
        candidate_id=request,
        problem_id="p",
        teacher="t",
        prompt_id="q",
        strategy="solve",
        sampling=Sampling(),
        sample_index=0,
        parent_id=None,
    )


def ledger_with_a_batch(workspace: Workspace) -> BatchLedger:
    ledger = BatchLedger(workspace.ledger, BUYER)
    for request in REQUESTS:
        ledger.expect(order(request), WORST, 0.25)
    ledger.intend("mine", "file-1", REQUESTS)
    return ledger


def seal(workspace: Workspace, *requests: str) -> None:
    completion = Completion(content="7", finish_reason="stop", model="m", usage=WORST, latency_ms=1.0)
    rows = [candidate_of(order(request), completion, WORST, 0.1).model_dump() for request in requests]
    write_table(workspace, "candidates", "some", ({**row, "recipe": "r", "run_id": "1"} for row in rows))


def test_what_was_written_is_read_back(workspace: Workspace) -> None:
    ledger = ledger_with_a_batch(workspace)
    (batch,) = open_batches(workspace.ledger)
    assert (batch.header.intent, batch.header.input_file_id, batch.header.price) == ("mine", "file-1", BUYER.price)
    assert [*batch.requests] == REQUESTS
    assert batch.requests[REQUESTS[1]].request == order(REQUESTS[1])
    assert (batch.batch_id, batch.unanswered) == (None, None)
    ledger.submitted("mine", "batch_1")
    ledger.over("mine", REQUESTS[:1])
    (batch,) = open_batches(workspace.ledger)
    assert (batch.batch_id, batch.unanswered) == ("batch_1", frozenset(REQUESTS[:1]))
    ledger.drop("mine")
    assert not list(workspace.ledger.iterdir())


def test_a_line_that_was_cut_short_is_as_if_it_had_never_been_written(workspace: Workspace) -> None:
    ledger_with_a_batch(workspace).submitted("mine", "batch_1")
    path = workspace.ledger / "mine.batch"
    whole = path.read_bytes()
    intended = whole[: whole.rindex(b"\n", 0, -1) + 1]
    for cut in range(len(intended), len(whole)):
        path.write_bytes(whole[:cut])
        (batch,) = open_batches(workspace.ledger)
        assert (len(batch.requests), batch.batch_id) == (3, None)


@pytest.mark.parametrize("content", [b"", b"no JSON\n", b"{}\n", b'{"intent": "x"}\n', b"[]\n", b"\xff\n"])
def test_a_file_of_another_version_is_never_taken_for_nothing(workspace: Workspace, content: bytes) -> None:
    (workspace.ledger / "x.batch").write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"x\.batch"):
        list(open_batches(workspace.ledger))


def test_a_batch_is_forgotten_once_every_answer_is_sealed(workspace: Workspace) -> None:
    ledger = ledger_with_a_batch(workspace)
    ledger.submitted("mine", "batch_1")
    seal(workspace, *REQUESTS[1:])
    drop_sealed(workspace)  # it may hold an answer to the first one
    assert under_way(workspace, "r") == (0.25, 60)
    assert under_way(workspace, "another") == (0.0, 0)
    ledger.over("mine", REQUESTS[:1])
    assert under_way(workspace, "r") == (0.0, 0)
    (workspace.ledger / "next.writing").write_text("half a batch that was never made")
    drop_sealed(workspace)
    assert not list(workspace.ledger.iterdir())


def test_a_batch_with_an_answer_that_is_not_sealed_stays(workspace: Workspace) -> None:
    ledger = ledger_with_a_batch(workspace)
    ledger.over("mine", REQUESTS[:1])
    seal(workspace, REQUESTS[1])
    drop_sealed(workspace)
    assert len(list(open_batches(workspace.ledger))) == 1
