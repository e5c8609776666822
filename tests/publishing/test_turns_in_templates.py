"""Rows of `sft_turns` in the chat templates of four model families: every turn thinks, and no prompt shows a thought.

A row is trained on as the prompt in the template, opened for the assistant, and the turn as that family writes it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cotfactory.publishing.chat_template import ChatTemplate, chat_template
from cotfactory.publishing.products.row_parts import Row
from cotfactory.publishing.products.sft_turns import sft_turns_rows
from tests.publishing.made_groups import made_conversation, made_recipe

CONVERSATIONS = 1_000
EMPTY = re.compile(r"<think>\s*</think>|<\|channel\|>analysis<\|message\|>\s*<\|end\|>")
THOUGHT = "It is 18, as told. Thought {} of conversation {}."


class Family(NamedTuple):
    """How a family writes a turn after the opening that its template gives; `field` is where it reads thinking.

    `last_only`: its template writes the thinking of a last answer; else that of none.
    """

    opening: str
    turn: str
    field: str
    last_only: bool


FAMILIES = {
    "qwen3": Family(
        "<|im_start|>assistant\n",
        "<think>\n{thought}\n</think>\n\n{response}<|im_end|>\n",
        "reasoning_content",
        last_only=True,
    ),
    "deepseek_r1": Family(
        "<｜Assistant｜><think>\n",
        "{thought}\n</think>\n\n{response}<｜end▁of▁sentence｜>",
        "reasoning_content",
        last_only=False,
    ),
    "kimi_k2_5": Family(
        "<|im_assistant|>assistant<|im_middle|><think>",
        "{thought}</think>{response}<|im_end|>",
        "reasoning_content",
        last_only=False,
    ),
    "gpt_oss": Family(
        "<|start|>assistant",
        "<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant<|channel|>final<|message|>{response}<|return|>",
        "thinking",
        last_only=True,
    ),
}


def template_of(name: str) -> ChatTemplate:
    source = (Path(__file__).parent / "chat_templates" / f"{name}.jinja").read_text("utf-8")
    return chat_template(source, {"bos_token": "<begin>"})


@pytest.fixture(scope="module")
def conversations() -> list[list[Row]]:
    """The rows of conversations of three turns, whose thoughts all differ."""
    return list(_conversations())


def _conversations() -> Iterator[list[Row]]:
    recipe = made_recipe("sft_turns")
    for number in range(CONVERSATIONS):
        groups = made_conversation(number, turns=3, thought=THOUGHT)
        yield [sft_turns_rows([group], recipe)[0] for group in groups]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_turn_thinks_once_and_no_prompt_shows_a_thought(name: str, conversations: list[list[Row]]) -> None:
    family, template = FAMILIES[name], template_of(name)
    turns = empty = leaked = 0
    for rows in conversations:
        for row in rows:
            (turn,) = row["completion"]
            asked = template.render(row["prompt"], is_prompt=True)
            assert asked.endswith(family.opening)
            said = family.turn.format(thought=turn["reasoning_content"], response=turn["content"])
            turns += 1
            empty += EMPTY.search(family.opening + said) is not None
            leaked += "Thought" in asked
            assert (asked + said).count(turn["reasoning_content"]) == 1
            assert all(earlier["content"] in asked for earlier in row["prompt"])
    assert (turns, empty, leaked) == (3 * CONVERSATIONS, 0, 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_whole_conversation_in_one_row_loses_its_thinking(name: str, conversations: list[list[Row]]) -> None:
    """What a trainer loses that renders all turns together, and takes its loss on each answer."""
    family, rows = FAMILIES[name], conversations[0]
    thoughts = [row["completion"][0]["reasoning_content"] for row in rows]
    whole = [
        message
        for row in rows
        for message in (
            row["prompt"][-1],
            {"role": "assistant", "content": row["completion"][0]["content"], family.field: thoughts[row["turn"] - 1]},
        )
    ]
    text = template_of(name).render(whole)
    assert [thought in text for thought in thoughts] == [False, False, family.last_only]
    if family.last_only:  # as the row of the last turn is written, the template writes it too
        row = rows[-1]
        said = family.turn.format(thought=thoughts[-1], response=row["completion"][0]["content"])
        assert text == template_of(name).render(row["prompt"], is_prompt=True) + said
