"""What trainers find in a release beside the rows: LLaMA-Factory's `dataset_info.json`, NeMo-Gym's rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.trainer_files import DATASET_INFO, dataset_info
from tests.publishing.made_groups import made_facts, made_recipe
from tests.publishing.test_dataset_card import release_of


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = made_recipe("sft", "preference_text", "kto_text", "rl")
    return release_of(tmp_path_factory.mktemp("workspace"), recipe, made_facts())


def as_llama_factory_reads(entry: dict[str, Any], row: dict[str, Any]) -> tuple[str, list[str]]:
    """Prompt and responses of a row, as LLaMA-Factory's converters take them by an entry of `dataset_info.json`."""
    columns = entry["columns"]
    if entry.get("formatting") == "sharegpt":
        role, said = entry["tags"]["role_tag"], entry["tags"]["content_tag"]
        turns = row[columns["messages"]]
        assert [turn[role] for turn in turns] == [entry["tags"]["user_tag"], entry["tags"]["assistant_tag"]]
        return turns[0][said], [turns[1][said]]
    if entry.get("ranking"):
        return row[columns["prompt"]], [row[columns["chosen"]], row[columns["rejected"]]]
    assert isinstance(row[columns["kto_tag"]], bool)
    return row[columns["prompt"]], [row[columns["response"]]]


@pytest.mark.parametrize(("name", "responses"), [("sft", 1), ("preference_text", 2), ("kto_text", 1)])
def test_llama_factory_reads_the_folder(released: Path, name: str, responses: int) -> None:
    told = json.loads((released / DATASET_INFO).read_text())
    assert set(told) == {"sft", "preference_text", "kto_text"}
    row = pq.read_table(released / told[name]["file_name"]).to_pylist()[0]
    asked, said = as_llama_factory_reads(told[name], row)
    assert "How many more?" in asked
    assert len(said) == responses
    assert all(text.strip() for text in said)


def test_llama_factory_reads_the_repository(released: Path) -> None:
    told = json.loads(dataset_info(read_manifest(released), "org/ducks"))
    places = {name: (entry["hf_hub_url"], entry["subset"], entry["split"]) for name, entry in told.items()}
    assert places["kto_text"] == ("org/ducks", "kto_text", "train")
    assert all("file_name" not in entry for entry in told.values())


def test_nemo_gym_reads_its_rows(released: Path) -> None:
    rows = pq.read_table(sorted((released / "rl").glob("*.parquet"))).to_pylist()
    lines = [json.loads(line) for line in (released / "rl" / "nemo_gym-train.jsonl").read_text().splitlines()]
    assert [line["problem_id"] for line in lines] == [row["problem_id"] for row in rows]
    assert [line["responses_create_params"]["input"] for line in lines] == [row["prompt"] for row in rows]
    assert [(line["question"], line["expected_answer"]) for line in lines] == [
        (row["question"], row["ground_truth"]) for row in rows
    ]
    assert {file.path for file in read_manifest(released).files} >= {DATASET_INFO, "rl/nemo_gym-train.jsonl"}
