"""Without an engine: one clear error, and nothing else of the project needs Docker."""

import struct
import subprocess
import sys

import pytest

from cotfactory.graders.sandbox.pool import open_sandbox
from cotfactory.graders.sandbox.seccomp import DENIED, RETURN, build_filter
from cotfactory.schemas.errors import SandboxError


def test_no_engine_is_a_sandbox_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(SandboxError, match="did not answer") as raised, open_sandbox():
        pass
    assert raised.value.retryable
    assert "docker info" in raised.value.hint


def test_docker_is_not_imported_before_a_sandbox_is_opened() -> None:
    code = (
        "import sys, cotfactory.graders.code.grade_code, cotfactory.graders.sandbox.pool\n"
        "sys.exit('docker' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole_instructions(machine: str) -> None:
    program = list(struct.iter_unpack("=HBBI", build_filter(machine)))  # raises on a part of an instruction
    assert len(program) > 2 * len(DENIED)
    assert program[-1][0] == RETURN
    # The kernel refuses a jump past the end; LOAD and RETURN carry no jumps.
    assert all(at + 1 + max(then, otherwise) < len(program) for at, (_, then, otherwise, _) in enumerate(program[:-1]))


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(KeyError):
        build_filter("riscv64")
