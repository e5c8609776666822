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
    "sft": ("1.2.0", "1387f1ab4344"),
    "sft_chat_reasoning_content": ("1.1.0", "c9247e2e6fbf"),
    "sft_chat_no_reasoning": ("1.1.0", "c76cb16ccd08"),
    "preference": ("1.2.0", "532af16b02f2"),
    "kto": ("1.1.0", "f4fc0b3d2849"),
    "rl": ("1.2.0", "93df7348be53"),
    "self_correction": ("1.1.0", "5b1a10660a27"),
    "all_graded": ("1.1.0", "eabe3422a43f"),
    "steps": ("1.0.0", "ec6b5479a4bf"),
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
