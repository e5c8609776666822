"""Rows as wide as a terminal: a table where its columns fit, else a record for each row (psql has it as `auto`)."""

import io
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

SHORT = 16
"""A column with no longer cells than so many signs is shown unbroken, a longer one at least so wide."""
BESIDE_A_CELL = 3
NARROWEST = 40


def terminal_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], width: int) -> str:
    """Return rows of printable cells in `width` columns of a terminal; numbers stand at the right.

    Where not even SHORT signs of each column fit beside each other, each row is a record: a line for each column.
    """
    width, out = max(NARROWEST, width), io.StringIO()
    console = Console(file=out, width=width)
    widths = [
        max(cell_len(line) for cell in (name, *(row[place] for row in rows)) for line in cell.split("\n"))
        for place, name in enumerate(columns)
    ]
    if sum(min(SHORT, wide) + BESIDE_A_CELL for wide in widths) < width:
        console.print(_table(columns, rows, numeric, widths))
    elif not rows:
        return f"no rows; columns: {', '.join(columns)}"
    else:
        for number, row in enumerate(rows, start=1):
            console.print(Rule(f"row {number:,}", align="left"), _record(columns, row))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool], widths: Sequence[int]
) -> Table:
    table = Table()
    for name, is_number, wide in zip(columns, numeric, widths, strict=True):
        table.add_column(Text(name), justify="right" if is_number else "left", no_wrap=wide <= SHORT, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _record(columns: Sequence[str], row: Sequence[str]) -> Table:
    record = Table.grid(padding=(0, 2))
    record.add_column(overflow="fold", max_width=NARROWEST // 2)
    record.add_column(overflow="fold")
    for name, cell in zip(columns, row, strict=True):
        record.add_row(Text(name), Text(cell))
    return record
