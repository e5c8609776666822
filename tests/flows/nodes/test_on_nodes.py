"""What is asked on nodes comes out as if it had been asked here, whatever becomes of a node meanwhile.

The nodes are in this process (`nodes_here.py`); `test_ray.py` has real ones.
"""

import asyncio
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.build import ask_and_measure, build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.nodes import link, node, ray_cluster
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.flows.nodes.messages import TeacherTerms
from cotfactory.flows.nodes.on_nodes import Pauses, TeacherOnNodes
from cotfactory.flows.nodes.reported import ReportedBackPressure
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.generators.teacher.teacher import Request
from cotfactory.graders.grader import Tools
from cotfactory.graders.worker_pool import WorkerPool
from cotfactory.schemas.errors import BudgetReached, InputError, NodesError, TeacherRefused
from cotfactory.schemas.teaching import Completion, Sampling
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.nodes_journals import bring_home
from cotfactory.warehouse.seal import unconfirmed_of
from cotfactory.warehouse.shipped_journal import Shipment
from cotfactory.warehouse.workspace import Workspace
from tests.flows.ask.test_rollouts import talk as stepwise
from tests.flows.ask.test_rollouts import with_steps
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher, right, wrong
from tests.flows.nodes.nodes_here import NodeHere, opening
from tests.flows.test_code_problems import write_recipe as write_code_recipe

PROBLEMS, SAMPLES = 24, 3
CHAINS = PROBLEMS * SAMPLES
PRICED = {"price": {"input": 1.0, "output": 1000.0}}


def ask(recipe: Path, workspace: Path, nodes: Nodes | None = Nodes(processes=2)) -> None:  # noqa: B008 - frozen
    request = BuildRequest(load_recipe(recipe), workspace, nodes=nodes)
    with TerminalProgress() as progress:
        asyncio.run(ask_and_measure(request, DirectStages(), progress, lambda _: None))


def found(workspace: Path) -> list[tuple[Any, ...]]:
    """Return what every stored chain came to, by its id."""
    sql = "SELECT candidate_id, verdict, response FROM candidates JOIN grades USING (candidate_id) ORDER BY ALL"
    return query_catalog(Workspace(workspace), sql)[1]


UseNodes = Callable[[int], list[NodeHere]]


@pytest.fixture
def on_nodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> UseNodes:
    """Have runs ask on so many nodes; the list that is returned holds them when they are open."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # lost nodes leave their folders

    # Nothing here takes algebra: no node need start what answers it.
    monkeypatch.setattr(node, "opened_grading", lambda _: nullcontext(Tools(WorkerPool("math:floor"), None)))

    def use(count: int) -> list[NodeHere]:
        opened: list[NodeHere] = []
        monkeypatch.setattr(ray_cluster, "opened_cluster", opening(count, opened.extend))
        return opened

    return use


def asked_of(teacher: CountingTeacher, **spec: Any) -> list[dict[str, Any]]:
    plain = {
        "name": "t",
        "model": "m",
        "base_url": teacher.base_url,
        "sampling": {"max_tokens": 50, "seed": 0},
        "limits": {"retries": 0, "concurrency": 16},
    }
    return [plain | spec]


def once(teacher: CountingTeacher, calls: int, nodes: list[NodeHere], act: Callable[[NodeHere], None]) -> None:
    """Have something happen to the first node when the teacher was asked so often."""

    def on_ask() -> None:
        if teacher.calls == calls:
            act(nodes[0])

    teacher.on_ask = on_ask


@pytest.mark.parametrize(
    ("changes", "spec"),
    [
        # what is asked next depends on a grade from there
        ({"attempts": {"max": 4, "stop_after_correct": 1}}, {"limits": {"retries": 2, "concurrency": 16}}),
        # three requests, each after the other
        ({"attempts": {"max": 2}, "budget": {"usd": 100.0}}, {"strategy": "refine"} | PRICED),
    ],
)
def test_the_same_comes_out_as_in_this_process(
    changes: dict[str, Any],
    spec: dict[str, Any],
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    on_nodes: UseNodes,
) -> None:
    refused: set[tuple[str, int]] = set()

    def talk(turns: list[str], seed: int) -> tuple[str | int, str]:
        request = ("\n".join(turns), seed)
        if "limits" in spec and request not in refused and zlib.crc32(repr(request).encode()) % 5 == 0:
            refused.add(request)
            return 503, "stop"
        refused.discard(request)
        return (wrong if seed % 2 else right)(turns[0], seed), "stop"

    teacher.talk = talk
    recipe = write_recipe(count=PROBLEMS, teachers=asked_of(teacher, **spec), **changes)
    ask(recipe, tmp_path / "here", nodes=None)
    calls = teacher.calls
    nodes = on_nodes(2)
    ask(recipe, tmp_path / "nodes")
    assert found(tmp_path / "nodes") == found(tmp_path / "here") != []
    assert teacher.calls == 2 * calls
    assert all(node.exchanges > 1 for node in nodes)
    assert open_journals(tmp_path / "nodes" / "ledger") == []


def asked_there(lost: NodeHere) -> int:
    """Return how many requests the node had sent for the shards that it had when it was lost."""
    there = [read_journal(path) for path in lost.journals()]
    return sum(len(journal.bought) + len(journal.in_flight) for journal in there)


@pytest.mark.parametrize("act", [NodeHere.kill_soon, NodeHere.stand_still_soon])
def test_a_lost_node(
    act: Callable[[NodeHere], None],
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    on_nodes: UseNodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run ends by itself. Paid twice is at most what was on its way there or not told yet, and that is told."""
    if act is NodeHere.stand_still_soon:
        monkeypatch.setattr(link, "LOST_S", 3.0)
    nodes = on_nodes(2)
    once(teacher, CHAINS // 2, nodes, act)
    # What a lost node had decided and not told must not keep the next shards from being opened: here it never tells.
    monkeypatch.setattr(ReportedBackPressure, "decided", lambda *_: None)
    teachers = asked_of(teacher, limits={"retries": 0, "concurrency": 4})
    recipe = write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, shard_problems=2, teachers=teachers)
    ask(recipe, tmp_path / "w")
    chains = found(tmp_path / "w")
    assert len({chain[0] for chain in chains}) == len(chains) == CHAINS
    there = asked_there(nodes[0])
    assert teacher.calls - CHAINS <= there
    assert sum(line.in_flight for line in unconfirmed_of(Workspace(tmp_path / "w"))) <= there
    assert max(teacher.asked.values()) <= 2
    brought = [bring_home(Workspace(tmp_path / "w"), path) for path in nodes[0].journals()]
    assert sum(journal.added for journal in brought) == 0  # all of it was asked again, or had arrived
    assert found(tmp_path / "w") == chains


