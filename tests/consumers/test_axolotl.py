"""axolotl reads the rows by the very configuration that the card names, through its own loaders."""

from pathlib import Path
from typing import Any

import pytest

axolotl = pytest.importorskip("axolotl")
from axolotl.utils.data.rl import prepare_preference_datasets  # noqa: E402
from axolotl.utils.data.shared import load_dataset_with_config  # noqa: E402
from axolotl.utils.data.wrappers import get_dataset_wrapper  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402
from axolotl.utils.schemas.enums import RLType  # noqa: E402

from tests.consumers.card_lines import settings_on_the_card  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def configuration(dataset: dict[str, Any], tmp_path: Path, rl: RLType | None = None) -> DictDefault:
    return DictDefault(
        {
            "datasets": [{**dataset, "split": "train"}],
            "sequence_len": 4096,
            "train_on_inputs": False,
            "chat_template": "tokenizer_default",
            "dataset_prepared_path": str(tmp_path / "prepared"),
            "rl": rl,
        }
    )


def supervised(product: str, released: Path, tmp_path: Path, tokenizer: Any) -> Any:
    cfg = configuration(settings_on_the_card(released, "axolotl", product), tmp_path)
    rows = load_dataset_with_config(cfg.datasets[0], use_auth_token=False)
    kind = cfg.datasets[0].type
    return rows, get_dataset_wrapper(cfg.datasets[0], tokenizer, cfg, kind, rows)[0]


def preferred(product: str, rl: str, released: Path, tmp_path: Path, tokenizer: Any) -> Any:
    cfg = configuration(settings_on_the_card(released, "axolotl", product), tmp_path, RLType(rl))
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "config.json").write_text('{"model_type": "llama"}')
    cfg.base_model = cfg.base_model_config = cfg.tokenizer_config = str(tmp_path / "tokenizer")
    rows = load_dataset_with_config(cfg.datasets[0], use_auth_token=False)
    return rows, prepare_preference_datasets(cfg, tokenizer)[0]


def learnt(row: Any, tokenizer: Any) -> str:
    return str(tokenizer.decode([token for token in row["labels"] if token != -100]))


def test_sft_trains_on_the_assistants_turn(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    rows, prepared = supervised("sft", released, tmp_path, tokenizer)
    assert len(prepared) == len(rows)
    assert rows[0]["messages"][-1]["content"] in learnt(prepared[0], tokenizer)
    assert rows[0]["messages"][0]["content"] not in learnt(prepared[0], tokenizer)


def test_steps_have_their_labels_at_their_ends(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    rows, prepared = supervised("steps", released, tmp_path, tokenizer)
    assert [label for label in prepared[0]["labels"] if label != -100] == [int(good) for good in rows[0]["labels"]]
    assert tokenizer.decode(prepared[0]["input_ids"]) == rows[0]["prompt"] + "".join(rows[0]["completions"])


def test_pairs_keep_prompt_and_both_sides(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    rows, prepared = preferred("preference", "dpo", released, tmp_path, tokenizer)
    assert len(prepared) == len(rows)
    row, said = rows[0], prepared[0]
    assert row["prompt"][0]["content"] in said["prompt"]
    for side in ("chosen", "rejected"):
        assert said[side].startswith(row[side][0]["content"])


def test_labels_of_kto_go_with_prompt_and_completion(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    rows, prepared = preferred("kto_text", "kto", released, tmp_path, tokenizer)
    assert [row["label"] for row in prepared] == list(rows["label"])
    assert prepared[0]["prompt"] == rows[0]["prompt"]
    assert prepared[0]["completion"] == rows[0]["completion"]
