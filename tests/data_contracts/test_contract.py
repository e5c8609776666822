"""A contract that cannot be run is refused when it is loaded, with what is wrong in it."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from cotfactory.data_contracts.contract import CONTRACTS, Demands, load_contract
from cotfactory.schemas.errors import ContractError
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS

PRODUCTS: tuple[Product, ...] = get_args(Product)
EVERYTHING = Demands(require_reasoning=True, max_length_ratio=2.0, one_per_rejection_type=True, rate_off_by=1.0)


@pytest.mark.parametrize("product", PRODUCTS)
def test_contract_describes_every_published_column(product: Product) -> None:
    contract = load_contract(product)
    assert [(column.name, column.type) for column in contract.columns] == [
        (field.name, str(field.type)) for field in ROW_SCHEMAS[product]
    ]
    assert all(column.meaning.endswith(".") for column in contract.columns)


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_fact_is_looked_at(product: Product) -> None:
    contract = load_contract(product)
    looked_at = {name for each in contract.promises(EVERYTHING) for name in each.columns()}
    assert set(contract.facts) <= looked_at


def test_reasoning_is_demanded_only_where_the_recipe_demands_it() -> None:
    contract = load_contract("sft")
    demanded = {each.means for each in contract.promises(EVERYTHING)}
    always = {each.means for each in contract.promises(Demands())}
    assert "reasoning present, as the recipe demands" in demanded - always


def test_demand_that_is_a_number_is_the_limit() -> None:
    contract = load_contract("preference")
    limits = [each.max_value for each in contract.promises(EVERYTHING) if each.column == "length_ratio"]
    assert limits[0] == 2.0
    assert not [each for each in contract.promises(Demands()) if each.column == "length_ratio"]


@pytest.mark.parametrize("product", PRODUCTS)
def test_no_two_expectations_mean_the_same(product: Product) -> None:
    means = [each.means for each in load_contract(product).promises(EVERYTHING)]
    assert len(set(means)) == len(means)


def test_column_that_is_never_null_is_promised_so() -> None:
    contract = load_contract("sft")
    never_null = {
        each.column for each in contract.promises(Demands()) if each.type == "expect_column_values_to_not_be_null"
    }
    assert {column.name for column in contract.columns if not column.nullable} <= never_null
    assert "reasoning" not in never_null
    assert "think_openings" in never_null  # a fact, else a null would pass every other expectation


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("expectations", [], "expectations"),  # an empty suite passes in Great Expectations
        ("columns", [], "columns"),
        ("expectations", [{"type": "expect_peace", "means": "-"}], "unknown expectation 'expect_peace'"),
        (
            "expectations",
            [{"type": "expect_column_values_to_be_unique", "column": "shoe_size", "means": "-"}],
            "'shoe_size', which is neither a column nor a fact",
        ),
        # An argument that is left out would make Great Expectations compare with nothing.
        (
            "expectations",
            [{"type": "expect_column_values_to_be_in_set", "column": "verdict", "means": "-"}],
            "value_set",
        ),
        # `mostly: 0.5` would let half of the rows be wrong.
        (
            "expectations",
            [{"type": "expect_column_values_to_be_unique", "column": "row_id", "mostly": 0.5, "means": "-"}],
            "mostly",
        ),
        (
            "expectations",
            [
                {
                    "type": "expect_column_values_to_match_regex",
                    "column": "license",
                    "regex": "(",
                    "means": "-",
                }
            ],
            "does not compile",
        ),
        ("product", "rl", "for product 'rl', expected 'sft'"),
        ("version", "1", "version"),
        ("surprise", 1, "surprise"),
    ],
)
def test_contract_that_cannot_be_run_is_refused(tmp_path: Path, key: str, value: object, said: str) -> None:
    content = yaml.safe_load((CONTRACTS / "sft.yaml").read_text("utf-8"))
    (tmp_path / "sft.yaml").write_text(yaml.safe_dump(content | {key: value}), "utf-8")
    with pytest.raises(ContractError, match=r"sft\.yaml") as caught:
        load_contract("sft", tmp_path)
    assert said in str(caught.value)


def test_column_that_is_not_published_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load((CONTRACTS / "sft.yaml").read_text("utf-8"))
    content["columns"].append({"name": "mood", "type": "string", "nullable": True, "meaning": "-"})
    (tmp_path / "sft.yaml").write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(ContractError, match="mood string"):
        load_contract("sft", tmp_path)


@pytest.mark.parametrize("text", ["", "- a list", "{broken", "\x00"])
def test_file_that_is_no_contract_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "sft.yaml").write_text(text, "utf-8")
    with pytest.raises(ContractError, match="breaks its format"):
        load_contract("sft", tmp_path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="Cannot read the contract"):
        load_contract("rl", tmp_path)
