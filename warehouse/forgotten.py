"""What chains had cost that are no more: lines of `ledger/forgotten.jsonl`, part of the books."""

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.record import Record
from cotfactory.warehouse.workspace import Workspace

FORGOTTEN = "forgotten.jsonl"


class Forgotten(Record):
    """What chains had cost that were taken out of the workspace. Money that was spent stays spent.

    `told_usd` is the part that endpoints told. `files` are those of the candidates table that are gone.
    """

    forgetting_id: str
    recipe: str
    usd: float
    told_usd: float
    tokens: int
    files: tuple[str, ...]


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