def test_a_node_reports_while_another_still_opens_its_teacher(
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    on_nodes: UseNodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One is slower than the other; nothing can be asked of the teacher yet."""
    monkeypatch.setattr(node, "HEARTBEAT_S", 0.01)
    nodes = on_nodes(2)
    opened = NodeHere.open

    async def opens_last(self: NodeHere, terms: TeacherTerms) -> None:
        first = nodes[0]
        while self is not first and not first.reports:
            await asyncio.sleep(0.01)
        await opened(self, terms)

    monkeypatch.setattr(NodeHere, "open", opens_last)
    ask(write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, teachers=asked_of(teacher)), tmp_path / "w")
    assert len(found(tmp_path / "w")) == CHAINS


def test_a_node_is_lost_while_it_opens_its_teacher(
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    on_nodes: UseNodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others ask everything."""
    nodes = on_nodes(2)
    opened = NodeHere.open

    async def is_lost(self: NodeHere, terms: TeacherTerms) -> None:
        if self is nodes[0]:
            self.kill()
        await opened(self, terms)

    monkeypatch.setattr(NodeHere, "open", is_lost)
    ask(write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, teachers=asked_of(teacher)), tmp_path / "w")
    assert len(found(tmp_path / "w")) == teacher.calls == CHAINS


def test_what_goes_wrong_at_the_head_while_a_node_asks_ends_the_run(
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    on_nodes: UseNodes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody else would notice: what a node had bought would wait for the head for ever."""
    on_nodes(2)
    monkeypatch.setattr(TeacherOnNodes, "reported", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, teachers=asked_of(teacher)), tmp_path / "w")
    assert open_journals(tmp_path / "w" / "ledger") == []


def test_all_rounds_of_a_run_ask_on_one_cluster(
    write_recipe: WriteRecipe,
    teacher: CountingTeacher,
    tmp_path: Path,
    on_nodes: UseNodes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rollouts are asked for after curation; who asks for none needs no nodes while it curates."""
    nodes = on_nodes(2)
    teacher.talk = stepwise
    request = BuildRequest(load_recipe(with_steps(write_recipe)), tmp_path / "w", nodes=Nodes(processes=2))
    with TerminalProgress() as progress:
        summary = asyncio.run(build(request, DirectStages(), progress))
    assert summary.rollouts > 0
    assert len(nodes) == 2 * 2
    told = [line for line in capsys.readouterr().err.splitlines() if "cluster" in line or line.startswith("release ")]
    assert [line.split()[0] for line in told] == ["a", "the", "release"], told


def test_without_a_node_left_the_run_ends(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, on_nodes: UseNodes
) -> None:
    """What was bought is kept, and the next run asks for the rest."""
    nodes = on_nodes(1)
    once(teacher, CHAINS // 2, nodes, NodeHere.kill_soon)
    recipe = write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, teachers=asked_of(teacher))
    with pytest.raises(NodesError, match="No node is left of 1"):
        ask(recipe, tmp_path / "w")
    bought, calls = len(found(tmp_path / "w")), teacher.calls
    assert calls - bought <= asked_there(nodes[0])
    ask(recipe, tmp_path / "w", nodes=None)
    assert teacher.calls - calls == CHAINS - bought


@pytest.mark.parametrize("lost_at", [None, 20])
def test_a_budget_holds_on_nodes(
    lost_at: int | None, write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, on_nodes: UseNodes
) -> None:
    """It is used up but for less than one request's worst case, and never exceeded."""
    nodes = on_nodes(2)
    if lost_at is not None:
        once(teacher, lost_at, nodes, NodeHere.kill_soon)
    recipe = write_recipe(
        count=PROBLEMS,
        attempts={"max": SAMPLES},
        budget={"usd": 0.25},
        teachers=asked_of(teacher, limits={"retries": 0, "concurrency": 4}, **PRICED),
    )
    with pytest.raises(BudgetReached):
        ask(recipe, tmp_path / "w")
    books = books_of(Workspace(tmp_path / "w"), "sums", 0.25)
    assert 0.25 - 0.06 < books.spent_usd + books.unconfirmed_usd <= 0.25


def test_an_endpoint_that_refuses_the_key_stops_all_nodes(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, on_nodes: UseNodes
) -> None:
    on_nodes(2)
    teacher.answer = lambda question, seed: 401
    recipe = write_recipe(count=PROBLEMS, attempts={"max": SAMPLES}, teachers=asked_of(teacher))
    with pytest.raises(TeacherRefused):
        ask(recipe, tmp_path / "w")
    assert teacher.calls < CHAINS


def test_a_recipe_that_nodes_cannot_ask_is_refused_before_anything_is_asked(
    write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path, on_nodes: UseNodes
) -> None:
    on_nodes(2)
    for changes in (
        {"grader": "own.py:grade"},
        {"teachers": [{"name": "t", "model": "m", "simulated": True}]},
    ):
        with pytest.raises(InputError, match="cannot be asked on nodes yet"):
            ask(write_recipe(**changes), tmp_path / "w", Nodes(address="auto"))
    assert teacher.calls == 0


def test_a_pause_is_everybodys_and_does_not_go_round() -> None:
    """A node that was told to wait reports that it does."""
    pauses = Pauses()
    pauses.tell("a", 9.0)
    assert pauses.of_others("b") == pytest.approx(9.0, abs=2.0)
    assert pauses.of_others("a") == 0
    pauses.tell("b", 9.2)
    assert pauses.of_others("a") == 0


def test_a_request_goes_out_when_the_head_has_it_in_its_books() -> None:
    """A head that was killed, and one that lost a node, knows of every request that may have been billed."""
    said: list[str] = []

    class Listening:
        async def complete(self, request: Request) -> Completion:
            said.append("sent")
            raise TeacherRefused("enough")

    async def run() -> None:
        shipment = Shipment(lambda: None)
        shipment.add("shard", b"an intent")
        request = Request("id", (), Sampling(), 0, 0)
        asking = asyncio.create_task(node.AnnouncedTeacher(Listening(), shipment).complete(request))
        for _ in range(3):
            await asyncio.sleep(0)
        said.append(f"told {len(shipment.take())}")
        shipment.arrived()
        with pytest.raises(TeacherRefused):
            await asking

    asyncio.run(run())
    assert said == ["told 1", "sent"]


@pytest.mark.docker
def test_programs_are_run_on_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node has a sandbox of its own; what its teacher said stands in a file of this machine."""
    opened: list[NodeHere] = []
    monkeypatch.setattr(ray_cluster, "opened_cluster", opening(2, opened.extend))
    recipe = write_code_recipe(tmp_path)
    ask(recipe, tmp_path / "here", nodes=None)
    ask(recipe, tmp_path / "nodes")
    assert found(tmp_path / "nodes") == found(tmp_path / "here")
    assert Counter(verdict for _, verdict, _ in found(tmp_path / "nodes")) == {"correct": 2, "incorrect": 2}
    assert len(opened) == 2
