"""Rows as Arrow tables by way of JSON: parsed outside the interpreter's lock, so that the event loop is not held up.

pyarrow's own way from Python rows looks for pandas first and imports it: 1 s of CPU and 50 MB for nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import json
from pydantic_core import to_json

CANDIDATE_IDS = pa.schema([("candidate_id", pa.string())])


def arrow_rows(rows: Iterable[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; a column that a row lacks is null, one that the schema lacks is an error.

    Raises pa.ArrowInvalid for values of another type than the schema's.
    """
    return read_lines([to_json(row) for row in rows], schema)


def no_rows(schema: pa.Schema) -> pa.Table:
    """Return a table without rows; `Schema.empty_table` would import pandas, too."""
    return pa.Table.from_batches([], schema)


def repeated(text: str, rows: int) -> "pa.StringArray":
    """Return a column of one text; `pa.repeat` of a text would import pandas, too."""
    row = arrow_rows([{"text": text}], pa.schema([("text", pa.string())]))
    column: pa.StringArray = pa.repeat(row["text"][0], rows)
    return column


def as_numbers(column: "pa.Array[Any]") -> npt.NDArray[Any]:
    """Return a column of numbers, or of bools as 0 and 1, without nulls; `to_numpy` would import pandas, too."""
    return np.from_dlpack(column.cast(pa.uint8()) if pa.types.is_boolean(column.type) else column)


def read_lines(lines: Sequence[bytes], schema: pa.Schema) -> pa.Table:
    """Return JSON objects, one a line, as a table. Raises as `arrow_rows`."""
    if not lines:
        return no_rows(schema)
    text = b"\n".join(lines)
    return json.read_json(
        pa.BufferReader(text),  # type: ignore[arg-type]  # the stubs do not know Arrow's own files
        # One block, however long a line is; threads of Arrow's own would each keep memory.
        read_options=json.ReadOptions(use_threads=False, block_size=len(text)),
        parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    ).combine_chunks()
