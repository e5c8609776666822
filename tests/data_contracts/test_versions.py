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
    "sft": ("1.4.0", "c9a70762e5d6"),
    "sft_chat_reasoning_content": ("1.3.0", "0da3b411fee6"),
    "sft_chat_no_reasoning": ("1.3.0", "dbc0f907b6f4"),
    "sft_tools": ("1.0.0", "dba9ceae8e35"),
    "preference": ("1.6.0", "22b6a69b17f8"),
    "kto": ("1.3.0", "20ab1505a549"),
    "rl": ("1.5.0", "a1890e5c8dba"),
    "self_correction": ("1.3.0", "e16b2f89cd27"),
    "all_graded": ("1.4.0", "83ac06bbf61b"),
    "steps": ("1.2.0", "f87b19afad98"),
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
