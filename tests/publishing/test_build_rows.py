"""Every product has a builder whose rows have the published columns, in order, and ids of their own."""

from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest

from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.publishing.products.row_parts import Row
from cotfactory.publishing.stage_rows import stage_rows
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.group import Group
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from cotfactory.schemas.teaching import Message
from tests.publishing.made_groups import (
    group_of,
    in_split,
    made_conversation,
    made_mixed_group,
    made_recipe,
    made_tools_group,
)
from tests.reviewing.made_reviews import a_review, an_item

RECIPE = made_recipe()
EVERY_PRODUCT: tuple[Product, ...] = get_args(Product)


def group_for(product: Product) -> Group:
    if product == "sft_tools":
        return made_tools_group(1)
    if product == "sft_turns":
        return made_conversation(1)[1]
    group = made_mixed_group(1)
    if product == "sft_policy":
        return group.model_copy(update={"strategy": "deliberate"})
    if product != "reviews":
        return group
    judged = an_item(problem_id=group.problem.problem_id, candidate_id=group.candidates[0].candidate.candidate_id)
    return group.model_copy(update={"reviews": (a_review(item=judged),)})


@pytest.mark.parametrize("product", EVERY_PRODUCT)
def test_rows_have_the_published_columns_in_order(product: Product) -> None:
    rows = BUILDERS[product]([group_for(product)], RECIPE)
    assert rows
    assert all(list(row) == ROW_SCHEMAS[product].names for row in rows)
    assert pa.Table.from_pylist(rows, ROW_SCHEMAS[product]).to_pylist() == rows


def test_row_ids_differ_between_products_problems_and_candidates() -> None:
    rows: list[Row] = []
    for number in range(2):
        groups = [made_mixed_group(number)]
        rows += [row for builder in BUILDERS.values() for row in builder(groups, RECIPE)]
    assert len({row["row_id"] for row in rows}) == len(rows) == 44


@pytest.mark.parametrize("product", EVERY_PRODUCT)
def test_split_is_the_problems(product: Product) -> None:
    group = in_split(group_for(product), "test")
    assert {row["split"] for row in BUILDERS[product]([group], RECIPE)} == {"test"}


def test_chains_with_calls_are_rows_of_sft_tools_alone() -> None:
    """Without the calls and their results their answers come out of nowhere."""
    group = made_tools_group(1)
    shown = {product for product, builder in BUILDERS.items() if builder([group], RECIPE)}
    assert shown == {"sft_tools", "rl", "all_graded"}


def test_a_call_that_was_written_as_a_block_is_a_call_like_any_other() -> None:
    group = made_tools_group(1)
    (graded,) = group.candidates
    block = ToolCall(id=None, name="python", arguments="9 + 9\n")
    turn = graded.turns[0].model_copy(
        update={"response": "I compute.\n\n```python\n9 + 9\n```", "tool_calls": (block,)}
    )
    written = group.model_copy(update={"candidates": (graded.model_copy(update={"turns": (turn,)}),)})
    (row,) = BUILDERS["sft_tools"]([written], RECIPE)
    said, result = row["messages"][-3:-1]
    assert said["content"].endswith("I compute.")
    assert said["tool_calls"][0]["function"]["arguments"] == {"code": "9 + 9\n"}
    assert (result["role"], result["content"]) == ("tool", "18")
    assert result["tool_call_id"] == said["tool_calls"][0]["id"]


@pytest.mark.parametrize("system", [None, "You are careful."])
def test_other_forms_of_preference_and_kto_say_the_same(system: str | None) -> None:
    group = made_mixed_group(1)
    told = (Message(role="system", content=system),) if system else ()
    group = group.model_copy(update={"messages": (*told, *group.messages)})
    (pair,) = BUILDERS["preference"]([group], RECIPE)
    (conversations,) = BUILDERS["preference_conversations"]([group], RECIPE)
    (text,) = BUILDERS["preference_text"]([group], RECIPE)
    for side in ("chosen", "rejected"):
        assert conversations[side] == [*pair["prompt"], *pair[side]]
        assert text[side] == pair[side][0]["content"]
    assert (text["system"], text["prompt"]) == (system, group.messages[-1].content)
    labels, plain = BUILDERS["kto"]([group], RECIPE), BUILDERS["kto_text"]([group], RECIPE)
    assert [row["completion"] for row in plain] == [row["completion"][0]["content"] for row in labels]
    assert {(row["system"], row["prompt"]) for row in plain} == {(system, group.messages[-1].content)}
    # Turns that show the teacher an example are no plain text.
    shown = (Message(role="user", content="1 + 1?"), Message(role="assistant", content="2"), *group.messages)
    taught = group.model_copy(update={"messages": shown})
    assert BUILDERS["preference_text"]([taught], RECIPE) == BUILDERS["kto_text"]([taught], RECIPE) == []
    assert len(BUILDERS["preference_conversations"]([taught], RECIPE)) == 1


@pytest.mark.parametrize(
    ("verdicts", "rows"), [(("correct", "incorrect"), 2), (("incorrect", "incorrect"), 0), (("correct",), 0)]
)
def test_kto_has_both_labels_or_no_row(tmp_path: Path, verdicts: tuple[Verdict, ...], rows: int) -> None:
    staged = stage_rows("ducks", [(group_of(*verdicts),)], made_recipe("all_graded", "kto"), tmp_path)
    assert staged.counts["kto"] == rows
    assert ("kto" in staged.spools) is bool(rows)
