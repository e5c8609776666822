"""Contract: the columns of one product and the Great Expectations they must meet, read from its YAML file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from cotfactory.schemas.errors import ContractError, one_line
from cotfactory.schemas.finish_reason import FINISH_REASONS, FINISHED
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS

CONTRACTS = Path(__file__).parent
KEY_LIKE = "key_like_strings"
"""The fact that every contract has: how many credentials the texts of a row seem to hold."""

BROKEN = "broken_signs"
"""Another one: how often its texts hold what no text does."""

ROW_ARGUMENTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "expect_column_values_to_not_be_null": (frozenset({"column"}), frozenset()),
    "expect_column_values_to_be_in_set": (frozenset({"column", "value_set"}), frozenset()),
    "expect_column_values_to_not_be_in_set": (frozenset({"column", "value_set"}), frozenset()),
    "expect_column_values_to_be_between": (
        frozenset({"column"}),
        frozenset({"min_value", "max_value"}),
    ),
    "expect_column_values_to_match_regex": (frozenset({"column", "regex"}), frozenset()),
    "expect_column_values_to_be_json_parseable": (frozenset({"column"}), frozenset()),
    "expect_column_pair_values_to_be_equal": (frozenset({"column_A", "column_B"}), frozenset()),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        frozenset({"column_A", "column_B"}),
        frozenset({"or_equal"}),
    ),
}
"""What holds row by row: the arguments that an expectation needs, and those it may have."""

TABLE_ARGUMENTS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "expect_table_columns_to_match_ordered_list": (frozenset(), frozenset()),
    "expect_table_row_count_to_equal": (frozenset(), frozenset()),
    "expect_column_values_to_be_unique": (frozenset({"column"}), frozenset()),
    "expect_compound_columns_to_be_unique": (frozenset({"column_list"}), frozenset()),
}
"""What holds for the whole table; the columns are the contract's, the row count is the manifest's."""


NAMED_SETS: dict[str, tuple[str, ...]] = {"finished": FINISHED, "finish_reasons": FINISH_REASONS}
"""What a contract may write as a `value_set` instead of a list: sets that the code defines."""


class Demands(Record):
    """What a recipe demands of its rows beyond what every contract does.

    `rate_off_by` is how many samples a pass rate may be away from c of n: none where so many were asked for, one where
    asking stopped by them; with `mode: band` nothing is demanded, as the unbiased rate may then be any.
    """

    require_reasoning: bool = False
    max_length_ratio: float | None = None
    one_per_rejection_type: bool = False
    rate_off_by: float | None = None


class Column(Record):
    """One published column: its Arrow type as text, and what it means to a reader."""

    name: str
    type: str
    nullable: bool
    meaning: str


def _named_set(given: object) -> object:
    return NAMED_SETS.get(given, given) if isinstance(given, str) else given


class Expectation(Record):
    """One Great Expectation by its own name and arguments; `means` is what the contract table says of it.

    `when` names the demand of the recipe without which it does not hold; a demand that is a number is its `max_value`.
    """

    type: str
    means: str
    when: Literal["require_reasoning", "max_length_ratio", "one_per_rejection_type", "rate_off_by"] | None = None
    column: str | None = None
    column_A: str | None = None  # noqa: N815 - Great Expectations' own name
    column_B: str | None = None  # noqa: N815
    column_list: tuple[str, ...] | None = None
    value_set: Annotated[tuple[str | int | bool, ...] | None, BeforeValidator(_named_set)] = None
    regex: str | None = None
    min_value: float | None = None
    max_value: float | None = None
    or_equal: bool | None = None

    def arguments(self) -> dict[str, object]:
        """Return what Great Expectations is called with, by name."""
        given = self.model_dump(exclude_none=True, exclude={"type", "means", "when"})
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    def columns(self) -> tuple[str, ...]:
        """Return the columns and facts it looks at."""
        named = (self.column, self.column_A, self.column_B, *(self.column_list or ()))
        return tuple(name for name in named if name is not None)

    def is_about_rows(self) -> bool:
        """Whether it holds row by row, rather than for the table as a whole."""
        return self.type in ROW_ARGUMENTS

    def under(self, demands: Demands) -> "Expectation | None":
        """Return the expectation as `demands` have it, or None when they do not ask for it."""
        asked = getattr(demands, self.when) if self.when else True
        if asked is None or asked is False:
            return None
        return self if asked is True else self.model_copy(update={"max_value": asked})


class Contract(Record):
    """What is promised of one product. `facts` are DuckDB expressions over one row, by name."""

    product: Product
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    about: str
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    facts: dict[str, str] = Field(default_factory=dict)
    expectations: Annotated[tuple[Expectation, ...], Field(min_length=1)]

    def promises(self, demands: Demands) -> tuple[Expectation, ...]:
        """Return every expectation to be met: those written down, then one for each that is never null.

        Great Expectations skips nulls everywhere else: without these, a row that says nothing passes.
        """
        written = [each for expectation in self.expectations if (each := expectation.under(demands)) is not None]
        looked_at = {name for each in written for name in each.columns()}
        never_null = [column.name for column in self.columns if not column.nullable]
        never_null += [fact for fact in self.facts if fact in looked_at]
        not_null = [
            Expectation(type="expect_column_values_to_not_be_null", column=name, means=f"{name} is told")
            for name in never_null
        ]
        return (*written, *not_null)


def load_contract(product: Product, folder: Path = CONTRACTS) -> Contract:
    """Read and check the contract of `product` in `folder`.

    Raises ContractError for a file that is missing, broken or empty, an unknown expectation or argument, and
    a column that is not the published one.
    """
    path = folder / f"{product}.yaml"
    try:
        contract = Contract.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise ContractError(f"Cannot read the contract {path.name}: {error.strerror}") from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise ContractError(f"The contract {path.name} breaks its format: {_first_line(error)}") from error
    for problem in _problems(contract, product):
        raise ContractError(f"The contract {path.name} cannot be run: {problem}", f"fix data_contracts/{path.name}")
    return contract


def _problems(contract: Contract, product: Product) -> Iterator[str]:
    if contract.product != product:
        yield f"it is for product {contract.product!r}, expected {product!r}"
    published = [(field.name, str(field.type)) for field in ROW_SCHEMAS[product]]
    promised = [(column.name, column.type) for column in contract.columns]
    if published != promised:
        odd = sorted(set(published) ^ set(promised)) or [("their order", "")]
        yield f"its columns are not those of schemas/rows.py: {', '.join(' '.join(each) for each in odd)}"
    known = {name for name, _ in promised} | set(contract.facts) | {KEY_LIKE, BROKEN}
    for expectation in contract.expectations:
        yield from _problems_of_expectation(expectation, known)


def _problems_of_expectation(expectation: Expectation, known: set[str]) -> Iterator[str]:
    arguments = {**ROW_ARGUMENTS, **TABLE_ARGUMENTS}
    if expectation.type not in arguments:
        yield f"unknown expectation {expectation.type!r}, expected one of {', '.join(sorted(arguments))}"
        return
    required, optional = arguments[expectation.type]
    given = set(expectation.arguments())
    if not required <= given <= required | optional:
        yield (
            f"{expectation.type} has the arguments {sorted(given)}, "
            f"expected {sorted(required)} and at most {sorted(optional)}"
        )
    for name in expectation.columns():
        if name not in known:
            yield f"{expectation.type} is about {name!r}, which is neither a column nor a fact"
    try:
        re.compile(expectation.regex or "")
    except re.error as error:
        yield f"the regex {expectation.regex!r} of {expectation.type} does not compile: {error}"


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
    return one_line(error)
