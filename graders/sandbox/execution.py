"""Execution and ExecutionResult: one run of a candidate's program, and what the host gets back from it.

Nothing here says what a right result is: expected values never enter the container.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt

from cotfactory.schemas.record import Record


class Call(Record):
    """Load the program and call `entry_point`; the arguments are typed JSON (`graders.sandbox.values`)."""

    kind: Literal["call"] = "call"
    entry_point: str
    args: tuple[JsonValue, ...] = ()
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)


class Stdio(Record):
    """Run the program as a script with `stdin`; what it prints comes back."""

    kind: Literal["stdio"] = "stdio"
    stdin: str = ""


class Check(Record):
    """Load the program, then run the problem's own `checker` beside it; `token` comes back when it passed.

    This is the weak way: the checker and its expected values are in the candidate's reach. It is for tests
    that cannot be turned into calls, and a grade made with it says so.
    """

    kind: Literal["check"] = "check"
    checker: str
    entry_point: str | None
    token: str


class Execution(Record):
    """One program and one way to run it. Executions share nothing, not even those of one candidate.

    `timeout_s` may shorten the limit of the sandbox, never lengthen it.
    """

    program: str
    way: Annotated[Call | Stdio | Check, Field(discriminator="kind")]
    timeout_s: PositiveFloat | None = None


class ExecutionLimits(Record):
    """What one execution may use; beyond it everything the execution started is killed.

    `timeout_s` is wall time from the start of the program. `memory_mb` is the address space of one process;
    all processes of an execution together get `memory_mb` plus the runner's share. `disk_mb` bounds the files
    in /tmp, `processes` counts threads too, `output_bytes` bounds what comes back.
    """

    timeout_s: PositiveFloat = 10.0
    memory_mb: PositiveInt = 512
    disk_mb: PositiveInt = 32
    processes: PositiveInt = 64
    output_bytes: PositiveInt = 1 << 20


class ExecutionResult(Record):
    """What came out of one execution.

    `output` is what a script printed, the JSON of a returned value, the token of a passed check, or the name
    of the exception that ended the program (then `exit_code` is not 0). `exit_code` is negative for a signal.
    All of it is the candidate's word: it can be compared with something, never believed.
    """

    output: bytes
    exit_code: int
    timed_out: bool = False
    memory_exceeded: bool = False
    output_exceeded: bool = False
    duration_ms: float


class Sandbox(Protocol):
    """Runs executions where they can harm nobody; safe to use from several threads."""

    @property
    def image_digest(self) -> str:
        """The content digest of the image that programs run in."""

    def run(self, executions: Sequence[Execution], hash_seed: int = 0) -> list[ExecutionResult]:
        """Run the executions of one candidate one after the other; one result each, in order.

        `hash_seed` is the interpreter's PYTHONHASHSEED: the order in which sets of texts are walked through.
        Raises SandboxError for anything that is the engine's or the container's failure.
        """
