"""torchtune's own builders read the rows as the card says."""

import re
from pathlib import Path
from typing import Any

import pytest

torchtune = pytest.importorskip("torchtune")
from torchtune.datasets import chat_dataset, preference_dataset  # noqa: E402

from tests.consumers.card_lines import card_line  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class WrittenOut:
    """A tokenizer of torchtune's protocol whose tokens are the signs of each message; the mask is its own."""

    max_seq_len = None

    def tokenize_messages(self, messages: Any, add_end_tokens: bool = True) -> tuple[list[int], list[bool]]:
        signs = [(ord(sign), message.masked) for message in messages for sign in message.text_content]
        return [sign for sign, _ in signs], [masked for _, masked in signs]

    def __call__(self, sample: dict[str, Any], inference: bool = False) -> dict[str, Any]:
        tokens, mask = self.tokenize_messages(sample.pop("messages"))
        return {**sample, "tokens": tokens, "mask": mask}


def options(released: Path, product: str) -> dict[str, str]:
    """Return the options that the card gives (`source: ...`), with the release's folder for PATH."""
    found = re.findall(r"`(\w+): ([^`]+)`", card_line(released, "torchtune", product))
    return {name: value.replace("PATH", str(released)) for name, value in found}


def written(tokens: list[int]) -> str:
    return "".join(chr(token) for token in tokens if token != -100)


def test_sft_trains_on_the_assistants_turn(released: Path) -> None:
    rows = chat_dataset(WrittenOut(), **options(released, "sft"))
    row, messages = rows[0], rows._data[0]["messages"]
    assert written(row["tokens"]) == "".join(message["content"] for message in messages)
    assert written(row["labels"]) == messages[-1]["content"]


def test_pairs_are_whole_conversations(released: Path) -> None:
    rows = preference_dataset(WrittenOut(), **options(released, "preference_conversations"))
    row, told = rows[0], rows._data[0]
    for side in ("chosen", "rejected"):
        assert written(row[f"{side}_input_ids"]) == "".join(message["content"] for message in told[side])
        assert written(row[f"{side}_labels"]) == told[side][-1]["content"]
