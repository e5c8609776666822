"""Rows on terminals of all widths: whole cells, lines that fit."""

import pytest
from rich.cells import cell_len

from cotfactory.flows.inspect.terminal_table import NARROWEST, terminal_table

LONG = "a chain that is much longer than any terminal is wide, and so on " * 4
MANY = [f"column_{number}" for number in range(20)]


@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (["verdict", "chains"], ["correct", "1200"]),
        (["id", "question"], ["sum-1", LONG]),
        (MANY, ["12345678"] * len(MANY)),  # squeezed into a table, each would have three signs
        (["wide", "names"], ["一二三四五六七八九十" * 9, "first line\nsecond line"]),
        (["count(*) FILTER (verdict = 'correct' AND NOT kept)", LONG[:90]], ["1", ""]),
    ],
)
def test_all_is_shown_and_no_line_is_too_long(columns: list[str], row: list[str], width: int) -> None:
    shown = terminal_table(columns, [row, row], [False] * len(columns), width)
    assert all(cell_len(line) <= max(NARROWEST, width) for line in shown.splitlines())
    signs = "".join(shown.split())
    assert all(short in shown for short in row if len(short) <= 12)  # not broken in two
    for cell in row:
        assert all(word in signs for word in cell.split() if cell_len(word) <= 12)


def test_rows_are_records_where_a_table_would_break_every_cell() -> None:
    shown = terminal_table(MANY, [["1"] * 20, ["2"] * 20], [True] * 20, 80).splitlines()
    assert (shown[0][:6], shown[1], shown[20], shown[21][:6]) == ("row 1 ", "column_0   1", "column_19  1", "row 2 ")
    assert "│" in terminal_table(MANY, [["1"] * 20], [True] * 20, 300)
    assert terminal_table(MANY, [], [True] * 20, 80) == f"no rows; columns: {', '.join(MANY)}"
    assert "│      7 │" in terminal_table(["verdict", "chains"], [["correct", "7"]], [False, True], 80)
