"""Files by which trainers read a release as it is: `dataset_info.json` for LLaMA-Factory, rows of NeMo-Gym."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cotfactory.rewards.gym_wire import gym_row
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.teaching import Message

DATASET_INFO = "dataset_info.json"
BATCH = 512
SHARD = re.compile(r"(?P<product>[a-z_]+)/(?P<split>train|test)-(?P<number>\d{5})-of-\d{5}\.parquet")
_TURNS = {
    "formatting": "sharegpt",
    "columns": {"messages": "messages"},
    "tags": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    },
}
LLAMA_FACTORY: Mapping[str, Mapping[str, Any]] = {
    "sft": _TURNS,
    "sft_chat_no_reasoning": _TURNS,
    "preference_text": {
        "ranking": True,
        "columns": {"prompt": "prompt", "system": "system", "chosen": "chosen", "rejected": "rejected"},
    },
    "kto_text": {"columns": {"prompt": "prompt", "system": "system", "response": "completion", "kto_tag": "label"}},
}
"""How LLaMA-Factory is to read a product; the others have rows that it reads in no form, or not as they are meant."""


def dataset_info(manifest: Manifest, repo: str | None) -> str:
    """Return LLaMA-Factory's `dataset_info.json`: each file that it can read, or each config of the repository `repo`.

    Names are `PRODUCT` and `PRODUCT_test`; of several files on disk, the others are `PRODUCT_2` and so on.
    """
    entries: dict[str, dict[str, Any]] = {}
    for file in manifest.files:
        found = SHARD.fullmatch(file.path)
        if found is None or found["product"] not in LLAMA_FACTORY:
            continue
        product, split, number = found["product"], found["split"], int(found["number"])
        name = product if split == "train" else f"{product}_{split}"
        if repo is None:
            place: dict[str, Any] = {"file_name": file.path}
            name += f"_{number + 1}" if number else ""
        else:
            place = {"hf_hub_url": repo, "subset": product, "split": split}
        entries[name] = place | dict(LLAMA_FACTORY[product])
    return json.dumps(entries, indent=2) + "\n"


def write_gym_rows(staged: Path, rl_shards: Sequence[Path]) -> list[Path]:
    """Write the problems of `rl` as NeMo-Gym's own rows, `rl/nemo_gym-SPLIT.jsonl`, and return the files."""
    files = []
    for split in sorted({shard.name.partition("-")[0] for shard in rl_shards}):
        path = staged / "rl" / f"nemo_gym-{split}.jsonl"
        with path.open("w", encoding="utf-8") as lines:
            for row in _rl_rows(shard for shard in rl_shards if shard.name.startswith(f"{split}-")):
                asked = gym_row(row["problem_id"], [Message.model_validate(message) for message in row["prompt"]])
                told = {**asked, "question": row["question"], "expected_answer": row["ground_truth"]}
                lines.write(json.dumps(told, ensure_ascii=False) + "\n")
        files.append(path)
    return files


def _rl_rows(shards: Iterator[Path]) -> Iterator[dict[str, Any]]:
    for shard in shards:
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(BATCH, columns=["problem_id", "prompt", "question", "ground_truth"]):
                yield from batch.to_pylist()
