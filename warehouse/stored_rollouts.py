"""StoredRollouts: which rollouts of a policy, or chains of people, are stored: what may be published without asking."""

from dataclasses import dataclass

from cotfactory.schemas.review import WRITTEN_BY
from cotfactory.warehouse.catalog import table_files
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.workspace import Workspace

ID_BYTES = 16
ROLLOUT_FILES = "policy-"
"""How the journals and files of a policy's rollouts begin."""


@dataclass(frozen=True)
class StoredRollouts:
    """The ids of a policy's rollouts, or of people's chains, in the order in which they came: 16 bytes for each."""

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
    return _stored(workspace, "teacher = ?", f"policy:{policy}")


def written_chains(workspace: Workspace) -> StoredRollouts:
    """Return the chains that people wrote or corrected in a workspace."""
    return _stored(workspace, "starts_with(teacher, ?)", WRITTEN_BY)


def _stored(workspace: Workspace, condition: str, name: str) -> StoredRollouts:
    if not any(workspace.table("candidates").glob("*.parquet")):
        return StoredRollouts({})
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        rows = connection.execute(
            f"""SELECT problem_id, list(candidate_id ORDER BY sample_index, created_at, candidate_id)
                FROM {table_files(workspace, "candidates")} WHERE {condition} GROUP BY problem_id""",
            [name],
        ).fetchall()
    return StoredRollouts({problem_id: bytes.fromhex("".join(ids)) for problem_id, ids in rows})
