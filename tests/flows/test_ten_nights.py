"""Ten nights in a row on a real Prefect server, each with a fault of its own; the eleventh finds all of it in order.

Five minutes and more: chosen with -m slow. The mornings' page is printed, and written where NIGHTS_PAGE says.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.inspect.doctor import examine_workspace
from cotfactory.publishing.release_folder import open_release
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.workspace import Workspace
from cotfactory.warehouse.workspace_lock import holder
from tests.flows.conftest import WriteRecipe, plant_key
from tests.flows.counting_teacher import CountingTeacher, right
from tests.flows.prefect_server import PrefectServer, Worker, at_call
from tests.flows.test_build import ask
from tests.publishing.hub_server import Fault, HubServer

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

NAME = "nightly"
DISK_MB = 300
PATIENCE_LOOKS = 150
"""How often a run that is gone is looked at, five times a second, until nobody is taken to tell its end any more."""
NEW_PROBLEMS, ATTEMPTS = 6, 2


class Nights:
    """A deployment, what stands around it, and what each morning said."""

    def __init__(
        self, server: PrefectServer, hub: HubServer, teacher: CountingTeacher, write: WriteRecipe, folder: Path
    ) -> None:
        self.server, self.hub, self.teacher, self._write, self.folder = server, hub, teacher, write, folder
        self.workspace, self.count = folder / "disk" / "w", 0
        self.worker = Worker(server, folder)
        self._was_held, self._looks_gone = "", 0
        self.page: list[tuple[str, str, str]] = []
        self.write()
        server.deploy(self.recipe, self.workspace, publish=True, create=True)

    def write(self, usd: float = 100.0) -> None:
        """Write the recipe down, with the problems of the nights so far."""
        spec = {
            "name": "t", "model": "m", "base_url": self.teacher.base_url, "sampling": {"max_tokens": 50, "seed": 0},
            "price": {"input": 1.0, "output": 1000.0}, "limits": {"retries": 0, "concurrency": 2},
        }  # fmt: skip
        self.recipe = self._write(
            count=max(self.count, 1), name=NAME, teachers=[spec], budget={"usd": usd}, attempts=ATTEMPTS,
            shard_problems=2, release={"license": "mit", "repo": "org/nightly"},
        )  # fmt: skip

    def night(self, fault: str, befall: Callable[[], None] = lambda: None, usd: float = 100.0) -> Any:
        """Add problems, let something befall, have the run start, and note what the morning says."""
        self.count += NEW_PROBLEMS
        self.write(usd)
        befall()
        number = len(self.server.runs(NAME))
        self.server.change(self.recipe, "run")
        self.server.wait_for(lambda: self._is_over(number))
        run = self.server.runs(NAME)[number]
        self.teacher.on_ask, self.teacher.answer = None, right
        self.page.append((fault, run["state_name"], run["state"]["message"] or ""))
        print(self.page[-1], flush=True)
        return run

    def _is_over(self, number: int) -> bool:
        """Return whether a run has ended, or is gone and could not say so: its server was not there."""
        run = self.server.runs(NAME)[number]
        is_held = self.workspace.exists() and holder(Workspace(self.workspace)) is not None
        self._was_held = run["id"] if is_held else self._was_held
        is_gone = self._was_held == run["id"] and not self.worker.engines() and not is_held
        self._looks_gone = self._looks_gone + 1 if is_gone else 0
        is_told = run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return not is_held and (is_told or self._looks_gone > PATIENCE_LOOKS)

    def soon(self, do: Callable[[], object], calls: int = 4) -> None:
        """Have something done, beside the teacher, after some more calls."""
        at_call(self.teacher, self.teacher.calls + calls, lambda: threading.Thread(target=do).start())

    def kill_engine(self) -> None:
        for engine in self.worker.engines():
            os.kill(engine, signal.SIGKILL)

    def cancel(self) -> None:
        run = self.server.runs(NAME)[-1]
        self.server.post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}, "force": True})

    def new_worker(self, **variables: str) -> None:
        self.worker.stop()
        self.worker = Worker(self.server, self.folder, **variables)

    def text(self) -> str:
        """Return the mornings as a table."""
        lines = ["| night | fault | ended | said |", "|---|---|---|---|"]
        lines += [f"| {number} | {' | '.join(night)} |" for number, night in enumerate(self.page, 1)]
        return "\n".join(lines)


@pytest.fixture
def nights(
    prefect_server: PrefectServer,
    hub_server: HubServer,
    teacher: CountingTeacher,
    write_recipe: WriteRecipe,
    tmp_path: Path,
) -> Iterator[Nights]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("a disk of its own, to be filled, takes the right to mount one")
    made = Nights(prefect_server, hub_server, teacher, write_recipe, tmp_path)
    try:
        yield made
    finally:
        made.worker.stop()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_ten_nights(nights: Nights, tmp_path: Path) -> None:
    teacher, server = nights.teacher, nights.server

    nights.hub.faults += [Fault("/api", 503)] * 500
    night = nights.night("the Hub is down")
    assert (night["state_name"], "503" in night["state"]["message"]) == ("Failed", True)
    nights.hub.faults.clear()

    night = nights.night("the Prefect server is killed", lambda: nights.soon(server.kill_and_start_again))
    nights.new_worker()  # its own connections are of the server before

    nights.night("the worker is killed", lambda: nights.soon(nights.worker.process.kill))
    nights.new_worker()

    night = nights.night("the engine is killed", lambda: nights.soon(nights.kill_engine))
    assert night["state_name"] == "Crashed"

    night = nights.night("cancelled", lambda: nights.soon(nights.cancel))
    assert night["state_type"] == "CANCELLED"

    ballast = tmp_path / "disk" / "ballast"

    def fill() -> None:
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(b"x" * (1 << 16))
                    file.flush()
            except OSError:
                pass

    night = nights.night("the disk is full", lambda: nights.soon(fill))
    assert (night["state_name"], "free space" in night["state"]["message"]) == ("Failed", True)
    ballast.unlink()

    spent = books_of(Workspace(nights.workspace), NAME)
    night = nights.night("the budget is used up", usd=spent.spent_usd + spent.unconfirmed_usd + 0.06)
    assert night["state_name"] == "BudgetReached"

    night = nights.night("a contract is not met", lambda: plant_key(nights.folder / "sums.jsonl"))
    assert night["state_name"] == "ContractFailed"

    refused = 0

    def too_many(question: str, seed: int) -> int:
        nonlocal refused
        refused += 1
        return 429

    night = nights.night("the endpoint answers 429 all night", lambda: setattr(teacher, "answer", too_many))
    assert (night["state_name"], "429" in night["state"]["message"]) == ("Failed", True)

    nights.new_worker(TZ="America/St_Johns")  # the clock was changed: half an hour beside every other
    night = nights.night("the clock is changed")
    assert night["state_name"] == "Released"

    night = nights.night("nothing")
    assert night["state_name"] == "Released"
    told = nights.text() + "\n\n" + server.artifact(night, f"{NAME}-run")
    print(told)
    if page := os.environ.get("NIGHTS_PAGE"):
        Path(page).write_text(told)

    every = f"SELECT count(*), count(DISTINCT candidate_id) FROM decisions WHERE recipe = '{NAME}'"
    wanted = nights.count * ATTEMPTS
    assert ask(nights.workspace, every) == [(wanted, wanted)]
    ((stored, distinct),) = ask(nights.workspace, "SELECT count(*), count(DISTINCT candidate_id) FROM candidates")
    assert stored == distinct
    ((lost,),) = ask(nights.workspace, "SELECT sum(lost_in_flight) FROM runs")
    print(f"asked {teacher.calls}, stored {stored}, in flight when killed {lost}, refused {refused}")
    assert teacher.calls - stored <= lost + refused
    assert examine_workspace(nights.workspace).faults == ()
    versions = sorted(path for path in (nights.workspace / "releases" / NAME).iterdir())
    for version in versions:
        open_release(version)
    assert set(nights.hub.repos["org/nightly"].tags) <= {version.name for version in versions}
    assert versions[-1].name in nights.hub.repos["org/nightly"].tags
