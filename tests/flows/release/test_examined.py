"""A chain is examined once by the same rules; what changes them has all chains examined again."""

from pathlib import Path
from typing import Any

import pytest

from cotfactory.curation import examine as examining
from cotfactory.flows.release.examined import OF_SELECTION, rules_id
from cotfactory.schemas.curation import Curation
from tests.flows.conftest import WriteRecipe
from tests.flows.release.test_standing import run

OTHER_VALUES: dict[str, Any] = {
    "require_reasoning": True,
    "keep_hinted": True,
    "drop_wrong_steps": False,
    "personal_data": "label",
    "label_only": [],
    "repetition": {"sentences": 9},
    "max_foreign_letters": 0.5,
    "overlap": {"words_8": 0.4},
}


def test_every_key_is_of_the_rules_or_of_the_selection() -> None:
    assert OTHER_VALUES.keys() | OF_SELECTION == Curation.model_fields.keys()


@pytest.mark.parametrize("key", sorted(OTHER_VALUES))
def test_a_key_of_the_rules_makes_others(key: str) -> None:
    changed = Curation.model_validate({key: OTHER_VALUES[key]})
    assert rules_id(changed, None, allow_weak=False) != rules_id(Curation(), None, allow_weak=False)


def test_what_chooses_among_chains_does_not() -> None:
    changed = Curation.model_validate({"max_per_problem": 1, "near_duplicates": {"within": "off"}})
    assert rules_id(changed, None, allow_weak=False) == rules_id(Curation(), None, allow_weak=False)
    assert rules_id(Curation(), None, allow_weak=True) != rules_id(Curation(), None, allow_weak=False)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many chains were examined, batch by batch."""
    counts: list[int] = []
    examine = examining.examine

    def watching(asked: Any, *arguments: Any, **options: Any) -> Any:
        counts.append(len(asked))
        return examine(asked, *arguments, **options)

    monkeypatch.setattr("cotfactory.curation.select.examine", watching)
    return counts


def test_only_new_chains_are_examined(write_recipe: WriteRecipe, examined: list[int], tmp_path: Path) -> None:
    run(write_recipe(count=6), tmp_path / "w")
    assert sum(examined) == 18
    examined.clear()
    run(write_recipe(count=7), tmp_path / "w")
    assert sum(examined) == 3
    examined.clear()
    run(write_recipe(count=7, curation={"max_per_problem": 1}), tmp_path / "w")
    assert sum(examined) == 0
    run(write_recipe(count=7, curation={"max_foreign_letters": 1.0}), tmp_path / "w")
    assert sum(examined) == 21
