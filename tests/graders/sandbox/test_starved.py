"""A program that gets no CPU is no failure: it runs again, and then its grade says that nothing is known of it."""

from collections.abc import Iterator, Sequence

import docker
import pytest

from cotfactory.graders.code.program_run import STARVED_TRIES, execute
from cotfactory.graders.sandbox.execution import Execution, ExecutionLimits, ExecutionResult, Sandbox, Stdio
from cotfactory.graders.sandbox.pool import POOL_LABEL, labelled, open_sandbox
from tests.graders.programs import DIGIT_SUM, DIGIT_SUM_SOLUTION, grade_program

ENDLESS = Execution(program="while True: pass", way=Stdio(), timeout_s=0.5)


class StarvingSandbox:
    """Gives the first executions no CPU, and the others to a real sandbox."""

    def __init__(self, starved: int, sandbox: Sandbox | None = None) -> None:
        self.starved = starved
        self.runs = 0
        self._sandbox = sandbox

    @property
    def image_digest(self) -> str:
        return "sha256:none"

    def run(self, executions: Sequence[Execution], hash_seed: int = 0) -> list[ExecutionResult]:
        self.runs += 1
        if self.runs <= self.starved or self._sandbox is None:
            return [ExecutionResult(output=b"", exit_code=-9, starved=True, duration_ms=1.0)]
        return self._sandbox.run(executions, hash_seed)


def test_a_program_that_got_no_cpu_runs_again_and_is_then_not_graded() -> None:
    sandbox = StarvingSandbox(starved=STARVED_TRIES)
    grade = grade_program(DIGIT_SUM, DIGIT_SUM_SOLUTION, sandbox)
    assert (grade.verdict, grade.reason, sandbox.runs) == ("ungraded", "starved", STARVED_TRIES)


@pytest.mark.docker
def test_a_program_that_gets_cpu_the_second_time_is_graded(sandbox: Sandbox) -> None:
    starving = StarvingSandbox(1, sandbox)
    assert grade_program(DIGIT_SUM, DIGIT_SUM_SOLUTION, starving).verdict == "correct"


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """One container that gets a hundredth of a CPU once it has started."""
    with open_sandbox(containers=1, limits=ExecutionLimits()) as opened:
        opened.run([Execution(program="print(1)", way=Stdio())])
        client = docker.from_env()
        (container,) = labelled(client, f"{POOL_LABEL}={opened._name}")  # type: ignore[attr-defined]
        update = client.api._url("/containers/{0}/update", container.id)  # type: ignore[attr-defined]
        client.api._post_json(update, data={"NanoCpus": 10_000_000})  # type: ignore[attr-defined]
        yield opened


@pytest.mark.docker
def test_the_clock_tells_what_got_no_cpu_from_what_is_late(slow: Sandbox) -> None:
    result = execute(ENDLESS, slow)
    assert (result.starved, result.timed_out) == (True, False)
    # what sleeps is late all the same: it did not want the CPU
    (asleep,) = slow.run([Execution(program="import time\ntime.sleep(600)", way=Stdio(), timeout_s=0.5)])
    assert (asleep.starved, asleep.timed_out) == (False, True)
