"""Execution and ExecutionResult: one run of a candidate's program, and what the host gets back from it.

Nothing here says what a right result is: expected values never enter the container.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from pydantic import Field, JsonValue, PositiveFloat, PositiveInt

from cotfactory.schemas.judging import Language
from cotfactory.schemas.record import Record


class Call(Record):
    """Load the program and call `entry_point`; the arguments are typed JSON (`graders.sandbox.values`).

    `whole` asks for all that came of it, as JSON: the value and the arguments afterwards, or the exception.
    """

    kind: Literal["call"] = "call"
    entry_point: str
    args: tuple[JsonValue, ...] = ()
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    whole: bool = False


class Apart(Record):
    """Run a problem's test code without any program (`graders.sandbox.tester`).

    `known` answers its calls of `entry_point`.

    `given` is the code of the question, which the test code may use.
    """

    kind: Literal["tests"] = "tests"
    code: str
    given: str = ""
    entry_point: str
    known: dict[str, JsonValue] = Field(default_factory=dict)


class Stdio(Record):
    """Run the program as a script with `stdin`; what it prints comes back.

    `files` lie in its folder by their names, `args` follow its own name. Of a program in another `language` what was
    compiled runs: the execution's `artifact`.
    """

    kind: Literal["stdio"] = "stdio"
    stdin: str = ""
    language: Language = "python"
    args: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)


class Compile(Record):
    """Compile the program, which is in another language; what the compiler made comes back, or what it said."""

    kind: Literal["compile"] = "compile"
    language: Language


class Check(Record):
    """Load the program, then run the problem's own test `code` beside it; `token` comes back when it passed.

    This is the weak way: the test code and its expected values are in the candidate's reach. It is for tests
    that cannot be turned into calls, and a grade made with it says so.
    """

    kind: Literal["check"] = "check"
    code: str
    entry_point: str | None
    token: str


class Cells(Record):
    """Run the cells one after the other in one namespace, as a notebook does; what the last one shows comes back.

    With `names` it is one program, whose answer may also stand in a variable, or come from a function, called so. The
    output is JSON: `{"shown": text, "raised": the error that ended it or "", "answer": text or null}`.
    """

    kind: Literal["cells"] = "cells"
    cells: tuple[str, ...]
    names: tuple[str, ...] = ()
    most_characters: PositiveInt = 20_000


Way = Annotated[Call | Apart | Stdio | Check | Cells | Compile, Field(discriminator="kind")]


class Execution(Record):
    """One program and one way to run it. Executions share nothing, not even those of one candidate.

    `timeout_s`, `memory_mb` and `output_bytes` stand in place of the sandbox's usual limits, up to its bounds.
    """

    program: str
    artifact: bytes = b""
    way: Way
    timeout_s: PositiveFloat | None = None
    memory_mb: PositiveInt | None = None
    output_bytes: PositiveInt | None = None


class ExecutionLimits(Record):
    """What one execution may use; beyond it everything the execution started is killed.

    `timeout_s` is CPU time; a program that idles has twice as long (`graders.sandbox.clock`). `memory_mb` is what the
    program's process holds at most. `disk_mb` bounds the files in /tmp, `processes` counts threads too, `output_bytes`
    bounds what comes back. An execution may have limits of its own up to `longest_s`, `largest_mb` (which all processes
    of an execution share, with the runner's part on top) and `longest_output_bytes`.
    """

    timeout_s: PositiveFloat = 10.0
    memory_mb: PositiveInt = 512
    disk_mb: PositiveInt = 32
    processes: PositiveInt = 64
    output_bytes: PositiveInt = 1 << 20
    longest_s: PositiveFloat = 60.0
    largest_mb: PositiveInt = 1024
    longest_output_bytes: PositiveInt = 64 << 20


class ExecutionResult(Record):
    """What came out of one execution.

    `output` is what a script printed, the JSON of a returned value, the token of a passed check, or the name
    of the exception that ended the program (then `exit_code` is not 0). `exit_code` is negative for a signal.
    `starved` says that the program was stopped because it got next to no CPU: nothing is known of it. `bounded` says
    that it was given less time, memory or output than it was to have, because the sandbox's bounds are lower.
    All of it is the candidate's word: it can be compared with something, never believed.
    """

    output: bytes
    exit_code: int
    timed_out: bool = False
    starved: bool = False
    bounded: bool = False
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
