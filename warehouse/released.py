"""What a release used, as the workspace keeps it: its problems, and every chain with its grade and decision."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.tables import AS_JSON
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace

BATCH_ROWS = 2_000
LOADED_AT = "loaded_at"


def released_problems(workspace: Workspace, name: str) -> Iterator[Problem]:
    """Yield the problems of the file `name` of the problems table, in the recipe's order. Raises WorkspaceError."""
    for row in _rows(_found(workspace, "problems", name), without=LOADED_AT):
        yield stored_problem(row)


def stored_problem(row: Mapping[str, Any]) -> Problem:
    """Return a problem as the table holds it."""
    fields = {name: value for name, value in row.items() if name != LOADED_AT}
    written = {name: json.loads(row[name]) if row.get(name) is not None else None for name in AS_JSON}
    return Problem.model_validate({**fields, **written})


def released_file(workspace: Workspace, name: str, version: str) -> Path:
    """Return the file of what a release used. Raises WorkspaceError when the workspace has not made it."""
    return _found(workspace, "released", f"{name}-{version}")


def released_samples(released: Path, positions: Mapping[str, int], *, rollouts: bool = False) -> Iterator[WantedSample]:
    """Yield the samples that a release used, or the rollouts; `positions` says where each problem id stands."""
    for row in _rows(released):
        if (row["reason"] == "rollout") == rollouts:
            yield WantedSample(
                position=positions[row["problem_id"]],
                teacher_position=row["teacher_position"],
                sample_index=row["sample_index"],
                step=row["step"],
                problem_id=row["problem_id"],
                candidate_id=row["candidate_id"],
                grade_id=row["grade_id"],
            )


def _found(workspace: Workspace, table: str, name: str) -> Path:
    path = workspace.table(table) / f"{name}.parquet"
    if not path.is_file():
        raise WorkspaceError(
            f"{path} is not there: this workspace has not made that release", "name the workspace that has: --workspace"
        )
    return path


def _rows(path: Path, without: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, `without` one column: for times pyarrow would import pandas, half a second of CPU."""
    with pq.ParquetFile(path) as file:
        columns = [name for name in file.schema_arrow.names if name != without]
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            yield from batch.to_pylist()
