"""Forgetting that was decided on: what goes, what is put in its place, and what it had cost; done to its end by whoever
holds the workspace next.

`forgetting/plan.json` is the decision, renamed into place when every file that it needs lies beside it. Before it is
there nothing has changed; from then on each step may be done again, and a process that dies in between leaves the rest
to the next one.
"""

import shutil
from pathlib import Path

from pydantic import ValidationError

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.checksums import forget_checksum, note_checksum
from cotfactory.warehouse.synced import append_line, rename, sync, write_lines
from cotfactory.warehouse.workspace import Workspace

FORGOTTEN = "forgotten.jsonl"
PLAN = "plan.json"


class Forgotten(Record):
    """A line of `ledger/forgotten.jsonl`: what chains had cost that are no more. Money that was spent stays spent.

    `told_usd` is the part that endpoints told. `files` are those of the candidates table that are gone.
    """

    forgetting_id: str
    recipe: str
    usd: float
    told_usd: float
    tokens: int
    files: tuple[str, ...]


class Step(Record):
    """One path inside the workspace that goes, or is replaced by the file of the same path in `forgetting/`."""

    path: str
    is_replaced: bool = False


class ForgettingPlan(Record):
    """All that is to be done, in order: what refers to chains goes before them."""

    line: Forgotten
    steps: tuple[Step, ...]


def forgetting_folder(workspace: Workspace) -> Path:
    """Return the folder of a forgetting that is under way."""
    return workspace.root / "forgetting"


def is_forgetting(workspace: Workspace) -> bool:
    """Return whether a forgetting was decided on and has not come to its end."""
    return (forgetting_folder(workspace) / PLAN).exists()


def forgotten_lines(workspace: Workspace) -> list[Forgotten]:
    """Return what was forgotten so far. Raises WorkspaceError."""
    path = workspace.ledger / FORGOTTEN
    try:
        lines = [Forgotten.model_validate_json(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise WorkspaceError(
            f"{path} cannot be read: expected the lines that this version of cotfactory writes",
            "run the version that wrote it, or mend the file: the books of budgets are in it",
        ) from error
    return list({line.forgetting_id: line for line in lines}.values())


def decide(workspace: Workspace, plan: ForgettingPlan) -> None:
    """Write the decision down; its files lie in the folder already. From here on it is done to its end."""
    write_lines(forgetting_folder(workspace) / PLAN, [plan.model_dump_json()])
    sync(workspace.root)


def finish_forgetting(workspace: Workspace) -> None:
    """Do what was decided, or clear away what was prepared and not decided. The workspace must be held.

    Raises WorkspaceError where a file cannot be removed or replaced.
    """
    folder = forgetting_folder(workspace)
    if not folder.exists():
        return
    try:
        if is_forgetting(workspace):
            _carry_out(workspace, ForgettingPlan.model_validate_json((folder / PLAN).read_bytes()))
        shutil.rmtree(folder)
    except (OSError, ValidationError) as error:
        raise WorkspaceError(
            f"What {folder / PLAN} says cannot be done: {error}",
            "mend the disk or its permissions; the next command goes on with it",
        ) from error


def _carry_out(workspace: Workspace, plan: ForgettingPlan) -> None:
    if plan.line.forgetting_id not in {line.forgetting_id for line in forgotten_lines(workspace)}:
        append_line(workspace.ledger / FORGOTTEN, plan.line.model_dump_json())
    for step in plan.steps:
        if step.is_replaced:
            _replace(workspace, step.path)
        else:
            _remove(workspace, step.path)
    (forgetting_folder(workspace) / PLAN).unlink()


def _replace(workspace: Workspace, path: str) -> None:
    prepared, target = forgetting_folder(workspace) / path, workspace.root / path
    if prepared.exists():  # else it was put in place before somebody died
        note_checksum(workspace, target.parent.name, prepared, target)
        rename(prepared, target)


def _remove(workspace: Workspace, path: str) -> None:
    target = workspace.root / path
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
        return
    target.unlink(missing_ok=True)
    if target.parent.parent.name == "tables":
        forget_checksum(workspace, target.parent.name, target)
