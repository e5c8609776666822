"""The rows of `preference` and `kto` in the other forms that trainers read: whole conversations, plain text."""

from collections.abc import Sequence

from cotfactory.publishing.products.preference import kto_rows, preference_rows
from cotfactory.publishing.products.row_parts import Row
from cotfactory.schemas.group import Group
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product

SAID = ("chosen", "rejected", "completion")


def conversation_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return the pairs with the prompt in both sides."""
    return [_as_conversations(row) for row in preference_rows(groups, recipe)]


def preference_text_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return the pairs as plain text; a prompt of several turns is none, and has no row."""
    rows = preference_rows(groups, recipe)
    return [_as_text("preference_text", row) for row in rows if _is_one_question(row["prompt"])]


def kto_text_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return the rows of `kto` as plain text; a prompt of several turns is none, and has no row."""
    return [_as_text("kto_text", row) for row in kto_rows(groups, recipe) if _is_one_question(row["prompt"])]


def _as_conversations(row: Row) -> Row:
    told = {name: [*row["prompt"], *value] if name in SAID else value for name, value in row.items()}
    del told["prompt"]
    return {**told, "row_id": _row_id("preference_conversations", row)}


def _as_text(product: Product, row: Row) -> Row:
    told: Row = {}
    for name, value in row.items():
        if name == "prompt":
            told["system"] = value[0]["content"] if len(value) > 1 else None
            value = value[-1:]
        told[name] = value[0]["content"] if name in (*SAID, "prompt") else value
    return {**told, "row_id": _row_id(product, row)}


def _is_one_question(prompt: list[Row]) -> bool:
    return [message["role"] for message in prompt] in (["user"], ["system", "user"])


def _row_id(product: Product, row: Row) -> str:
    return content_id([product, row["row_id"]])
