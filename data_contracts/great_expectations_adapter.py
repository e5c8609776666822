"""Great Expectations adapter, for one small frame at a time: which of its rows broke what was expected of them."""

import importlib.util
import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cotfactory.schemas.errors import ContractError

_ONE_AT_A_TIME = threading.Lock()

COLUMNS = ("column", "column_A", "column_B")
"""The arguments of an expectation that name columns."""


@dataclass(frozen=True)
class FrameExpectation:
    """One expectation as Great Expectations knows it: its type and its arguments, under a name of ours."""

    name: str
    type: str
    arguments: Mapping[str, object]


def above_zero(counts: Mapping[str, int]) -> set[str]:
    """Return the names whose counts are above 0. Raises ContractError when that could not be evaluated.

    All of them are one column of one frame, so that Great Expectations is asked once: a question costs it 10 ms.
    """
    return _names_of_unexpected(
        {"name": list(counts), "count": list(counts.values())},
        FrameExpectation("counts", "expect_column_values_to_be_between", {"column": "count", "max_value": 0}),
    )


def broken_by(numbers: Mapping[str, object], asked: Sequence[FrameExpectation]) -> set[str]:
    """Return the names of the expectations that these numbers, by the names of columns, do not meet.

    Those that expect the same of different numbers are asked together: the numbers of each are a row. Raises
    ContractError when an expectation could not be evaluated.
    """
    alike: dict[str, list[FrameExpectation]] = {}
    for each in asked:
        alike.setdefault(repr((each.type, sorted(_beside_columns(each).items()))), []).append(each)
    broken: set[str] = set()
    for together in alike.values():
        first = together[0]
        places = [key for key in first.arguments if key in COLUMNS]
        columns = {key: [numbers[str(each.arguments[key])] for each in together] for key in places}
        meant = {**_beside_columns(first), **{key: key for key in places}}
        named: dict[str, Sequence[object]] = {"name": [each.name for each in together], **columns}
        broken |= _names_of_unexpected(named, FrameExpectation("together", first.type, meant))
    return broken


def _beside_columns(expectation: FrameExpectation) -> dict[str, object]:
    return {key: value for key, value in expectation.arguments.items() if key not in COLUMNS}


def _names_of_unexpected(columns: Mapping[str, Sequence[object]], expectation: FrameExpectation) -> set[str]:
    """Return the `name`s of the rows that do not meet an expectation."""
    import pandas

    wanted = {"result_format": "COMPLETE", "unexpected_index_column_names": ["name"]}
    (result,) = _results(pandas.DataFrame(columns), [expectation], wanted)
    return {str(row["name"]) for row in result.result.get("unexpected_index_list") or ()}


def has_columns(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a table with the columns `found` has exactly those `wanted`, in order."""
    import pandas

    match = "expect_table_columns_to_match_ordered_list"
    frame = pandas.DataFrame(columns=list(found))
    (result,) = _results(frame, [FrameExpectation("columns", match, {"column_list": list(wanted)})], "BASIC")
    return bool(result.success)


def _results(frame: Any, asked: Sequence[FrameExpectation], wanted: str | dict[str, Any]) -> list[Any]:
    gx, frames = _opened()
    suite = gx.ExpectationSuite(name="asked")
    for each in asked:
        kind = "".join(word.capitalize() for word in each.type.split("_"))
        expectation = getattr(gx.expectations, kind)
        suite.add_expectation(expectation(**each.arguments, meta={"name": each.name}))
    batch = frames.get_batch(batch_parameters={"dataframe": frame})
    results = list(batch.validate(suite, result_format=wanted).results)
    for result in results:
        if not result.success and not result.result:
            kind = result.expectation_config.type
            raise ContractError(f"{kind} could not be evaluated: {result.exception_info}")
    return results


def load_library() -> None:
    """Load the library, which takes seconds: for a thread that has the time of others' answers for it."""
    _opened()


def _opened() -> tuple[Any, Any]:
    with _ONE_AT_A_TIME:
        return _open()


@cache
def _open() -> tuple[Any, Any]:
    """Return the library, and the batch definition of frames in its one context of this process.

    An ephemeral one with the pandas engine: no folder, no progress bar, nothing kept.
    """
    _import_when_used("scipy.stats")  # a third of it, for expectations on distributions: no contract names one
    import great_expectations  # 4 s and 90 MB: only who runs a contract pays
    from great_expectations.data_context.types import base

    # GX tells every metric it computes; what failed is in our own report.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    stores = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    config = base.DataContextConfig(store_backend_defaults=stores, progress_bars={"globally": False})
    context = great_expectations.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("released").add_dataframe_asset("rows")
    return great_expectations, asset.add_batch_definition_whole_dataframe("frame")


def _import_when_used(name: str) -> None:
    """Have a submodule that somebody else imports loaded when something of it is first used, if ever."""
    found = None if name in sys.modules else importlib.util.find_spec(name)
    if found is None or found.loader is None:
        return
    found.loader = importlib.util.LazyLoader(found.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)  # else `from parent import child` asks for its spec: that is a use
