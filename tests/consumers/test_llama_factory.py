"""LLaMA-Factory's own loader reads the folder of a release by its dataset_info.json."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

llamafactory = pytest.importorskip("llamafactory")
from llamafactory.data.loader import _load_single_dataset  # noqa: E402
from llamafactory.data.parser import get_dataset_list  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def read(released: Path, product: str, stage: str, tmp_path: Path) -> Any:
    (found,) = get_dataset_list([product], str(released))
    data = DataArguments(dataset_dir=str(released), dataset=product)
    model = ModelArguments(model_name_or_path="none", cache_dir=str(tmp_path / "cache"))
    training = SimpleNamespace(local_process_index=0, seed=1, stage=stage)
    return _load_single_dataset(found, model, data, training)


def test_sft(released: Path, tmp_path: Path) -> None:
    row = read(released, "sft", "sft", tmp_path)[0]
    assert [message["role"] for message in row["_prompt"]] == ["user"]
    assert row["_response"][0]["content"].endswith(r"\boxed{18}.")


def test_pairs(released: Path, tmp_path: Path) -> None:
    row = read(released, "preference_text", "dpo", tmp_path)[0]
    assert row["_prompt"][0]["content"].startswith("A duck lays")
    chosen, rejected = row["_response"]
    assert r"\boxed{18}" in chosen["content"]
    assert rejected["content"] not in ("", chosen["content"])


def test_labels(released: Path, tmp_path: Path) -> None:
    rows = read(released, "kto_text", "kto", tmp_path)
    for row in rows:
        wanted, other = row["_response"]  # the one that the label is not has no content
        assert bool(wanted["content"]) != bool(other["content"])
    assert {bool(row["_response"][0]["content"]) for row in rows} == {True, False}
