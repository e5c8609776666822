"""SQL over sealed files that finds rows by their ids, without reading what the rows say.

An id is compared as a UUID: 16 bytes, where its hex digits take 48.
"""

from collections.abc import Sequence
from pathlib import Path

from cotfactory.schemas.finish_reason import finish_reason_sql
from cotfactory.warehouse.catalog import files_sql, quoted


def candidate_places(candidates: Sequence[Path], *columns: str) -> str:
    """Return the SQL of (candidate_id, place): in which of the files each candidate is, and which row of it.

    Further columns of the candidates are there when they are named.
    """
    place = "{file: file_index, row: file_row_number} AS place"
    return f"(SELECT {', '.join((_ids('candidate_id'), place, *columns))} FROM {files_sql(candidates)})"


def endings(candidates: Sequence[Path], among: str) -> str:
    """Return the SQL of (candidate_id, is_truncated, calls): the stored candidates of a table, and how they end.

    `calls`: with calls of a tool, whose results are waited for.
    """
    return f"""(
        SELECT candidate_id, coalesce(bool_or(ending = 'length'), false) AS is_truncated,
               coalesce(bool_or(ending = 'tool_calls'), false) AS calls
        FROM (SELECT {_ids("candidate_id")}, {finish_reason_sql("finish_reason")} AS ending
              FROM {files_sql(candidates)})
        SEMI JOIN {among} USING (candidate_id) GROUP BY candidate_id
    )"""


def newest_grades(grades: Sequence[Path], key: str, among: str) -> str:
    """Return the SQL of (key, newest): the verdict and place of the newest grade of each key found in a table."""
    return f"""(
        SELECT {key}, max({{since: graded_at, file: file_index, row: file_row_number, verdict: verdict}}) AS newest
        FROM (SELECT {_ids("grade_id", "candidate_id", "problem_id")}, graded_at, verdict, file_index, file_row_number
              FROM {files_sql(grades)})
        SEMI JOIN {among} USING ({key}) GROUP BY {key}
    )"""


def decisions_of(files: Sequence[Path], recipe: str) -> str:
    """Return the SQL of (candidate_id, problem_id) and what is decided of them under the name of a recipe."""
    return f"""(
        SELECT {_ids("candidate_id", "problem_id")}, kept, reason AS drop_reason, detail, flags, split
        FROM {files_sql(files)} WHERE recipe = {quoted(recipe)}
    )"""


def _ids(*columns: str) -> str:
    return ", ".join(f"try_cast({name} AS UUID) AS {name}" for name in columns)
