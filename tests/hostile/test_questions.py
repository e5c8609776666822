"""A question to the workspace, by whoever wrote it, reads the workspace: it writes nothing and reads nothing else."""

from pathlib import Path

import pytest

from cotfactory.flows.inspect.ask_catalog import Answer
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.catalog import build_catalog, catalog_table, query_catalog
from cotfactory.warehouse.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "secret.txt").write_text("42")
    workspace = open_workspace(tmp_path / "w")
    build_catalog(workspace)
    return workspace


@pytest.mark.parametrize(
    "question",
    [
        "SELECT count(*) FROM candidates",
        "FROM grades",
        "DESCRIBE grades",
        "SHOW TABLES",
        "SUMMARIZE problems",
        "WITH p AS (FROM problems) SELECT count(*) FROM p;",
        "PIVOT grades ON verdict IN ('correct') USING count(*)",
    ],
)
def test_questions_that_are_answered(workspace: Workspace, question: str) -> None:
    assert query_catalog(workspace, question)[0] == catalog_table(workspace, question).column_names


@pytest.mark.parametrize(
    "question",
    [
        "COPY (SELECT 1) TO '{w}/tables/candidates/sealed.parquet'",  # one of ours, written over
        "COPY (SELECT 1) TO '{w}/tables/candidates/new.parquet'",
        "COPY (SELECT 1) TO '{w}/../new.parquet'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{w}/tables/candidates/new.parquet'",
        "SELECT * FROM query('COPY (SELECT 1) TO ''{w}/new''')",
        "SELECT * FROM read_text('{w}/../secret.txt')",
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH '{w}/../new.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false; SELECT 1",
        "PRAGMA enable_external_access",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW candidates",
        "SELECT 1; SELECT 2",
        "EXPORT DATABASE '{w}/../new'",
        "CALL force_checkpoint()",
        "",
        "-- nothing",
    ],
)
@pytest.mark.parametrize("ask", [query_catalog, catalog_table])
def test_questions_that_are_not(workspace: Workspace, question: str, ask: object) -> None:
    sealed = workspace.table("candidates") / "sealed.parquet"
    sealed.write_bytes((before := next(workspace.table("candidates").glob("*.parquet"))).read_bytes())
    there = {path: path.read_bytes() for path in workspace.root.parent.rglob("*") if path.is_file()}
    assert before in there
    with pytest.raises(InputError):
        ask(workspace, question.replace("{w}", str(workspace.root)))  # type: ignore[operator]
    assert {path: path.read_bytes() for path in workspace.root.parent.rglob("*") if path.is_file()} == there


def test_names_of_files_elsewhere_are_not_told(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="file system operations are disabled"):
        query_catalog(workspace, f"SELECT * FROM glob('{workspace.root.parent}/*.txt')")


def test_columns_and_cells_are_text_and_no_markup() -> None:
    """`[/INST]` ended in rich's traceback, `[link=...]` in a link."""
    shown = Answer(
        columns=("[/a]", "[link=http://h]b"), rows=(("[/INST]", "\x1b]8;;http://h\x07c"),), form="table"
    ).text()
    assert "[/a]" in shown
    assert "[/INST]" in shown
    assert "[link=http://h]b" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_finds_no_formula_in_a_csv(cell: str) -> None:
    line = Answer(columns=("a",), rows=((cell,),), form="csv").text().split("\n", 1)[1]
    assert line.removeprefix('"').startswith("'")
    assert Answer(columns=("a",), rows=((-1,),), form="csv").text() == "a\n-1"  # a number is no text


def test_a_csv_holds_no_escape() -> None:
    assert "\x1b" not in Answer(columns=("a\x1b",), rows=(("b\x1b[2J",),), form="csv").text()
