"""The error tree, named by the boundary that failed; each with a hint, an exit code and retryable or not.

CotfactoryError                 exit 1
├── InputError                  exit 2   what the user handed over must be fixed
│   ├── RecipeError                      a recipe key, value or combination
│   ├── ProblemSourceError               a problem file, Hub dataset or task
│   ├── RecordingError                   a file of recorded completions
│   └── GraderError                      a grader of the user's own
├── TeacherError                         an endpoint
│   ├── TeacherUnavailable               down, slow, reset, 5xx                     retryable
│   ├── TeacherRateLimited               429                                        retryable
│   ├── TeacherBadReply                  HTML, cut JSON, no choices                 retryable
│   ├── TeacherRejected                  400, 403, 404, 413, 422: this request, not the others
│   └── TeacherRefused                   401, no credit: asking again is useless
├── SandboxError                         Docker engine or container                 retryable
├── WorkspaceError                       lock, disk, permission, foreign files
├── ContractError                        a contract that cannot be run
├── ContractFailed              exit 3   an expectation failed: no release
├── BudgetReached               exit 4   the money or token stop
├── AlarmRaised                          a teacher's answers look wrong as a whole
├── RunInterrupted              exit 130, 143, 129   a signal asked the run to stop
├── PublishError                         the Hub
│   └── HubUnreachable                   down, slow, limiting the rate: later it may go well
├── ProofBroken                          an arm of `prove` did not come out as it must
├── TrainingFailed                       the `train` command of a round
├── NodesError                           the machines that a run asks on
└── OrchestratorError                    the Prefect server
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line imports this module before it knows whether it needs pydantic
    from cotfactory.schemas.record import Record


class CotfactoryError(Exception):
    """Base of every error that cotfactory raises on purpose.

    The message says what failed with the value and what was expected; `hint` says what to do.
    """

    retryable = False
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint
        self.summary: Record | None = None
        """What was done before the error, when whoever raised it could tell."""

    def __str__(self) -> str:
        return f"{self.message} - {self.hint}" if self.hint else self.message


class InputError(CotfactoryError):
    """Something the user handed over is wrong; running again without fixing it fails the same way."""

    exit_code = 2


class RecipeError(InputError):
    """A recipe with an unknown key, a wrong value or a combination that cannot work."""


class ProblemSourceError(InputError):
    """A problem source that cannot be read, or holds a problem that breaks the format."""


class RecordingError(InputError):
    """A recordings file that cannot be read or breaks the format."""


class GraderError(InputError):
    """A grader of the user's own that cannot be read, loaded or found in its file."""


class TeacherError(CotfactoryError):
    """A teacher endpoint did not give a usable completion; it may have billed the request all the same.

    `retry_after_s` is how long the endpoint asked to wait, if it did.
    """

    maybe_billed = False
    retry_after_s: float | None = None

    @property
    def asks_to_wait(self) -> bool:
        """Whether the endpoint would answer later: another try then uses none of `limits.retries` up."""
        return self.retry_after_s is not None

    def wait_s(self, delay_s: float) -> float:
        """Return how long to wait before another try: `delay_s`, unless the endpoint asked for more."""
        return max(self.retry_after_s or 0.0, delay_s)


class TeacherUnavailable(TeacherError):
    """The endpoint is down, timed out, reset the connection or answered 5xx.

    `is_unreachable`: nothing came back at all.
    """

    retryable = True
    is_unreachable = False

    def __init__(
        self, message: str, hint: str = "", *, maybe_billed: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, hint)
        self.maybe_billed = maybe_billed
        self.retry_after_s = retry_after_s


class TeacherRateLimited(TeacherError):
    """The endpoint answered 429: too many requests for now."""

    retryable = True

    def __init__(self, message: str, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s

    @property
    def asks_to_wait(self) -> bool:
        """It does, whether or not it says for how long."""
        return True


class TeacherBadReply(TeacherError):
    """The endpoint answered something that is not a chat completion."""

    retryable = True

    def __init__(self, message: str, hint: str = "", *, maybe_billed: bool = True) -> None:
        super().__init__(message, hint)
        self.maybe_billed = maybe_billed


class TeacherRejected(TeacherError):
    """The endpoint will not answer this very request: too long, or against its policy; `status` is the HTTP status."""

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class TeacherRefused(TeacherError):
    """The endpoint refused the key, the model or every request; `status` is the HTTP status."""

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class SandboxError(CotfactoryError):
    """The Docker engine or a container failed; says nothing about any candidate."""

    retryable = True


class WorkspaceError(CotfactoryError):
    """The workspace is locked, unwritable, full, or not ours."""


class WorkspaceBusy(WorkspaceError):
    """Another run holds the workspace."""


class ContractError(CotfactoryError):
    """A data contract that cannot be run, an empty one among them."""


class ContractFailed(CotfactoryError):
    """At least one expectation of a data contract failed; nothing was released."""

    exit_code = 3


class BudgetReached(CotfactoryError):
    """The next request could exceed the recipe's budget; all that was bought is saved."""

    exit_code = 4


class AlarmRaised(CotfactoryError):
    """A teacher's answers look wrong as a whole, and the recipe says to stop then; all that was bought is saved."""


class RunInterrupted(CotfactoryError):
    """A signal asked the run to stop: SIGINT (130, Ctrl-C), SIGTERM (143), SIGHUP (129); what was bought is kept."""

    def __init__(self, signal_name: str, exit_code: int) -> None:
        super().__init__(
            f"interrupted by {signal_name}; what was bought is in the ledger",
            "run again to go on: only what is missing is asked",
        )
        self.signal_name = signal_name
        self.exit_code = exit_code


class PublishError(CotfactoryError):
    """The Hub refused or the release is not fit to be sent."""


class HubUnreachable(PublishError):
    """The Hub did not answer, or not now: the same may go well later."""


class ProofBroken(CotfactoryError):
    """What a student learned is not what the arms of the proof should show; the summary holds the numbers."""


class TrainingFailed(CotfactoryError):
    """The command that trains in a round failed, or left nothing behind; what was bought and released stands."""


class NodesError(CotfactoryError):
    """The machines that a run asks on cannot be had, or none of them is left; what was bought is saved."""


class OrchestratorError(CotfactoryError):
    """The Prefect server did not answer."""


def one_line(error: Exception) -> str:
    """Return what a library's error says, on one line, as a part of a message of ours, which names the file itself."""
    said = error.strerror if isinstance(error, OSError) else None
    return " ".join((said or str(error)).split())
