"""A contract's version goes up with what it promises: columns, facts and expectations are pinned to it here."""

import hashlib
import json
from typing import get_args

import pytest

from data_contracts.contract import load_contract
from data_contracts.release_contract import load_release_contract
from schemas.recipe import Product
from schemas.record import Record

PINNED: dict[str, tuple[str, str]] = {
    "sft": ("1.1.0", "64dcad20ea5e"),
    "sft_chat_reasoning_content": ("1.0.0", "a63b831f2bc5"),
    "sft_chat_no_reasoning": ("1.0.0", "8a065afa63a9"),
    "preference": ("1.1.0", "0cfb76cd791e"),
    "kto": ("1.0.0", "757b09b883f5"),
    "rl": ("1.1.0", "79ab5c8f4762"),
    "self_correction": ("1.0.0", "a9abd437fd26"),
    "all_graded": ("1.0.0", "9757e386c8a6"),
    "release": ("1.0.0", "8ae547da2dba"),
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
