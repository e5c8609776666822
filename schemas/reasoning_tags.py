"""How models mark their thinking as text: one table and one splitter for whoever receives, grades, checks or publishes.

Where the thinking has a field of its own nothing of this is needed. Where it has not, each family of models has marks
of its own, and what a server's parser leaves in the text would be published as the answer.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class ReasoningTags(NamedTuple):
    """What opens a thought and what closes it."""

    opening: str
    closing: str


PUBLISHED = ReasoningTags("<think>", "</think>")
"""The pair that our own rows are written with."""

REASONING_TAGS = (
    PUBLISHED,  # DeepSeek-R1, Qwen, and most
    ReasoningTags("<thinking>", "</thinking>"),  # Reflection, Claude's habit
    ReasoningTags("<thought>", "</thought>"),  # Gemini's OpenAI layer
    ReasoningTags("<reasoning>", "</reasoning>"),
    ReasoningTags("<reason>", "</reason>"),
    ReasoningTags("<analysis>", "</analysis>"),
    ReasoningTags("<reflection>", "</reflection>"),
    ReasoningTags("<scratchpad>", "</scratchpad>"),
    ReasoningTags("<seed:think>", "</seed:think>"),  # Seed-OSS
    ReasoningTags("<mm:think>", "</mm:think>"),  # MiniMax
    ReasoningTags("[THINK]", "[/THINK]"),  # Magistral
    ReasoningTags("\u25c1think\u25b7", "\u25c1/think\u25b7"),  # Kimi
    ReasoningTags("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThoughts
    ReasoningTags("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A Reasoning
    ReasoningTags("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ReasoningTags("<|channel>thought", "<channel|>"),  # Gemma 4
)
"""The pairs that mean thinking, in either case, wherever they stand."""

ANSWER_WRAPPERS = (
    ReasoningTags("<answer>", "</answer>"),
    ReasoningTags("<response>", "</response>"),  # ERNIE
    ReasoningTags("<|begin_of_solution|>", "<|end_of_solution|>"),
    ReasoningTags("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
)
"""What some models put around the answer after their thinking; it is no part of the answer."""

CHANNEL_MARKS = ("<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>")
"""The marks of harmony, in which gpt-oss writes messages to channels: what is not `final` is thinking."""

_MESSAGE = re.compile(
    r"(?:<\|start\|>\w*(?: to=[^<]*)?)?<\|channel\|>\s*(?P<channel>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>"
)
_MESSAGE_END = re.compile(r"<\|(?:start|channel|end|return|call)\|>")
_BARE_CHANNELS = re.compile(r"assistant(final|analysis|commentary)")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)

MARKS = re.compile(
    "|".join(re.escape(mark) for mark in (*(tag for pair in REASONING_TAGS for tag in pair), *CHANNEL_MARKS)),
    re.IGNORECASE,
)
"""Any mark of thinking: in a text that was split well there is none."""

_FIRST_SIGNS = frozenset(
    mark[0] for mark in (*(tag for pair in (*REASONING_TAGS, *ANSWER_WRAPPERS) for tag in pair), *CHANNEL_MARKS)
)
"""How marks begin. Most answers have none of these signs, and to look for them costs a hundredth of a search."""


class Split(NamedTuple):
    """A text as thinking and answer; `is_closed` says whether the thinking, if there is any, came to its end."""

    reasoning: str | None
    response: str
    is_closed: bool = True


def split_thinking(text: str, own: tuple[str, str] | None = None) -> Split:
    """Return the thinking that stands between marks, None where there is none, and what is not thinking.

    `own` is a pair that this teacher uses beside those of the table. No mark of thinking is left in the reasoning.

    - `<think>3 + 4 = 7</think>The answer is 7.` -> (`3 + 4 = 7`, `The answer is 7.`)
    - `3 + 4 = 7</think>The answer is 7.` -> the same: some templates put the opening tag into the prompt
    - `<think>3 + 4` -> (`3 + 4`, ``), not closed: all of it is thinking
    - `The answer is 7.` -> (None, `The answer is 7.`)

    Text before the first opening tag is part of the response. With several thoughts the last closing tag counts, so
    that no piece of thinking is ever read as an answer; after the first one a tag in code (`` `</think>` ``) is only
    quoted.
    """
    if own is None and not text.startswith("analysis") and not any(sign in text for sign in _FIRST_SIGNS):
        return Split(None, text.strip())
    channels = _split_channels(text)
    reasoning, response, is_closed = channels if channels is not None else _split_tags(text, own)
    return Split(_without_marks(reasoning, own) or None if reasoning else None, without_wrapper(response), is_closed)


def begins_with_thinking(text: str, own: tuple[str, str] | None = None) -> bool:
    """Whether a text opens with a thought, or with the end of one, rather than speaking of one somewhere."""
    return text.lstrip().startswith("<|channel|>") or _tags(own).match(text.lstrip()) is not None


@lru_cache
def _tags(own: tuple[str, str] | None) -> re.Pattern[str]:
    pairs: Sequence[tuple[str, str]] = (*REASONING_TAGS, *((own,) if own else ()))
    opening, closing = ("|".join(re.escape(pair[side]) for pair in pairs) for side in (0, 1))
    return re.compile(f"(?P<closing>{closing})|(?P<opening>{opening})", re.IGNORECASE)


def _split_tags(text: str, own: tuple[str, str] | None) -> Split:
    if own is None and not MARKS.search(text):  # most texts: this search costs a quarter of the one that tells sides
        return Split(None, text.strip())
    tags = list(_tags(own).finditer(text))
    first_closing = next((tag.end() for tag in tags if tag.lastgroup == "closing"), None)
    quoted = [] if first_closing is None else [code.span() for code in _CODE.finditer(text, first_closing)]
    found = [tag for tag in tags if not any(start < tag.end() <= end for start, end in quoted)]
    if not found:
        return Split(None, text.strip())
    before = text[: found[0].start()] if found[0].lastgroup == "opening" else ""
    last_closing = next((tag for tag in reversed(found) if tag.lastgroup == "closing"), None)
    if last_closing is None:
        return Split(text[len(before) :], before.strip(), is_closed=False)
    thought, tail = text[len(before) : last_closing.start()], text[last_closing.end() :]
    if found[-1].start() > last_closing.start():  # a second thought that was never closed
        return Split(text[len(before) :], before.strip(), is_closed=False)
    return Split(thought, (before + tail).strip())


def _split_channels(text: str) -> Split | None:
    """Split messages to channels, with their marks or, where a server dropped those, by the words that are left.

    `<|channel|>analysis<|message|>3 + 4<|end|><|start|>assistant<|channel|>final<|message|>7.` and
    `analysis3 + 4assistantfinal7.` are both (`3 + 4`, `7.`).
    """
    messages = list(_MESSAGE.finditer(text)) if "<|channel|>" in text else []
    if messages:
        parts = [("analysis", text[: messages[0].start()])]  # the template may have opened the first channel
        for number, message in enumerate(messages):
            until = messages[number + 1].start() if number + 1 < len(messages) else len(text)
            end = _MESSAGE_END.search(text, message.end(), until)
            parts.append((message["channel"], text[message.end() : end.start() if end else until]))
    elif text.startswith("analysis") and (re.match(r"analysis(?=[A-Z])", text) or _BARE_CHANNELS.search(text)):
        words = _BARE_CHANNELS.split(text.removeprefix("analysis"))
        parts = [("analysis", words[0]), *zip(words[1::2], words[2::2], strict=True)]
    else:
        return None
    thought = "\n".join(said.strip() for channel, said in parts if channel != "final" and said.strip())
    answer = "\n".join(said.strip() for channel, said in parts if channel == "final")
    return Split(thought, answer, is_closed=any(channel == "final" for channel, _ in parts))


def _without_marks(reasoning: str, own: tuple[str, str] | None) -> str:
    return MARKS.sub("", _tags(own).sub("", reasoning)).strip()


def without_wrapper(response: str) -> str:
    """Return a response without the pair of marks around its end: `So <answer>7</answer>` is `So 7`."""
    for opening, closing in ANSWER_WRAPPERS:
        before, opened, rest = response.partition(opening)
        if not opened:
            continue
        inside, closed, after = rest.partition(closing)
        if not after.strip() and (closed or not before.strip()) and opening not in rest:
            return f"{before}{inside}".strip()
    return response
