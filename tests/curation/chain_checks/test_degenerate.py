"""Loops, foreign scripts, other voices: found, and not found where a good chain looks alike."""

import pytest

from cotfactory.curation.chain_checks.language import foreign_share
from cotfactory.curation.chain_checks.repetition import repetition
from cotfactory.curation.chain_checks.unclosed_reasoning import unclosed_reasoning
from cotfactory.curation.chain_checks.voices import leaked_role, refusal, self_naming
from cotfactory.schemas.curation import Repetition
from tests.builders import a_candidate

VARIED = " ".join(f"In step {n} we take number {n * 7} and add the {n}th prime to what we had." for n in range(30))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We now add the two numbers. " * 12, True),
        ("We now add the two numbers. " * 9, False),
        ("and so on and so on and then " * 60, True),  # one sentence, a loop of phrases
        (VARIED, False),
        ("    else:\n" * 40, False),  # short lines of a program
        ("| 0 | 1 | 0 | 0 |\n" * 40, False),  # a table
        ("0 0 0 0 1 " * 100, False),  # a matrix
        ("ab" * 5_000, True),  # compresses to nothing
    ],
)
def test_repetition(text: str, found: bool) -> None:
    assert bool(repetition(text, Repetition())) == found


CHINESE = "首先我们把两个数相加然后乘以三得到结果所以最后的答案就是四十二这样就完成了证明过程并且没有错误地得到了结论"


@pytest.mark.parametrize(
    ("chain", "prompt", "found"),
    [
        (f"First we add. {CHINESE}", "What is 6 * 7?", True),
        (f"First we add. {CHINESE}", "六乘七等于多少？", False),  # the prompt's own script
        ("So the answer is forty-two, and Latin letters are part of every language's mathematics", "六乘七？", False),
        ("Let α and β be the roots, with γ = α + β, so that Δ is positive and Σ is finite there", "Find x.", False),
        (
            f"We print it: ```print('{CHINESE}')``` and that is all there is to say about the program",
            "Write it.",
            False,
        ),
        (
            f"The formula \\text{{}} $\\text{{{CHINESE}}}$ says what the area of the rectangle must be here",
            "Area?",
            False,
        ),
        ("Answer: 四十二", "What is 6 * 7?", False),  # too short to have a language
    ],
)
def test_language(chain: str, prompt: str, found: bool) -> None:
    assert (foreign_share(chain, prompt) > 0.05) == found


@pytest.mark.parametrize(
    ("chain", "prompt", "found"),
    [
        ("So it is 42.<|im_end|>", "", "<|im_end|>"),
        ("It is 42.\nHuman: What is 5?", "", "Human:"),
        ("The user: a person who asks", "", None),  # not at a line's start
        ("Human: hi\nIt says hi.", "Complete: Human: hi", None),  # the prompt's own words
        ("a [INST] b", "", "[INST]"),
        ("x[i] < y", "", None),
    ],
)
def test_roles(chain: str, prompt: str, found: str | None) -> None:
    assert leaked_role(chain, prompt) == found


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I am sorry, but I cannot provide an answer.", True),
        ("Unfortunately, I am unable to solve this.", True),
        ("Sorry, I made a slip above: it is 42.", False),
        ("The refusal reads: I'm sorry, but I can't help.", False),  # not the opening
    ],
)
def test_refusals(response: str, found: bool) -> None:
    assert bool(refusal(response)) == found


@pytest.mark.parametrize(
    ("chain", "prompt", "found"),
    [
        ("As an AI language model, I add.", "", True),
        ("I'm Claude, and it is 42.", "", True),
        ("I was developed by OpenAI.", "", True),
        ("My knowledge cutoff is in 2023; my knowledge cutoff matters", "", True),
        ("Claude has 5 apples and Gemini is a constellation.", "", False),
        ("It was developed by Google.", "A tool developed by Google ...", False),
    ],
)
def test_self_naming(chain: str, prompt: str, found: bool) -> None:
    assert bool(self_naming(chain, prompt)) == found


@pytest.mark.parametrize(
    ("response", "is_open"),
    [
        ("<think>6 * 7", True),
        # Closed or not: published between tags of ours, nobody could tell what is thought and what is answered.
        ("<think>6 * 7</think> 42", True),
        ("A thought ends with [/THINK], so 42", True),
        ("<|channel|>final<|message|>42", True),
        ("", True),  # all of it was thinking
        ("x < think", False),
    ],
)
def test_marks_of_thinking_in_a_response(response: str, is_open: bool) -> None:
    assert unclosed_reasoning(a_candidate(response)) == is_open
