"""An engine that is restarted in mid-run costs nothing but time."""

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cotfactory.graders.sandbox.pool import open_sandbox
from tests.graders.conftest import LIMITS
from tests.graders.sandbox.executions import call
from tests.graders.sandbox.own_engine import OwnEngine, containers_of, may_start_engines, own_engine

pytestmark = pytest.mark.docker


@pytest.fixture
def engine() -> Iterator[OwnEngine]:
    if not may_start_engines() and not os.environ.get("CI"):
        pytest.skip("starting an engine takes root and dockerd")
    # Not under tmp_path: the path of a socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="cotf-") as home, own_engine(Path(home) / "e") as running:
        yield running


@pytest.mark.slow
def test_a_restarted_engine_costs_only_time(engine: OwnEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    answers: dict[int, bytes] = {}
    with open_sandbox(containers=2, limits=LIMITS) as sandbox:
        reached = [threading.Event(), threading.Event()]
        restarted = threading.Event()

        def work(first: int) -> None:
            for number in range(first, 40, 2):
                if number >= 20:
                    reached[first].set()
                (answers[number],) = (result.output for result in sandbox.run([call("def f(n): return n * n", number)]))
                if number >= 38:
                    restarted.wait(timeout=120)
            # Whatever was running when the engine went, this one finds it gone or back.
            (answers[40 + first],) = (
                result.output for result in sandbox.run([call("def f(n): return n * n", 40 + first)])
            )

        workers = [threading.Thread(target=work, args=(first,)) for first in (0, 1)]
        for worker in workers:
            worker.start()
        for event in reached:
            assert event.wait(timeout=60)
        engine.stop()
        engine.start()
        restarted.set()
        for worker in workers:
            worker.join(timeout=180)
    assert answers == {number: str(number * number).encode() for number in range(42)}
    assert containers_of(engine) == []
