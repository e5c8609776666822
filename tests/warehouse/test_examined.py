"""Rows of examinations: found by id in whichever recipe's file, replaced by what a curation used."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cotfactory.warehouse.arrow_rows import arrow_rows
from cotfactory.warehouse.examined import ExaminedRows
from cotfactory.warehouse.tables import SCHEMAS
from cotfactory.warehouse.workspace import Workspace, open_workspace


def a_row(number: int) -> dict[str, Any]:
    return {
        "examined_id": f"{number:032x}",
        "candidate_id": f"{number + 1:032x}",
        "sample_index": number,
        "reason": "repetitive" if number % 2 else None,
        "detail": "ünusual \u2028 text" if number % 2 else None,
        "flags": ["answer_first"],
        "length": number,
        "text_key": "",
        "equations": [1, 4_294_967_295],
        "operations": ["7 2 +*"],
        "calls": False,
        "signature": None if number % 2 else "c2lnbmF0dXJl",
        "problem_key": None,
        "problem_chains": 1,
        "problem_facts": None,
    }


def of_problem(key: str, numbers: list[int]) -> list[dict[str, Any]]:
    return [{**a_row(number), "problem_key": key, "problem_chains": len(numbers)} for number in numbers]


def curate(workspace: Workspace, name: str, numbers: list[int]) -> list[dict[str, Any] | None]:
    """Return what was known of these chains, and note all of them."""
    with ExaminedRows(workspace, name) as rows:
        known = rows.look_up([a_row(number)["examined_id"] for number in numbers])
        rows.note(arrow_rows(map(a_row, numbers), SCHEMAS["examined"]))
        rows.seal()
    return known


def test_what_one_curation_noted_the_next_one_finds(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert curate(workspace, "a", [3, 1, 2]) == [None, None, None]
    assert curate(workspace, "a", [2, 7, 3]) == [a_row(2), None, a_row(3)]
    # 1 was not used any more, and another recipe finds what the first one noted
    assert curate(workspace, "b", [1, 7, 2]) == [None, a_row(7), a_row(2)]


def test_a_problem_is_known_with_all_of_its_chains_or_not_at_all(tmp_path: Path) -> None:
    workspace, first, second = open_workspace(tmp_path), of_problem("a" * 32, [1, 2, 3]), of_problem("b" * 32, [4])
    third = of_problem("c" * 32, [5, 6])
    with ExaminedRows(workspace, "r") as rows:
        assert rows.knows_problem(["a" * 32]) == [False]
        for noted in (first, third[:1], second):  # one of the third was forgotten
            rows.note(arrow_rows(noted, SCHEMAS["examined"]))
        rows.seal()
    with ExaminedRows(workspace, "r") as rows:
        assert rows.knows_problem(["b" * 32, "c" * 32, "", "a" * 32]) == [True, False, False, True]
        assert rows.problems(["b" * 32, "a" * 32]).to_pylist() == [*second, *first]
        rows.note(rows.problems(["a" * 32]))
        rows.seal()
    with ExaminedRows(workspace, "r") as rows:
        assert rows.knows_problem(["a" * 32, "b" * 32]) == [True, False]


def test_an_empty_question_has_an_empty_answer(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert curate(workspace, "a", []) == []
    assert curate(workspace, "a", [1]) == [None]


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 40), max_size=30), min_size=1, max_size=4))
def test_every_history_is_remembered(histories: list[list[int]]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        workspace, noted = open_workspace(Path(folder)), set[int]()
        for numbers in histories:
            known = curate(workspace, "a", numbers)
            assert known == [a_row(number) if number in noted else None for number in numbers]
            noted = set(numbers) or noted  # no rows, no file: what was there stays
