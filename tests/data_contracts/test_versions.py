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
    "sft": ("1.3.0", "18af11180b9e"),
    "sft_chat_reasoning_content": ("1.2.0", "fdee832fe683"),
    "sft_chat_no_reasoning": ("1.2.0", "a55129563295"),
    "preference": ("1.3.0", "18a94a77108e"),
    "kto": ("1.2.0", "dd2f251df230"),
    "rl": ("1.4.0", "a6cedd2bb03a"),
    "self_correction": ("1.2.0", "491448cdcd37"),
    "all_graded": ("1.2.0", "75547c21b451"),
    "steps": ("1.1.0", "ab625cf40b0e"),
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
