"""ProgramRun: a candidate's program with all that holds for each of its executions."""

from dataclasses import dataclass

from cotfactory.graders.code.missing import is_ours_to_install
from cotfactory.graders.sandbox.execution import Execution, ExecutionResult, Sandbox, Stdio, Way
from cotfactory.graders.sandbox.values import MISSING_LANGUAGE, MISSING_MODULE, RAISED
from cotfactory.schemas.judging import UNSTATED, Language, RunTerms

STARVED_TRIES = 2
"""How often a program may get no CPU before that is what its grade says."""


@dataclass(frozen=True)
class ProgramRun:
    """A program, where it runs, and within which limits. `timeout_s` may shorten the problem's own.

    Of another language it is the `artifact` that runs.
    """

    sandbox: Sandbox
    program: str = ""
    terms: RunTerms = UNSTATED
    hash_seed: int = 0
    timeout_s: float | None = None
    language: Language = "python"
    artifact: bytes = b""

    def run(self, way: Way, output_bytes: int | None = None) -> ExecutionResult:
        """Run the program in one way; raises SandboxError. `output_bytes` holds where the problem sets no limit."""
        stated = self.terms.output_limit_mb
        times = [limit for limit in (self.timeout_s, self.terms.time_limit_s) if limit is not None]
        execution = Execution(
            program=self.program,
            artifact=self.artifact,
            way=way.model_copy(update={"language": self.language}) if isinstance(way, Stdio) else way,
            timeout_s=min(times) if times else None,
            memory_mb=self.terms.memory_limit_mb,
            output_bytes=stated << 20 if stated else output_bytes,
        )
        return execute(execution, self.sandbox, self.hash_seed)


def execute(execution: Execution, sandbox: Sandbox, hash_seed: int = 0) -> ExecutionResult:
    """Run an execution, again when it got no CPU; raises SandboxError.

    One that says without reason that something was missing failed by itself (`graders/code/missing.py`).
    """
    for _ in range(STARVED_TRIES):
        (result,) = sandbox.run([execution], hash_seed)
        if not result.starved:
            break
    if result.exit_code in (MISSING_MODULE, MISSING_LANGUAGE) and not is_ours_to_install(execution, result, sandbox):
        return result.model_copy(update={"exit_code": RAISED})
    return result
