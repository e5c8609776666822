"""Where the final answer of a response is, and when there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.extract import ExtractedAnswer, final_answer

FOUND = [
    # the last box is the answer; a box inside a box is opened; a box may hold anything balanced
    ("So it is \\boxed{42}.", "42", "boxed"),
    ("First I got \\boxed{5}. Rechecking: the final answer is \\boxed{6}.", "6", "boxed"),
    ("\\boxed{\\frac{1}{\\sqrt{2}}}", "\\frac{1}{\\sqrt{2}}", "boxed"),
    ("\\boxed{\\boxed{7}}", "7", "boxed"),
    ("\\[ \\boxed{\\{1, 2\\}} \\]", "\\{1, 2\\}", "boxed"),
    ("\\boxed 5 is it", "5", "boxed"),
    # prose after the box does not outrank it
    ("\\boxed{42} which simplifies to 41.", "42", "boxed"),
    # boxes joined by connectors are one list, whatever the marks between them
    ("$\\boxed{1}$ and $\\boxed{2}$", "1, 2", "boxed"),
    ("$$\\boxed{k = 45} \\quad \\text{and} \\quad \\boxed{n = 2}$$", "k = 45, n = 2", "boxed"),
    ("Either \\boxed{3} or \\boxed{4}.", "3 or 4", "boxed"),
    ("\\boxed{5}, \\boxed{6} or \\boxed{7}", "5, 6 or 7", "boxed"),
    ("\\boxed{5}" + " " * 78 + ", \\boxed{6}", "5, 6", "boxed"),
    ("\\boxed{5}" + " " * 79 + ", \\boxed{6}", "6", "boxed"),  # too far apart to be one list
    ("\\boxed{5} maybe, yes: \\boxed{5}", "5", "boxed"),  # doubted and confirmed
    ("\\boxed{5} maybe " + "x" * 113 + " \\boxed{6}", "6", "boxed"),  # the doubt is about something else
    ("\\fbox{7}", "7", "boxed"),
    # boxes side by side without a word between are alternatives that nobody chose among
    ("\\boxed{4}\n\\boxed{5}\n\\boxed{3}", "4 or 5 or 3", "boxed"),
    # a repeated one is no guess: the last one wins
    ("\\boxed{4} " * 20 + "\\boxed{3}", "3", "boxed"),
    # GSM8K and few-shot styles
    ("2 + 2 = 4\n#### 1,234", "1,234", "hash_line"),
    ("He has 3 left.\nA: 18", "18", "answer_line"),
    ("####\n#### 5", "5", "hash_line"),  # an empty line states nothing
    ("A：5", "5", "answer_line"),
    # statements, with the wrappers models put around them
    ("The final answer is $\\frac{1}{2}$. I hope it is correct.", "$\\frac{1}{2}$", "final_answer"),
    ("**Answer: 12**", "12", "answer_is"),
    ("The answer is **12**.", "12", "answer_is"),
    ("So the answer is:\n\n\\[ x = 5 \\]\n", "\\[ x = 5 \\]", "answer_is"),
    ("The answer is 42. Note: 17 people attended.", "42", "answer_is"),
    ("The answer is 42 because geometry proves it", "42", "answer_is"),
    ("Final answer: the volume of the box is 120.", "120", "final_answer"),
    ("The answer to the second part is 3.5 cm.", "3.5 cm", "answer_is"),
    ("The answer is 4:30 p.m. on Monday.", "4:30 p.m. on Monday", "answer_is"),
    ("The answer is $$5$$ units. Yes", "$$5$$ units", "answer_is"),
    # a formula that spans lines, or has a full stop in it, is stated whole
    ("The answer is \\[\nx = 5\n\\]\nDone.", "\\[\nx = 5\n\\]", "answer_is"),
    ("The answer is \\[ x =\n5 \\] cm. Done.", "\\[ x =\n5 \\] cm", "answer_is"),
    ("The answer is $\\{1. 2\\}$.", "$\\{1. 2\\}$", "answer_is"),
    ("The answer is $5", "$5", "answer_is"),  # money
    ("The answer is approximately 5", "5", "answer_is"),
    ("The answer is 5, so done", "5", "answer_is"),
    ("The answer is a word, because so", "a word", "answer_is"),
    ("The answer is 5. The student's answer is 6.", "5", "answer_is"),  # not the model's own
    # "the final answer" outranks an interim "the answer"
    ("The answer is 5 so far.\nFinal answer: 6", "6", "final_answer"),
    # nothing but the answer; one formula; a conclusion with one formula
    ("42", "42", "only_line"),
    ("1" * 200, "1" * 200, "only_line"),  # the longest
    ("one two three four", "one two three four", "only_line"),
    ("We find that $x \\neq 3$.", "x \\neq 3", "only_formula"),
    ("$28$ pct", "28%", "only_formula"),
    ("$28$ percent", "28%", "only_formula"),
    ("With $a=2$ and $b=3$.\nTherefore the sum is $5$.", "5", "conclusion"),
    # a conclusion whose subject is set in mathematics too, or that counts
    ("$x=7$. So, the pair $(x, y)$ is $(7, 6)$.", "(7, 6)", "conclusion"),
    ("Take $d = 1$ or $d = 2$. Therefore, there are 12 such rows. I hope it is correct.", "12", "conclusion"),
    ("$a$ and $b$.\nThus $c$ is $d$", "d", "conclusion"),
    # a line of words and formulas is handed out whole
    ("$f(x) = a^x$ for some $a > 0$", "$f(x) = a^x$ for some $a > 0$", "whole_line"),
    # what a chat template leaves behind
    ("The answer is 8. <|im_end|>\n<|im_start|>user", "8", "answer_is"),
    ("\\boxed{8}</s>", "8", "boxed"),
    ("linear<|im_end|><|im_start|>user", "linear", "only_line"),
    # a role's name is a word like any other where no mark stands before it
    ("The answer is: linear system", "linear system", "answer_is"),
    ("The answer is: the user", "the user", "answer_is"),
    ("system", "system", "only_line"),
    # a box that an instruction speaks of is none
    ("Put the answer in \\boxed{}.\n\nThe answer is 8.", "8", "answer_is"),
    ("Use \\boxed{answer}. The answer is 8.", "8", "answer_is"),
    # words between the noun and what binds it to the value
    ("The answer (in cm) is 8.", "8", "answer_is"),
    ("The answer we are looking for is 8.", "8", "answer_is"),
    # the other of a contrast, and what is only ruled out
    ("The answer is not 7 but 8.", "8", "answer_is"),
    ("Die Antwort ist nicht 7, sondern 8.", "8", "answer_is"),
    ("The answer is 8 and not 7.", "8", "answer_is"),
    ("The answer is 8 rather than 7.", "8", "answer_is"),
    # a decimal behind an exact value, and a sentence about the answer
    ("The answer is 2/3, approximately 0.67.", "2/3", "answer_is"),
    ("The answer is 2/3 (about 0.67).", "2/3", "answer_is"),
    ("The answer is 42. The answer is divisible by 7.", "42", "answer_is"),
    ("**Answer:** 42\n\n**Explanation:** The answer is the product of 6 and 7.", "42", "answer_is"),
    ("The answer is 42, and no other number works.", "42", "answer_is"),
    # two stars between values are a power, around words they are bold
    ("The answer is 2**3.", "2**3", "answer_is"),
    ("The answer is **23**.", "23", "answer_is"),
    ("*Answer:* 42", "42", "answer_is"),
    ("__Answer:__ 42", "42", "answer_is"),
    ("## Answer\n\n- 42", "42", "answer_is"),  # an item of a list, not minus 42
    ("The answer is 5! = 120.", "5! = 120", "answer_is"),
    ("The answer is Mr. Smith.", "Mr. Smith", "answer_is"),
    ("The answer must therefore be 42.", "42", "answer_is"),
    ("Answer -> 42", "42", "answer_is"),
    ("Die Antwort lautet also 42.", "42", "answer_is"),
    ("La réponse est donc 42.", "42", "answer_is"),
    ("答えは、42です", "42", "answer_is"),
    # marks of a page and of a derivation around the only line
    ("---\n**42**\n---", "42", "only_line"),
    ("=> 42", "42", "only_line"),
    ("No, they do not meet.", "No", "only_line"),
    ("60 % of the tank is full.", "60 %", "first_number"),
]


@pytest.mark.parametrize(("response", "answer", "rule"), FOUND)
def test_answer_and_rule(response: str, answer: str, rule: str) -> None:
    found = final_answer(response)
    assert (found.answer, found.rule) == (answer, rule)


MISSING = [
    ("", "empty_response"),
    ("\\boxed{5", "unclosed_box"),  # cut by a limit: an earlier box is no final answer either
    ("\\boxed{4} and then \\boxed{5", "unclosed_box"),
    ("\\boxed{}", "empty_box"),
    ("I get \\boxed{5}, or maybe \\boxed{6} if the question means that", "several_answers"),
    ("The answer is not 42.", "no_final_answer"),
    ("Problem: what is 17*23? Expected answer: 391. I am confident the answer follows.", "no_final_answer"),
    ("$x=1$ or so.\nTherefore, there are 12 or 13 such rows.", "no_final_answer"),
    # several formulas, and no last line that concludes with one
    ("We add $a$ and $b$.\nThe sum is $5$.", "no_final_answer"),
    ("It isn't $5$.", "no_final_answer"),
    ("$a$ and $b$.\nThus $c$ is $d$ for all $x$", "no_final_answer"),
    ("The wrong answer is 5.", "no_final_answer"),
    ("1" * 201, "no_final_answer"),
    ("\\boxed{5} " + "x" * 112 + " maybe \\boxed{6}", "several_answers"),
    ("one two three four five", "no_final_answer"),  # a sentence has to say what its answer is
    ("5\n6", "no_final_answer"),
    ("The answer is not 8 but I cannot find it.", "no_final_answer"),
    ("42 is the wrong answer.", "no_final_answer"),
    ("The answer must not be 42.", "no_final_answer"),
    ("The naive answer is 42.", "no_final_answer"),
    ("John's answer is 42.", "no_final_answer"),
    ("The obvious answer is 42. The obvious answer is wrong.", "taken_back"),
    # guesses in boxes, told apart by number, by name or by nothing
    ("First guess: \\boxed{4}\nSecond guess: \\boxed{5}", "several_answers"),
    ("\\boxed{4} if n is even, \\boxed{5} if it is odd. The question does not say which.", "several_answers"),
    ("$x = \\boxed{4}$\n\nAnother reading gives \\boxed{5}.", "several_answers"),
    ("\\boxed{4} (if order counts)\n\\boxed{5} (if not)", "several_answers"),
    ("If x is positive, \\boxed{4}. Otherwise \\boxed{5}.", "several_answers"),
    # words in the box that take it back
    ("\\boxed{5?}", "taken_back"),
    ("\\boxed{\\neq 5}", "taken_back"),
    ("First we add the numbers.\nThen we subtract 4 from 9.", "no_final_answer"),
]


@pytest.mark.parametrize(("response", "reason"), MISSING)
def test_no_answer_and_why(response: str, reason: str) -> None:
    found = final_answer(response)
    assert (found.answer, found.reason) == (None, reason)


def test_other_statements_are_handed_out() -> None:
    assert final_answer("The answer is 5. Wait. The answer is 6.").others == ("5",)
    assert final_answer("Answer: 5\nOr perhaps:\nAnswer: 7").others == ("5",)
    assert final_answer("\\boxed{5}. So the final answer is 6.").others == ("6",)
    assert final_answer("A: 5\nQ: next one\nA: 9").others == ("5",)


PARTS = [
    ("(a) \\boxed{3}\n(b) \\boxed{5}", ("3, 5",)),
    ("1. \\boxed{3}\n2. \\boxed{5}", ("3, 5",)),  # numbered lines
    ("Question 1: \\boxed{3}\nQuestion 2: \\boxed{5}", ("3, 5",)),
    ("The first number is \\boxed{3} and the second is \\boxed{5}.", ("3, 5",)),  # told apart in one sentence
    ("\\boxed{3} pens and \\boxed{5} cups", ("3, 5", "3 pens and 5 cups")),
    ("2. \\boxed{3}\n1. \\boxed{5}", ()),  # not in order
    ("We get \\boxed{3}, so the answer is \\boxed{5}.", ()),  # a step and the answer
    ("\\boxed{3} is wrong and \\boxed{5} is right.", ()),
]


@pytest.mark.parametrize(("response", "readings"), PARTS)
def test_boxes_of_parts_may_be_read_as_one_list(response: str, readings: tuple[str, ...]) -> None:
    assert final_answer(response).readings == readings


def test_a_sentence_in_capitals_keeps_its_which() -> None:
    assert final_answer("The answer is THE FACE WHICH SHE SHOWED.").answer == "THE FACE WHICH SHE SHOWED"


@given(st.text(alphabet="\\boxed{}$ ()[]answeri:#A.\n5or", max_size=300))
def test_any_text_gives_an_extraction(text: str) -> None:
    found = final_answer(text)
    assert isinstance(found, ExtractedAnswer)
    assert (found.answer is None) == (found.reason != "found")


@pytest.mark.parametrize(
    "bait",
    ["\\boxed{" * 20_000, "answer " * 60_000, "a'" * 200_000, "$" * 300_001, "#" * 300_000, "\\(" * 100_000,
     "answer" + " " * 300_000, "A:" + " " * 300_000, "{" * 300_000 + "\\boxed{1}", "the answer is " * 30_000],
)  # fmt: skip
def test_megabytes_of_bait_come_back(bait: str) -> None:
    # The suite's own limit is the proof of linear time: a quadratic rule takes minutes on these.
    assert isinstance(final_answer(bait), ExtractedAnswer)
