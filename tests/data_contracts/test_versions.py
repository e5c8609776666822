"""A contract's version goes up with what it promises: columns, facts and expectations are pinned to it here."""

import hashlib
import json
from typing import get_args

import pytest

from cotfactory.data_contracts.contract import load_contract
from cotfactory.data_contracts.release_contract import load_release_contract
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product

PINNED: dict[str, tuple[str, str]] = {
    "sft": ("1.7.0", "cc2f5486778f"),
    "sft_chat_reasoning_content": ("1.6.0", "0bb1ebb38078"),
    "sft_chat_no_reasoning": ("1.6.0", "1331660f8ab6"),
    "sft_tools": ("1.3.0", "e1681cdf70e5"),
    "sft_turns": ("1.1.0", "ddae44afb305"),
    "sft_policy": ("1.1.0", "973973612935"),
    "preference": ("1.9.0", "b295e74ff550"),
    "preference_conversations": ("1.2.0", "ba50985a3884"),
    "preference_text": ("1.2.0", "a2d44e3b1eca"),
    "kto": ("1.6.0", "19ff31048ea7"),
    "kto_text": ("1.2.0", "2fb64e143b1a"),
    "rl": ("1.8.0", "53b576a2e283"),
    "self_correction": ("2.2.0", "9b7e1418aa52"),
    "all_graded": ("1.6.0", "61b8cbbcda89"),
    "steps": ("2.2.0", "3a3a1ed7e0d6"),
    "reviews": ("1.1.0", "1782c221fff7"),
    "release": ("1.5.0", "e6e0e67d7021"),
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
