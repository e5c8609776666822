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
    "sft": ("1.5.0", "381f2408c437"),
    "sft_chat_reasoning_content": ("1.4.0", "1d42b7ed10b8"),
    "sft_chat_no_reasoning": ("1.4.0", "7a0417acb2b8"),
    "sft_tools": ("1.1.0", "c15cc6ec6ae4"),
    "preference": ("1.7.0", "6a90fd8cb14e"),
    "preference_conversations": ("1.0.0", "3fdc3397b5e4"),
    "preference_text": ("1.0.0", "1f989ca6e669"),
    "kto": ("1.4.0", "ee5f5e7cf7ce"),
    "kto_text": ("1.0.0", "dd7ef811b0cc"),
    "rl": ("1.6.0", "9112b9d693a8"),
    "self_correction": ("2.0.0", "8796d1f277f9"),
    "all_graded": ("1.4.0", "83ac06bbf61b"),
    "steps": ("2.0.0", "b5aca5ba58b6"),
    "reviews": ("1.0.0", "7b6f2f205941"),
    "release": ("1.2.0", "04f81c7017f0"),
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
