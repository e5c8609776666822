"""Problems and chains of the tables by their ids: some hundred of them, for people to look at."""

from collections.abc import Collection

from cotfactory.schemas.candidate import Candidate, stored_candidate
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.catalog import NEWEST_PROBLEM, files_sql, quoted, sealed_files
from cotfactory.warehouse.released import stored_problem
from cotfactory.warehouse.row_fetcher import Place, RowFetcher
from cotfactory.warehouse.scratch import bounded_duckdb, scratch_folder
from cotfactory.warehouse.wanted import CANDIDATE_COLUMNS
from cotfactory.warehouse.workspace import Workspace


def problems_by_id(workspace: Workspace, ids: Collection[str]) -> dict[str, Problem]:
    """Return those problems that are stored, by id."""
    if not ids:
        return {}
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        query = f"FROM {files_sql(sealed_files(workspace, 'problems'))} WHERE problem_id IN ({_listed(ids)})"
        rows = connection.sql(f"{query} {NEWEST_PROBLEM}").to_arrow_table().to_pylist()
    return {row["problem_id"]: stored_problem(row) for row in rows}


def candidates_by_id(workspace: Workspace, ids: Collection[str]) -> dict[str, Candidate]:
    """Return those candidates that are stored, by id; all of them are in memory at once."""
    if not ids:
        return {}
    with scratch_folder(workspace) as folder, bounded_duckdb(folder) as connection:
        files = sealed_files(workspace, "candidates")
        places = connection.execute(
            f"SELECT file_index, file_row_number FROM {files_sql(files)} WHERE candidate_id IN ({_listed(ids)})"
        ).fetchall()
        rows = RowFetcher(files, CANDIDATE_COLUMNS).fetch([Place(*place) for place in places])
        return {row["candidate_id"]: stored_candidate(row) for row in rows}


def _listed(ids: Collection[str]) -> str:
    return ", ".join(map(quoted, ids))
