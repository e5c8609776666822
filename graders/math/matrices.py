r"""Matrices as text: rows and cells, and sums and multiples of literal matrices, cell by cell.

Only text goes in and out; what a cell is worth is compared by the rules for values.
"""

import re
from dataclasses import dataclass

MAX_CELLS = 64

_BLOCK = re.compile(
    r"\\begin\s*\{([pbBvV]?matrix|smallmatrix|array|cases)\}\s*(?:\{[clr| ]*\})?(.*)\\end\s*\{\1\}\s*\.?\Z", re.DOTALL
)
_ROW_BREAK = re.compile(r"\\\\(?:\s*\[[^\]]*\])?|\\cr\b")
_FACTOR = re.compile(r"(.*?)\s*(?:\\cdot|\\times|\*)?\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One matrix environment: its name and the text of its cells, row by row."""

    name: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_regular(self) -> bool:
        """Whether there is a cell, every row has as many as the first, and there are not too many."""
        widths = {len(row) for row in self.rows}
        return len(widths) == 1 and len(self.rows) * max(widths) <= MAX_CELLS


def read_block(text: str) -> Block | None:
    """Return the matrix that cleaned `text` is, or None."""
    match = _BLOCK.match(text)
    if match is None or "\\begin" in match[2]:
        return None
    rows = (row.replace("\\hline", "").strip() for row in _ROW_BREAK.split(match[2]))
    return Block(match[1], tuple(tuple(cell.strip() for cell in row.split("&")) for row in rows if row))


def combine(terms: list[tuple[str, str]]) -> Block | None:
    r"""Add up terms of a sum, each a sign and a matrix with or without a factor; None when they are no such sum.

    >>> combine([("", r"2\begin{pmatrix}1 & x\end{pmatrix}"), ("-", r"\begin{pmatrix}3 & 4\end{pmatrix}")]).rows
    (('(2)(1)-(3)', '(2)(x)-(4)'),)
    """
    total: list[list[str]] = []
    first: Block | None = None
    for sign, text in terms:
        start = text.find("\\begin")
        block = read_block(text[start:]) if start >= 0 else None
        if block is None or block.name == "cases" or block.name[0] in "vV" or not block.is_regular:
            return None
        factor = _FACTOR.match(text[:start])
        number = factor[1].strip() if factor else ""
        prefix = f"({number})" if number else ""
        cells = [[f"{prefix}({cell})" for cell in row] for row in block.rows]
        if first is None:
            first, total = block, [[sign * (sign == "-") + cell for cell in row] for row in cells]
        elif [len(row) for row in cells] != [len(row) for row in total]:
            return None
        else:
            total = [
                [f"{old}{sign}{new}" for old, new in zip(*rows, strict=True)] for rows in zip(total, cells, strict=True)
            ]
    return None if first is None else Block(first.name, tuple(map(tuple, total)))
