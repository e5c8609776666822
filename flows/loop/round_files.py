"""What a loop has done so far, as its outputs say: nothing else is kept, and a file is there whole or not at all.

`rounds/NAME/R/` of the workspace: `measured.json` (the student after R rounds, on held-out problems), `asked.json`
(the chains of round R + 1 are bought), `trained.json` (round R trained `out/`), `train.log`, `serve.log`. The release
of round R is `NAME@v0.R.0`, among all others.
"""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from cotfactory.flows.loop.estimates import ProblemResult
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.synced import write_lines

R = TypeVar("R", bound="Output")


class Output(Record):
    """What a stage did; `made_of` says what of, so that another recipe's output is not taken for this one's."""

    made_of: str


class Measured(Output):
    """How a student did on the held-out problems, by problem, and what its chains there cost."""

    results: dict[str, ProblemResult]
    cost_usd: float


class Asked(Output):
    """The chains of a round to learn from are bought; what they cost."""

    cost_usd: float


class Trained(Output):
    """A student that has learned from a release; `model` is what its requests say, and part of their ids."""

    model: str
    rows_sha: str
    command: str


def read_output(folder: Path, kind: type[R], made_of: str) -> R | None:
    """Return what a stage left in a round's folder; None where it did not, or of something else."""
    try:
        found = kind.model_validate_json(_path(folder, kind).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return found if found.made_of == made_of else None


def write_output(folder: Path, output: Output) -> None:
    """Write down that a stage is done. Raises WorkspaceError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_lines(_path(folder, type(output)), [output.model_dump_json()])
    except OSError as error:
        raise WorkspaceError(f"{folder} cannot be written: {error.strerror}", "free space and run again") from error


def _path(folder: Path, kind: type[Output]) -> Path:
    return folder / f"{kind.__name__.lower()}.json"
