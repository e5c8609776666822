"""OpenRLHF's own datasets read the rows by the options on the card."""

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest

openrlhf = pytest.importorskip("openrlhf")
from openrlhf.datasets import PromptDataset, RewardDataset, SFTDataset  # noqa: E402

from tests.consumers.card_lines import card_line  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def strategy(released: Path, product: str) -> Any:
    """Return what OpenRLHF hands to its datasets, with the options that the card gives (`--input_key messages ...`)."""
    told = card_line(released, "OpenRLHF", product).split("`")[1]
    words = shlex.split(told)
    options: dict[str, Any] = {"prompt_key": None, "chosen_key": "chosen", "rejected_key": "rejected"}
    for number, word in enumerate(words):
        if word.startswith("--"):
            follows = words[number + 1] if number + 1 < len(words) else "--"
            options[word.removeprefix("--")] = True if follows.startswith("--") else follows
    data = SimpleNamespace(**options)
    return SimpleNamespace(args=SimpleNamespace(data=data), is_rank_0=lambda: False)


def rows(released: Path, product: str, tmp_path: Path) -> Any:
    return datasets.load_dataset(str(released), product, split="train", cache_dir=str(tmp_path / "cache"))


def test_sft_learns_the_assistants_turn(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    told = rows(released, "sft", tmp_path)
    read = SFTDataset(told, tokenizer, 4096, strategy(released, "sft"), num_processors=1, multiturn=True)
    assert len(read) == len(told)
    tokens, _, mask = read[0]
    learnt = tokenizer.decode([token for token, counts in zip(tokens[0][1:], mask[0][:-1], strict=True) if counts])
    assert told[0]["messages"][-1]["content"] in learnt
    assert told[0]["messages"][0]["content"] not in learnt


def test_corrections_are_learnt_and_the_mistake_is_not(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    told = rows(released, "self_correction", tmp_path)
    read = SFTDataset(told, tokenizer, 4096, strategy(released, "self_correction"), num_processors=1)
    tokens, _, mask = read[0]
    learnt = tokenizer.decode([token for token, counts in zip(tokens[0][1:], mask[0][:-1], strict=True) if counts])
    assert told[0]["trigger"] in learnt
    assert learnt.count(told[0]["wrong_attempt"]) == tokenizer.decode(tokens[0]).count(told[0]["wrong_attempt"]) - 1


def test_pairs_are_whole_conversations(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    told = rows(released, "preference_conversations", tmp_path)
    read = RewardDataset(told, tokenizer, 4096, strategy(released, "preference_conversations"), num_processors=1)
    chosen, _, rejected, _, _ = read[0]
    for tokens, side in ((chosen, "chosen"), (rejected, "rejected")):
        text = tokenizer.decode(tokens[0])
        assert all(message["content"] in text for message in told[0][side])


def test_prompts_go_with_their_reference(released: Path, tmp_path: Path, tokenizer: Any) -> None:
    told = rows(released, "rl", tmp_path)
    read = PromptDataset(told, tokenizer, strategy(released, "rl"))
    _, prompt, label, _ = read[0]
    assert told[0]["prompt"][-1]["content"] in prompt
    assert label == told[0]["ground_truth"]
