"""ContractReport: what came of running a contract, one result for each expectation."""

from typing import Literal

from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product

EXAMPLES = 3
WHOLE: Literal["release"] = "release"
Subject = Product | Literal["release"]
"""What a contract is about: one product, or all of them together."""


class ExpectationResult(Record):
    """What came of one expectation.

    `name` is Great Expectations' own; `column` what it looked at (two joined by a comma, None for the table),
    `checked` and `failed` count rows (files for the columns, tables for the row count and for what is promised of the
    whole release), `examples` are ids of rows that failed, three at most.
    """

    name: str
    column: str | None
    means: str
    checked: int
    failed: int
    examples: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return self.failed == 0


class ContractReport(Record):
    """What came of one contract on one product of a release, or on the release as a whole."""

    product: Subject
    version: str
    rows: int
    results: tuple[ExpectationResult, ...]

    @property
    def passed(self) -> bool:
        """Whether something was expected and all of it was met."""
        return bool(self.results) and all(result.passed for result in self.results)

    def failures(self) -> list[str]:
        """Return one line for each failed expectation, with counts and example ids.

        >>> result = ExpectationResult(name="expect_column_values_to_be_in_set", column="verdict",
        ...                            means="graded correct", checked=9, failed=1, examples=("4f0c",))
        >>> ContractReport(product="sft", version="1.0.0", rows=9, results=(result,)).failures()
        ['sft: graded correct: expect_column_values_to_be_in_set(verdict) failed for 1 of 9, such as 4f0c']
        """
        return [
            f"{self.product}: {result.means}: {result.name}({result.column or ''}) failed for "
            f"{result.failed:,} of {result.checked:,}"
            + (f", such as {', '.join(result.examples)}" if result.examples else "")
            for result in self.results
            if not result.passed
        ]
