"""StoredRollouts: which rollouts of a policy are stored, by problem - what a recipe may publish without asking."""

from dataclasses import dataclass

from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import Workspace

ID_BYTES = 16


@dataclass(frozen=True)
class StoredRollouts:
    """The ids of a policy's rollouts in the order in which they came: 16 bytes of memory for each."""

    by_problem: dict[str, bytes]

    def count(self, problem_id: str) -> int:
        """Return how many there are of a problem."""
        return len(self.by_problem.get(problem_id, b"")) // ID_BYTES

    def ids(self, problem_id: str, most: int) -> tuple[str, ...]:
        """Return the candidate ids of the first `most` of a problem."""
        ids = self.by_problem.get(problem_id, b"")[: most * ID_BYTES]
        return tuple(ids[start : start + ID_BYTES].hex() for start in range(0, len(ids), ID_BYTES))


def stored_rollouts(workspace: Workspace, policy: str) -> StoredRollouts:
    """Return the rollouts of `policy:NAME` that are stored in a workspace."""
    if not any(workspace.table("candidates").glob("*.parquet")):
        return StoredRollouts({})
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows = connection.execute(
            f"""SELECT problem_id, list(candidate_id ORDER BY sample_index, created_at, candidate_id)
                FROM {table_files(workspace, "candidates")} WHERE teacher = ? GROUP BY problem_id""",
            [f"policy:{policy}"],
        ).fetchall()
    return StoredRollouts({problem_id: bytes.fromhex("".join(ids)) for problem_id, ids in rows})
