"""Loops, foreign scripts, other voices: found, and not found where a good chain looks alike."""

import pytest

from cotfactory.curation.chain_checks.language import foreign_share, other_language
from cotfactory.curation.chain_checks.repetition import repetitions
from cotfactory.curation.chain_checks.unclosed_reasoning import unclosed_reasoning
from cotfactory.curation.chain_checks.voices import leaked_role, self_naming
from cotfactory.curation.languages import is_plainly_english, languages, prose_of
from cotfactory.schemas.curation import Repetition
from cotfactory.schemas.refusals import refusal
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
        ("It is 7.\nSo it is 7 apples.\n" + "It is 7 apples.\n" * 12, True),  # a line too short for a sentence
        ("所以我们再检查一遍这个结果。" * 12, True),  # a full stop of another script, and nothing after it
        ("so " + "e" * 400, True),  # one sign, in fewer bytes than compression judges
        ("good 🎉🙂" * 40, True),
        ("".join(f"Try {n}: {n} * 3 = {3 * n}, no.\n" for n in range(60)), True),  # counts up and gets nowhere
        ("".join(f"But maybe it is {n} after all, I doubt it. " for n in range(40)), True),
        ("First I add the tens.\nThen I add the ones of them.\n" * 8 + VARIED[:300], True),  # most of it comes again
        ("".join(f"Try {n}: {n} * 3 = {3 * n}, no.\n" for n in range(12)), False),  # trying twelve is work
        ("So 1/3 = 0." + "3" * 300, False),  # digits
        ("-" * 300 + "\n" + "=" * 300 + "─" * 300, False),  # rules
        (r"\quad " * 30, False),  # LaTeX that sets a line
        (r"\frac{1}{2} & " * 20, False),  # a matrix
        ("| 0 | 1 |\n" * 60, False),
        ("ha ha ha ha, said the ten of them. Yes, yes, yes, yes.", False),
    ],
)
def test_repetition(text: str, found: bool) -> None:
    assert [bool(said) for said in repetitions([VARIED, text], Repetition())] == [False, found]


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


ENGLISH = "Nora picks forty-eight pears in autumn and half as many in winter. How many pears does she pick?"
GERMAN = "Nora pflückt im Herbst achtundvierzig Birnen und im Winter halb so viele. Wie viele pflückt sie?"


@pytest.mark.parametrize(
    ("chain", "prompt", "found"),
    [
        ("In winter she picks 48 / 2 = 24 pears, so together it is 48 + 24 = 72 pears.", ENGLISH, None),
        ("Im Winter pflückt sie 24 Birnen, also zusammen 48 + 24 = 72 Birnen.", ENGLISH, "de"),
        ("En hiver elle cueille 24 poires, donc en tout cela fait 72 poires.", ENGLISH, "fr"),
        ("En invierno recoge la mitad, 24 peras, así que en total son 72 peras.", ENGLISH, "es"),
        ("D'inverno raccoglie la metà, cioè 24 pere, quindi in tutto sono 72 pere.", ENGLISH, "it"),
        ("Mùa đông cô ấy hái được một nửa, tức là 24 quả lê, vậy tổng cộng là 72 quả.", ENGLISH, "vi"),
        ("Το χειμώνα μαζεύει τα μισά, δηλαδή 24 αχλάδια, άρα συνολικά είναι 72 αχλάδια.", ENGLISH, "el"),
        ("In winter she picks 48 / 2 = 24 pears, so together it is 48 + 24 = 72 pears.", GERMAN, "en"),
        ("Im Winter pflückt sie 24 Birnen, also zusammen 48 + 24 = 72 Birnen.", GERMAN, None),
        (
            "Im Winter pflückt sie 24 Birnen, also zusammen 72 Birnen.",
            f"Answer in German: {ENGLISH}",
            None,
        ),  # asked for
        ("Also 72 Birnen.", ENGLISH, None),  # too short to have a language
        ("In winter she picks twenty-four pears, so it is seventy-two.", "x + 24 = 72, x = ?", None),  # nor has this
        ("$\\text{Im Winter pflückt sie 24 Birnen, also zusammen 72 Birnen.}$", ENGLISH, None),  # no prose
    ],
)
def test_language_of_prose(chain: str, prompt: str, found: str | None) -> None:
    assert other_language(chain, prompt) == found


PLAIN = "So we take the first of them, and what is left is then each of the others that she has."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PLAIN, True),
        (f"{PLAIN} It isn’t π – \u00bd of it.".replace("π", "3 ×"), True),
        (f"Ik neem de eerste, en wat er over is gaat naar de anderen die zij nog heeft. {PLAIN[:40]}", False),
        (f"{PLAIN} {CHINESE}", False),
        ("the the the the of of of of and and und der Apfel ist sehr lecker", False),  # few different words
        ("It is 42.", False),  # too little to be plain
        (f"```{PLAIN}```", False),  # no prose
        ("", False),
    ],
)
def test_plain_english_needs_no_model(text: str, found: bool) -> None:
    assert is_plainly_english(prose_of(text)) == found
    if found:
        assert languages(prose_of(text), 20)["en"] > 0.9


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
        ("I can't help with that. It is 42.", True),
        ("I’m not able to answer this question.", True),  # a typographic apostrophe
        ("I cannot and will not answer this.", True),
        ("I must respectfully decline.", True),
        ("I'm going to have to decline.", True),
        ("I'd prefer not to answer this.", True),
        ("I'm just an AI and can't help with that.", True),
        ("Thank you for asking, but I am not allowed to discuss it.", True),
        ("This question goes against my guidelines.", True),
        ("That's not something I'm comfortable with.", True),
        ("It would not be appropriate to answer.", True),
        ("I do not have permission to say.", True),
        ("Malheureusement, je ne peux pas répondre à cette question.", True),
        ("Leider kann ich diese Frage nicht beantworten.", True),
        ("Lo siento, pero no puedo ayudarte.", True),
        ("Sinto muito, mas não posso ajudar.", True),
        ("К сожалению, я не могу помочь.", True),
        ("很抱歉,我不能讨论这个话题。", True),
        ("申し訳ありませんが、お答えできません。", True),
        ("죄송하지만 도와드릴 수 없습니다.", True),
        ("Sorry — I can't go into that.", True),
        ("I have to pass on this question.", True),
        ("That's outside of what I'm able to assist with.", True),
        ("My instructions don't let me answer.", True),
        ("I am programmed not to discuss this topic.", True),
        ("Ik kan je daar helaas niet bij helpen.", True),
        ("I will skip this step and compute directly: 3 * 4 = 12.", False),
        ("I have to pass on the remaining 3 cookies, so 5 stay.", False),
        ("This is outside the interval, so x = -2 is no solution.", False),
        ("It is beyond what the 40 dollars can pay, so 3 books.", False),
        ("I'm told not to count the first, so 7 - 1 = 6.", False),
        ("I cannot complete the square directly, so I use the formula.", False),
        ("I can't use 5 twice, so it is 12.", False),
        ("No, it is not prime. I will not count 1.", False),
        ("Unfortunately, I cannot find a closed form; in numbers it is 3.", False),
        ("This problem is not something I have seen, but let us start.", False),
        ("It would not be appropriate to round here.", False),
        ("Leider ist 91 nicht prim: 7 * 13.", False),
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
        ("I am a large language model.", "", True),
        ("That is not in my training data, and my last update says nothing.", "", True),
        ("It was trained by xAI.", "", True),
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
