"""A manifest holds the facts of its run as one record; one of before that reads as the same."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from cotfactory.schemas.manifest import FunnelStage, Manifest, ReleaseFacts

FACTS: dict[str, Any] = {
    "code_version": "0.1.0",
    "recipe_id": "r",
    "problems": "sums-000000000000",
    "created_at": "2026-11-20T00:00:00Z",
    "funnel": [{"stage": "problems", "count": 2}, {"stage": "kept", "count": 3}],
    "verdicts": {"correct": 3},
    "dropped": {"incorrect": 1},
    "teachers": [],
    "sandbox_images": ["sha256:1"],
}
OTHERS: dict[str, Any] = {
    "name": "sums",
    "version": "v1.0.0",
    "parent": None,
    "rows_sha": "s",
    "recipe": "{}",
    "rows": {"sft": 3, "rl": 2},
    "files": [],
    "contract_sha": {},
}


def test_the_funnel_ends_with_the_rows_of_all_products() -> None:
    manifest = Manifest(**OTHERS, facts=ReleaseFacts.model_validate(FACTS))
    assert [(stage.stage, stage.count) for stage in manifest.funnel] == [("problems", 2), ("kept", 3), ("rows", 5)]
    assert manifest.facts.created_at == datetime(2026, 11, 20, tzinfo=UTC)


def test_a_manifest_of_the_older_form_reads_as_the_same() -> None:
    older = {**OTHERS, **FACTS, "funnel": [*FACTS["funnel"], {"stage": "rows", "count": 5}]}
    read = Manifest.model_validate_json(json.dumps(older))
    assert read == Manifest.model_validate({**OTHERS, "facts": FACTS})
    assert Manifest.model_validate_json(read.model_dump_json()) == read
    assert read.funnel[-1] == FunnelStage(stage="rows", count=5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "ducks"},
        {**OTHERS, **FACTS, "more": 1},
        {**OTHERS, "facts": {}},
        {**OTHERS, **FACTS, "funnel": 7},
        {**OTHERS, **FACTS, "funnel": ["rows"]},
        [],
    ],
)
def test_what_is_no_manifest_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Manifest.model_validate(wrong)
