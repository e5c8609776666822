"""Attacks against a real engine: none is accepted, and none is felt by the program that runs next."""

import pytest

from cotfactory.graders.sandbox.execution import Execution, Sandbox, Stdio
from cotfactory.schemas.problem import Problem
from tests.graders.programs import (
    DIGIT_SUM,
    DIGIT_SUM_SCRIPT,
    DIGIT_SUM_SCRIPT_SOLUTION,
    DIGIT_SUM_SOLUTION,
    grade_program,
)
from tests.graders.sandbox.attacks import CALLS, PROBES, SCRIPTS

pytestmark = pytest.mark.docker

ATTACKS = [
    *(pytest.param(DIGIT_SUM, program, id=name) for name, program in {**CALLS, **PROBES}.items()),
    *(pytest.param(DIGIT_SUM_SCRIPT, program, id=name) for name, program in SCRIPTS.items()),
]

FOOTPRINT = Execution(
    program="""
import json, os
def names(folder):
    return sorted(os.listdir(folder))
def text(path):
    return open(path).read().splitlines()
processes = [open(f"/proc/{pid}/comm").read() for pid in names("/proc") if pid.isdigit()]
print(json.dumps({
    "processes": processes,
    "files": [names("/tmp"), names("/dev/shm"), names("/dev/mqueue"), os.getcwd()],
    "kernel objects": [text(f"/proc/sysvipc/{kind}") for kind in ("shm", "msg", "sem")],
    "sockets": len(text("/proc/net/unix")),
    "streams": sorted(os.listdir("/proc/self/fd")),
    "limits": text("/proc/self/limits"),
    "environment": dict(os.environ),
}))
""",
    way=Stdio(),
)


@pytest.mark.parametrize(("problem", "program"), ATTACKS)
def test_an_attack_is_neither_accepted_nor_felt(problem: Problem, program: str, sandbox: Sandbox) -> None:
    (before,) = sandbox.run([FOOTPRINT])
    grade = grade_program(problem, program, sandbox)
    assert grade.verdict == "incorrect", grade
    (after,) = sandbox.run([FOOTPRINT])
    assert after.output == before.output
    solution = DIGIT_SUM_SOLUTION if problem is DIGIT_SUM else DIGIT_SUM_SCRIPT_SOLUTION
    assert grade_program(problem, solution, sandbox).verdict == "correct"


def test_the_footprint_shows_what_an_honest_run_finds(sandbox: Sandbox) -> None:
    (result,) = sandbox.run([FOOTPRINT])
    assert result.exit_code == 0, result
    assert b'"docker-init\\n", "python3\\n", "python3\\n"]' in result.output
    assert b'"files": [[], [], [], "/tmp"]' in result.output
