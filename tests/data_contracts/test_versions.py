"""A contract's version goes up with what it promises: columns, facts and expectations are pinned to it here."""

import hashlib
import json
from typing import get_args

import pytest

from cotfactory.data_contracts.contract import load_contract
from cotfactory.data_contracts.release_contract import load_release_contract
from cotfactory.schemas.recipe import Product
from cotfactory.schemas.record import Record

PINNED: dict[str, tuple[str, str]] = {
    "sft": ("1.6.0", "893243f506ee"),
    "sft_chat_reasoning_content": ("1.5.0", "3a1bd57d05d3"),
    "sft_chat_no_reasoning": ("1.5.0", "a693bdd0010b"),
    "sft_tools": ("1.2.0", "8f23d0660b4d"),
    "sft_turns": ("1.0.0", "4ab9ca0544f2"),
    "sft_policy": ("1.0.0", "e861da976dae"),
    "preference": ("1.8.0", "c8a8bd8f1f56"),
    "preference_conversations": ("1.1.0", "8cfe616c4205"),
    "preference_text": ("1.1.0", "08347a95addb"),
    "kto": ("1.5.0", "0b21bd2bc941"),
    "kto_text": ("1.1.0", "b09800b98486"),
    "rl": ("1.7.0", "695f763d4b2c"),
    "self_correction": ("2.1.0", "970e3546b3f8"),
    "all_graded": ("1.5.0", "6297e80801a2"),
    "steps": ("2.1.0", "c69ffe021dbe"),
    "reviews": ("1.0.0", "7b6f2f205941"),
    "release": ("1.3.0", "f55cb7a389ef"),
}
"""After a change: a new number (columns gone or retyped: major; columns or promises added: minor; words: patch), then
the digest that the failing test names."""


def digest(contract: Record) -> str:
    told = json.dumps(contract.model_dump(mode="json", exclude={"version"}), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@pytest.mark.parametrize("subject", [*get_args(Product), "release"])
def test_version_is_that_of_what_is_promised(subject: Product | str) -> None:
    contract = next(
        (load_contract(product) for product in get_args(Product) if product == subject), load_release_contract()
    )
    assert (contract.version, digest(contract)) == PINNED[subject]
