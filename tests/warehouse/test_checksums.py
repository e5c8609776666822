"""A sealed file in which one bit is another is named before anything of it is read."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.checksums import check_sealed
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "w")


def sealed(workspace: Workspace, name: str = "r", answer: str = "42") -> Path:
    row = {"candidate_id": "c", "verdict": "correct", "extracted_answer": answer}
    columns = {"grader": "math", "grader_version": "1", "reason": "", "evidence": None, "duration_ms": 1.0}
    more = {"grade_id": "g", "problem_id": "p", "graded_at": None}
    write_table(workspace, "grades", name, [{**columns, **more, **row}])
    return workspace.table("grades") / f"{name}.parquet"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_seen(workspace: Workspace, place: float, bit: int) -> None:
    (workspace.table("grades") / "r.parquet").unlink(missing_ok=True)  # a file that is replaced stays known
    path = sealed(workspace)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"grades/r\.parquet is not as it was sealed.*regrade"):
        check_sealed(workspace)


@pytest.mark.parametrize("change", [b"", b"PAR1", b"x"])
def test_a_cut_and_a_grown_file_are_seen(workspace: Workspace, change: bytes) -> None:
    path = sealed(workspace)
    path.write_bytes(path.read_bytes()[:-4] + change if change == b"" else path.read_bytes() + change)
    with pytest.raises(WorkspaceError, match="not as it was sealed"):
        check_sealed(workspace)


def test_a_file_that_is_written_again_is_as_it_was_sealed(workspace: Workspace) -> None:
    for answer in ("42", "43", "44"):
        sealed(workspace, answer=answer)
        check_sealed(workspace)


def test_a_crash_between_the_sum_and_the_file_leaves_both_right(workspace: Workspace) -> None:
    """The sum is written first: the file before and the file after are known until the next one is written."""
    path = sealed(workspace)
    before = path.read_bytes()
    sealed(workspace, answer="43")
    path.write_bytes(before)  # as if the rename had never been
    check_sealed(workspace)
    sealed(workspace, answer="44")
    path.write_bytes(before)  # and once more
    check_sealed(workspace)
    sealed(workspace, answer="45")
    sealed(workspace, answer="46")
    path.write_bytes(before)
    with pytest.raises(WorkspaceError, match="not as it was sealed"):
        check_sealed(workspace)


def test_a_file_of_an_older_workspace_is_given_its_sum(workspace: Workspace) -> None:
    path = sealed(workspace)
    (workspace.sums("grades") / "r.sha256").unlink()
    check_sealed(workspace)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(WorkspaceError, match="not as it was sealed"):
        check_sealed(workspace)


def test_what_is_moved_away_is_gone_and_may_be_written_anew(workspace: Workspace) -> None:
    sealed(workspace).unlink()
    check_sealed(workspace)
    sealed(workspace, answer="43")
    check_sealed(workspace)
