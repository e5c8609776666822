"""Killed at random instants, over and over: nothing is lost, doubled or asked for again once it was here."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import threading
from pathlib import Path

from cotfactory.flows.build import build
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.settings import load_recipe
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.workspace import Workspace
from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher

CANDIDATES, KILLS = 300, 3


def test_random_kills(write_recipe: WriteRecipe, teacher: CountingTeacher, tmp_path: Path) -> None:
    """The kill falls a random moment after a random answer, so that it may hit asking, sealing or the release."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    recipe, workspace = write_recipe(count=CANDIDATES // 3, shard_problems=20), tmp_path / "w"
    reached: set[str] = set()
    seen: set[Path] = set()
    in_flight = 0
    for _ in range(KILLS):
        kill_a_run(recipe, workspace, teacher, chance)
        fresh = [path for path in open_journals(workspace / "ledger") if path not in seen]
        entries = [read_journal(path) for path in fresh]
        bought = {candidate_id for journal in entries for candidate_id in journal.bought}
        unanswered = {request for journal in entries for request in journal.in_flight}
        assert not reached & (bought | unanswered)
        reached |= bought | stored(workspace)
        seen.update(fresh)
        in_flight += len(unanswered)
    with TerminalProgress() as progress:
        asyncio.run(build(BuildRequest(load_recipe(recipe), workspace), DirectStages(), progress))
    assert len(stored(workspace)) == CANDIDATES
    assert query_catalog(Workspace(workspace), "SELECT count(*) FROM candidates")[1] == [(CANDIDATES,)]
    assert teacher.calls - CANDIDATES <= in_flight
    lines = (workspace / "ledger" / "unconfirmed.jsonl").read_text().splitlines() if in_flight else []
    assert sum({entry["journal"]: entry["in_flight"] for entry in map(json.loads, lines)}.values()) == in_flight


def kill_a_run(recipe: Path, workspace: Path, teacher: CountingTeacher, chance: random.Random) -> None:
    """Start a run and kill its process group; one that is through before that has been not_needed."""
    arguments = run_command(recipe, workspace, "--direct")
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, start_new_session=True)
    last, pause_s = teacher.calls + chance.randint(1, CANDIDATES // KILLS), chance.uniform(0.0, 0.2)

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(pause_s, kill)

    def kill_soon() -> None:
        if teacher.calls == last:
            timer.start()

    teacher.on_ask = kill_soon
    process.wait(120)
    timer.cancel()
    teacher.on_ask = None


def stored(workspace: Path) -> set[str]:
    """Return the ids of all sealed candidates."""
    sql = "SELECT DISTINCT candidate_id FROM candidates"
    return {row[0] for row in query_catalog(Workspace(workspace), sql)[1]}
