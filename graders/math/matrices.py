r"""Matrices as text: rows and cells; sums, products, transposes and determinants of literal matrices, cell by cell.

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
_LITERAL = re.compile(r"\\begin\s*\{([pbB]matrix)\}.*?\\end\s*\{\1\}", re.DOTALL)
_TRANSPOSED = re.compile(r"\s*\^\s*(?:\{\s*(?:T|t|\\top)\s*\}|T|t|\\top)")
_BETWEEN = re.compile(r"\s*(?:\\cdot|\\times|\*)?\s*\Z")
MAX_DETERMINANT = 3


@dataclass(frozen=True)
class _MatrixBlock:
    """One matrix environment: its name and the text of its cells, row by row."""

    name: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_regular(self) -> bool:
        """Whether there is a cell, every row has as many as the first, and there are not too many."""
        widths = {len(row) for row in self.rows}
        return len(widths) == 1 and len(self.rows) * max(widths) <= MAX_CELLS


def read_block(text: str) -> _MatrixBlock | None:
    """Return the matrix that cleaned `text` is, or None."""
    match = _BLOCK.match(text)
    if match is None or "\\begin" in match[2]:
        return None
    rows = (row.replace("\\hline", "").strip() for row in _ROW_BREAK.split(match[2]))
    return _MatrixBlock(match[1], tuple(tuple(cell.strip() for cell in row.split("&")) for row in rows if row))


def determinant(rows: tuple[tuple[str, ...], ...]) -> str | None:
    """Return the determinant of a square matrix of up to 3 rows, as text; None for any other.

    >>> determinant((("1", "2"), ("3", "x")))
    '(1)((x))-(2)((3))'
    """
    if not 1 <= len(rows) <= MAX_DETERMINANT or any(len(row) != len(rows) for row in rows):
        return None
    if len(rows) == 1:
        return f"({rows[0][0]})"
    text = ""
    for column, cell in enumerate(rows[0]):
        minor = determinant(tuple(row[:column] + row[column + 1 :] for row in rows[1:]))
        text += f"{'-' if column % 2 else '+' if column else ''}({cell})({minor})"
    return text


def _product(text: str) -> _MatrixBlock | None:
    """Return the product of literal matrices that stand side by side, each of which may be transposed."""
    total: _MatrixBlock | None = None
    at = 0
    for match in _LITERAL.finditer(text):
        block = read_block(match[0])
        if block is None or not block.is_regular or not _BETWEEN.match(text[at : match.start()]):
            return None
        at = match.end()
        if turned := _TRANSPOSED.match(text, at):
            at, block = turned.end(), _MatrixBlock(block.name, tuple(zip(*block.rows, strict=True)))
        if total is None:
            total = block
            continue
        if len(total.rows[0]) != len(block.rows):
            return None
        columns = tuple(zip(*block.rows, strict=True))
        rows = tuple(
            tuple("+".join(f"({a})({b})" for a, b in zip(row, column, strict=True)) for column in columns)
            for row in total.rows
        )
        total = _MatrixBlock(block.name, rows)
    return total if total is not None and not text[at:].strip() and total.is_regular else None


def combine(terms: list[tuple[str, str]]) -> _MatrixBlock | None:
    r"""Add up terms of a sum, each a sign and a matrix with or without a factor; None when they are no such sum.

    >>> combine([("", r"2\begin{pmatrix}1 & x\end{pmatrix}"), ("-", r"\begin{pmatrix}3 & 4\end{pmatrix}")]).rows
    (('(2)(1)-(3)', '(2)(x)-(4)'),)
    """
    total: list[list[str]] = []
    first: _MatrixBlock | None = None
    for sign, text in terms:
        start = text.find("\\begin")
        block = (read_block(text[start:]) or _product(text[start:])) if start >= 0 else None
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
    return None if first is None else _MatrixBlock(first.name, tuple(map(tuple, total)))
