"""Great Expectations on one frame at a time: what was looked at, what failed, and three examples."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import ContractError

EXAMPLES = 3


@dataclass(frozen=True)
class Asked:
    """One expectation as Great Expectations knows it: its type and its arguments."""

    type: str
    arguments: dict[str, object]


@dataclass(frozen=True)
class Finding:
    """What came of one expectation on one frame; `examples` are values of the frame's id column."""

    checked: int
    failed: int
    examples: tuple[str, ...]


class GreatExpectations:
    """An ephemeral context with the pandas engine: no folder, no progress bar, nothing kept."""

    def __init__(self) -> None:
        import great_expectations  # 4 s and 270 MB: only who runs a contract pays
        from great_expectations.data_context.types import base

        # GX tells every metric it computes; what failed is in our own report.
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        self._gx = great_expectations
        stores = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
        config = base.DataContextConfig(store_backend_defaults=stores, progress_bars={"globally": False})
        context = great_expectations.get_context(mode="ephemeral", project_config=config)
        asset = context.data_sources.add_pandas("released").add_dataframe_asset("rows")
        self._frames = asset.add_batch_definition_whole_dataframe("frame")

    def look(self, frame: Any, asked: Sequence[Asked], id_column: str | None = None) -> list[Finding]:
        """Return one finding for each expectation on the pandas `frame`, in the order asked.

        Without `id_column` (a frame about a whole table) there are no examples. Raises ContractError when
        an expectation could not be evaluated.
        """
        suite = self._gx.ExpectationSuite(name="asked")
        for position, each in enumerate(asked):
            name = "".join(word.capitalize() for word in each.type.split("_"))
            expectation = getattr(self._gx.expectations, name)
            suite.add_expectation(expectation(**each.arguments, meta={"position": position}))
        result_format: dict[str, object] = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
        if id_column is not None:
            result_format["unexpected_index_column_names"] = [id_column]
        batch = self._frames.get_batch(batch_parameters={"dataframe": frame})
        results = batch.validate(suite, result_format=result_format).results
        by_position = {result.expectation_config.meta["position"]: result for result in results}
        return [_finding(by_position[position], each, id_column) for position, each in enumerate(asked)]


def _finding(result: Any, asked: Asked, id_column: str | None) -> Finding:
    details = result.result
    if "unexpected_count" not in details:  # about the table as a whole, or not evaluated at all
        if not result.success and not details:
            raise ContractError(f"{asked.type}{asked.arguments} could not be evaluated: {result.exception_info}")
        return Finding(checked=1, failed=0 if result.success else 1, examples=())
    where = details.get("partial_unexpected_index_list") or []
    return Finding(
        checked=details["element_count"] - details.get("missing_count", 0),
        failed=details["unexpected_count"],
        examples=tuple(str(each[id_column]) for each in where[:EXAMPLES]) if id_column else (),
    )
