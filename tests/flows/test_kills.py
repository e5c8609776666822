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
from typing import Any

import pytest

from cotfactory.flows.build import build
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import TerminalProgress
from cotfactory.flows.stage_runner import DirectStages
from cotfactory.publishing.release_folder import open_release
from cotfactory.warehouse.catalog import query_catalog
from cotfactory.warehouse.journal_reader import read_journal
from cotfactory.warehouse.ledger import open_journals
from cotfactory.warehouse.workspace import Workspace
from tests.command_line import run_command
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.prefect_server import at_call
from tests.publishing.hub_repo import HubRepo
from tests.publishing.hub_server import HubServer

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


KILL_AT = [
    *(("teacher", number) for number in (1, 4, 8, 12)),  # of the twelve calls that each night makes
    *(("hub", path) for path in ("/refs", "/preupload/", "/objects/batch", "/large/", "/commit/", "/tag/")),
]


@pytest.mark.slow
def test_kills_of_publishing_nights(
    write_recipe: WriteRecipe, teacher: CountingTeacher, hub_server: HubServer, tmp_path: Path
) -> None:
    """Killed at ten points, one a night: nothing is lost or doubled, and what the Hub has of a version is all of it."""
    workspace, log, in_flight = tmp_path / "w", tmp_path / "said.log", 0
    changes: dict[str, Any] = {"name": "kills", "attempts": 2, "release": {"license": "mit", "repo": "org/kills"}}
    publish = ("--direct", "--publish", "--create")
    hub_server.repos["org/kills"] = HubRepo("org/kills", is_private=True)
    for night, (where, point) in enumerate(KILL_AT, 1):
        recipe = write_recipe(6 * night, **changes)
        with log.open("wb") as said:
            run = subprocess.Popen(run_command(recipe, workspace, *publish), stderr=said)

        def kill(*_: object, run: "subprocess.Popen[bytes]" = run) -> None:
            run.kill()
            run.wait()

        if where == "teacher":
            at_call(teacher, teacher.calls + int(point), kill)
        else:
            hub_server.meanwhile.append((str(point), kill))
        assert run.wait(300) == -signal.SIGKILL, f"{point}: {log.read_text()}"
        teacher.on_ask = None
        in_flight += sum(len(read_journal(path).in_flight) for path in open_journals(workspace / "ledger"))
    last = subprocess.run(
        run_command(recipe, workspace, *publish, "--json"), capture_output=True, text=True, check=False
    )
    assert last.returncode == 0, last.stderr
    wanted = len(KILL_AT) * 6 * 2
    assert len(stored(workspace)) == wanted
    assert query_catalog(Workspace(workspace), "SELECT count(*) FROM candidates")[1] == [(wanted,)]
    print(f"{wanted} wanted, {teacher.calls} asked, {in_flight} in flight when killed")
    assert teacher.calls - wanted <= in_flight
    hub = hub_server.repos["org/kills"]
    released = {path.name: path for path in (workspace / "releases" / "kills").iterdir()}
    assert json.loads(last.stdout.splitlines()[-1])["release"]["version"] in hub.tags
    for version, commit in hub.tags.items():
        sent = hub.at(commit)
        assert sent is not None
        ours = {name: file for name, file in open_release(released[version]).files.items() if name.endswith(".parquet")}
        assert {name: file.sha256 for name, file in ours.items()} == {
            name: blob.sha256 for name, blob in sent.files.items() if name.endswith(".parquet")
        }
