"""Thinking between marks, as text: whatever the marks are, they reach neither the reasoning nor the answer."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cotfactory.schemas.reasoning_tags import (
    ANSWER_WRAPPERS,
    CHANNEL_MARKS,
    MARKS,
    REASONING_TAGS,
    ReasoningTags,
    Split,
    split_thinking,
)

OWN = ReasoningTags("<<ponder>>", "<</ponder>>")


@pytest.mark.parametrize("pair", REASONING_TAGS)
def test_every_pair_of_the_table(pair: ReasoningTags) -> None:
    opening, closing = pair
    assert split_thinking(f"{opening}3 + 4{closing}It is 7.") == Split("3 + 4", "It is 7.")
    assert split_thinking(f"{opening}\n3 + 4\n{closing}\n\nIt is 7.") == Split("3 + 4", "It is 7.")
    assert split_thinking(f"3 + 4{closing}It is 7.") == Split("3 + 4", "It is 7.")  # the template opened it
    assert split_thinking(f"{opening}3 + 4") == Split("3 + 4", "", is_closed=False)  # cut while thinking
    assert split_thinking(f"{opening.upper()}3 + 4{closing.title()}It is 7.") == Split("3 + 4", "It is 7.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 7.", Split(None, "It is 7.")),
        ("", Split(None, "")),
        ("<think></think>7", Split(None, "7")),  # thinking is switched off
        ("<think>a</think>6<think>b</think>7", Split("a6b", "7")),  # the 6 was not the last word
        ("<think>a</think>7<think>wait", Split("a7wait", "", is_closed=False)),  # thinking again, and cut
        ("Well. <think>3 + 4</think> 7", Split("3 + 4", "Well.  7")),
        ("It is 7.<think>or is it", Split("or is it", "It is 7.", is_closed=False)),
        ("<think>a<reasoning>b</reasoning></think>7", Split("ab", "7")),  # one pair within another
        ("<think>a</think><thinking>b</thinking>7", Split("ab", "7")),  # one after another
        # A tag that an answer quotes as code ends nothing.
        ("<think>a</think>`</think>` ends it", Split("a", "`</think>` ends it")),
        ("<think>a</think>\n```html\n<think>\n```\nis a tag", Split("a", "```html\n<think>\n```\nis a tag")),
        # gpt-oss writes messages to channels; only `final` is the answer.
        (
            "<|channel|>analysis<|message|>3 + 4<|end|><|start|>assistant<|channel|>final<|message|>7.",
            Split("3 + 4", "7."),
        ),
        (
            "<|start|>assistant<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>b"
            "<|end|><|start|>assistant<|channel|>final<|message|>7.<|return|>",
            Split("a\nb", "7."),
        ),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{}",
            Split("a", "{}"),
        ),
        ("3 + 4<|end|><|start|>assistant<|channel|>final<|message|>7.", Split("3 + 4", "7.")),  # opened by the template
        ("<|channel|>final<|message|>7.", Split(None, "7.")),
        ("<|channel|>analysis<|message|>3 + 4", Split("3 + 4", "", is_closed=False)),
        # The same from a server that drops the marks and leaves the words.
        ("analysis3 + 4assistantfinal7.", Split("3 + 4", "7.")),
        ("analysisWe need 3 + 4assistantcommentaryhmassistantfinalIt is 7.", Split("We need 3 + 4\nhm", "It is 7.")),
        ("analysisWe need 3 +", Split("We need 3 +", "", is_closed=False)),
        ("analysis of the data gives 7", Split(None, "analysis of the data gives 7")),
        ("The assistantfinal7 is a word", Split(None, "The assistantfinal7 is a word")),
        # Marks around the answer are no part of it.
        ("<think>a</think>\n<answer>7</answer>\n", Split("a", "7")),
        ("<answer>7</answer>", Split(None, "7")),
        ("So it is <answer>7</answer>", Split(None, "So it is 7")),
        ("<think>a</think><answer>7", Split("a", "7")),  # cut before its end
        ("<think>a</think><response>\n7\n</response>", Split("a", "7")),
        (
            "<|begin_of_thought|>a<|end_of_thought|>\n\n<|begin_of_solution|>7<|end_of_solution|>",
            Split("a", "7"),
        ),
        ("Write <answer>x</answer> after it.", Split(None, "Write <answer>x</answer> after it.")),  # spoken of
    ],
)
def test_split(text: str, expected: Split) -> None:
    assert split_thinking(text) == expected


def test_a_pair_of_the_teachers_own() -> None:
    assert split_thinking("<<ponder>>3 + 4<</ponder>>7", OWN) == Split("3 + 4", "7")
    assert split_thinking("<<ponder>>3 + 4<</ponder>>7").reasoning is None
    assert split_thinking("<think>3 + 4</think>7", OWN) == Split("3 + 4", "7")


PIECES = [
    *(tag for pair in (*REASONING_TAGS, *ANSWER_WRAPPERS, OWN) for tag in pair),
    *CHANNEL_MARKS,
    *("analysis", "assistantfinal", "final", "7", "wait, ", "\n", " ", "`", "```"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.sampled_from([None, OWN]))
def test_no_mark_reaches_the_reasoning_and_nothing_else_is_lost(text: str, own: ReasoningTags | None) -> None:
    reasoning, response, _ = split_thinking(text, own)
    assert reasoning is None or not MARKS.search(reasoning)
    assert reasoning != ""
    assert text.count("7") == (reasoning or "").count("7") + response.count("7")


@given(st.text(max_size=200))
def test_a_text_without_marks_is_left_as_it_is(text: str) -> None:
    assume(not MARKS.search(text) and not text.startswith("analysis"))
    assume(not any(opening in text for opening, _ in ANSWER_WRAPPERS))
    assert split_thinking(text) == Split(None, text.strip())
