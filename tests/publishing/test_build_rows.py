"""Every product has a builder whose rows have the published columns, in order, and ids of their own."""

import pyarrow as pa
import pytest

from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.publishing.products.row_parts import Row
from cotfactory.schemas.recipe import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from tests.publishing.made_groups import PRODUCTS, in_split, made_mixed_group, made_recipe

RECIPE = made_recipe()


@pytest.mark.parametrize("product", PRODUCTS)
def test_rows_have_the_published_columns_in_order(product: Product) -> None:
    rows = BUILDERS[product]([made_mixed_group(1)], RECIPE)
    assert rows
    assert all(list(row) == ROW_SCHEMAS[product].names for row in rows)
    assert pa.Table.from_pylist(rows, ROW_SCHEMAS[product]).to_pylist() == rows


def test_row_ids_differ_between_products_problems_and_candidates() -> None:
    rows: list[Row] = []
    for number in range(2):
        groups = [made_mixed_group(number)]
        rows += [row for builder in BUILDERS.values() for row in builder(groups, RECIPE)]
    assert len({row["row_id"] for row in rows}) == len(rows) == 34


@pytest.mark.parametrize("product", PRODUCTS)
def test_split_is_the_problems(product: Product) -> None:
    group = in_split(made_mixed_group(1), "test")
    assert {row["split"] for row in BUILDERS[product]([group], RECIPE)} == {"test"}
