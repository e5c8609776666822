"""Which problems a teacher's endpoint rejected for themselves while it answered others: too long, or flagged."""

from collections.abc import Mapping

from cotfactory.schemas.record import Record
from cotfactory.warehouse.synced import append_line
from cotfactory.warehouse.workspace import Workspace

REJECTED = "rejected.jsonl"


class _Rejected(Record):
    teacher: str
    problem_id: str
    said: str


def rejected_problems(workspace: Workspace, teacher: str) -> frozenset[str]:
    """Return the ids of the problems that were rejected in earlier runs of this workspace."""
    path = workspace.ledger / REJECTED
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    entries = map(_Rejected.model_validate_json, lines)
    return frozenset(entry.problem_id for entry in entries if entry.teacher == teacher)


def note_rejected(workspace: Workspace, teacher: str, said_by_problem: Mapping[str, str]) -> None:
    """Note problems that were rejected, with what the endpoint said. Raises OSError."""
    for problem_id, said in said_by_problem.items():
        line = _Rejected(teacher=teacher, problem_id=problem_id, said=said)
        append_line(workspace.ledger / REJECTED, line.model_dump_json())
