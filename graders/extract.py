r"""Find the final answer in a response: one pass, linear, ordered rules, each with its reason code.

The response is read without its thinking; what an answer tag, a JSON object or a fenced block sets apart is read alone.
The rules, first match wins:

1. `boxed`        the last `\boxed{...}` that stands (`statements/boxed.py`).
2. `hash_line`    the line after `####`.
3. `answer_line`  a line that starts with `A:`.
4. `final_answer` "the final answer is ...", "Final Answer: ...".
5. `answer_is`    "the answer is ...", "Answer: ...", "Antwort: ..." (`statements/forms.py`).
6. `only_line`    the response is one short line and nothing else: "42".
7. `only_formula` the response has exactly one formula, between `$` or `\[ \]` marks.
8. `conclusion`   the last sentence begins with "so", "thus", "therefore", "hence" and has exactly one formula, or
                  ends in "is $...$" ("So, the pair $(x, y)$ is $(7, 6)$."), or counts: "Hence there are 12 ways".
9. `whole_line`   one short line of words and several formulas, handed out as it is: only the same line equals it.
10. `is_the_answer`, `first_number`   "42 is the answer", "5 cars are left" as the last line.

A statement that is supposed, quoted or denied was never made; one that is taken back takes those before it along
(`statements/standing.py`). Where nothing else is left the reason is `taken_back`.

Several different final answers are never a lucky pick: every other explicit statement is handed out in `others`,
and the grader says `no_answer / several_answers` when one of them has another verdict ("The answer is 5. ... The
answer is 6."). "Expected answer: 391" is not the model's own.
An unclosed box is `unclosed_box`, an empty one `empty_box`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cotfactory.graders.boxes import MAX_STATEMENTS
from cotfactory.graders.math.latex import MAX_ANSWER_CHARS
from cotfactory.graders.statements.boxed import stated_box
from cotfactory.graders.statements.forms import Form, find_forms
from cotfactory.graders.statements.last_line import Concluded, formula, only_line, sentence, whole_line
from cotfactory.graders.statements.payload import (
    corrected,
    is_comment,
    is_negated,
    is_refusal,
    payload,
    restatements,
    tidy,
)
from cotfactory.graders.statements.standing import is_taken_back, standing
from cotfactory.graders.statements.wrappers import opened, tagged_answers, without_tags


@dataclass(frozen=True)
class ExtractedAnswer:
    """What a response states: the answer and the rule that found it, or None and the reason there is none.

    `others` are other statements, `readings` other ways to read the same one (the boxes of all parts). `is_weak` says
    that it is a guess where the answer stands: it counts when it is right and says nothing when it is not.
    """

    answer: str | None
    rule: str | None = None
    reason: str = "found"
    others: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    is_weak: bool = False


def final_answer(response: str) -> ExtractedAnswer:
    """Return the final answer of a response, without its thinking, as written."""
    text = without_template_marks(response)
    if not text:
        return ExtractedAnswer(None, reason="empty_response")
    if tagged := tagged_answers(text):
        return _tagged(text, tagged)
    inside = opened(text)
    if inside != text:
        return _apart(inside)
    return _untagged(text)


_MARKS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|end|>",
    "</s>",
    "<EOS_TOKEN>",
)
_ROLES = ("user", "assistant", "system")


def without_template_marks(response: str) -> str:
    """Return a response without the marks of a chat template at its end, which a server that did not stop leaves."""
    text = response.strip()
    for _ in range(8):
        bare = text
        for role in _ROLES:
            if text.endswith(role) and text.removesuffix(role).rstrip().endswith("<|im_start|>"):
                bare = text.removesuffix(role).rstrip()
        bare = next((bare.removesuffix(mark).rstrip() for mark in _MARKS if bare.endswith(mark)), bare)
        if bare == text:
            return text
        text = bare
    return text


def _tagged(text: str, tagged: list[str]) -> ExtractedAnswer:
    """The last of the answers between tags; different ones, and a box outside of them, are other statements."""
    answers = [_apart(inside) for inside in tagged[-MAX_STATEMENTS:]]
    around = without_tags(text)
    if is_taken_back(around.rpartition("\n\n")[2]):
        return ExtractedAnswer(None, "tagged", "taken_back")
    if "\\boxed" in around and (outside := _untagged(around)).answer is not None:
        answers.insert(0, outside)
    last = answers[-1]
    others = [answer.answer for answer in answers[:-1] if answer.answer is not None]
    return replace(last, others=(*last.others, *_different(others, last.answer)))


def _apart(inside: str) -> ExtractedAnswer:
    """What a format sets apart is the answer, whatever it looks like, unless it states one inside."""
    found = _untagged(inside)
    if found.answer is not None and not found.is_weak:
        return found
    if found.reason not in ("found", "no_final_answer"):
        return found
    return ExtractedAnswer(inside[: MAX_ANSWER_CHARS + 1], "tagged")


def _untagged(text: str) -> ExtractedAnswer:
    boxed = _boxed(text) if "\\boxed" in text or "\\fbox" in text else None
    return (
        boxed
        or _hash_line(text)
        or _answer_lines(text)
        or _stated(text)
        or _concluded(text)
        or ExtractedAnswer(None, reason="no_final_answer")
    )


def _boxed(text: str) -> ExtractedAnswer | None:
    box = stated_box(text)
    if box is None:
        return None
    if box.reason == "empty_box" and (stated := _stated(text[box.end :])) is not None:
        return stated  # "Put the answer in \\boxed{}. ... The answer is 7."
    if box.content is None and box.reason != "taken_back":
        return ExtractedAnswer(None, "boxed", box.reason)
    later, _ = _statements(text[box.end :])
    if box.content is not None:
        values = [value for statement in later for value in statement.values]
        return ExtractedAnswer(box.content, "boxed", others=tuple(values[:MAX_STATEMENTS]), readings=box.readings)
    if later:
        return _chosen(later)
    if not box.is_taken_back and (stated := _stated(text)) is not None:
        return stated
    return ExtractedAnswer(None, "boxed", "taken_back")


def _hash_line(text: str) -> ExtractedAnswer | None:
    if "####" not in text:
        return None
    answers = [line.strip() for line in re.findall(r"####[ \t]*([^\n]*)", text)]
    return _agreeing([answer for answer in answers if answer], "hash_line")


_ANSWER_LINE = re.compile(r"^[ \t]*\**A[:：]\**[ \t]*([^\n]+)$", re.MULTILINE)


def _answer_lines(text: str) -> ExtractedAnswer | None:
    if "A:" not in text and "A：" not in text:
        return None
    return _agreeing([match[1] for match in _ANSWER_LINE.finditer(text)], "answer_line")


def _agreeing(answers: list[str], rule: str) -> ExtractedAnswer | None:
    """The last of several statements, the different ones before it in `others`."""
    tidied = [value for answer in answers[-MAX_STATEMENTS:] if (value := tidy(answer[: MAX_ANSWER_CHARS + 1]))]
    if not tidied:
        return None
    return ExtractedAnswer(tidied[-1], rule, others=_different(tidied, tidied[-1]))


def _different(values: Iterable[str], answer: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value != answer))


@dataclass(frozen=True)
class Statement:
    """What "the answer is ..." states: the value and what says it once more."""

    value: str
    restated: tuple[str, ...]
    is_final: bool
    is_comment: bool

    @property
    def values(self) -> tuple[str, ...]:
        """Return all that it states."""
        return (self.value, *self.restated)


def _statements(text: str) -> tuple[list[Statement], bool]:
    """Return every "the answer is ..." of `text` that stands, in order, and whether there was one that does not."""
    forms = find_forms(text)
    found: list[Statement] = []
    fell = False
    for number, form in enumerate(forms):
        statement = _read(text, form)
        if statement is None:
            if found and is_refusal(text, form.end):
                fell = True
                found.clear()
            continue
        until = forms[number + 1].start if number + 1 < len(forms) else len(text)
        how = standing(text, form.start, form.end, until)
        if how == "stated":
            found.append(statement)
            continue
        fell = True
        if how == "taken_back":
            found.clear()
    values = [statement for statement in found if not statement.is_comment]
    return (values or found), fell


def _read(text: str, form: Form) -> Statement | None:
    """Return what stands behind a form, None where that is no answer of the writer's own."""
    value = corrected(payload(text, form.end))
    if not value or is_negated(value):
        return None
    comments = is_comment(value)
    if form.is_about and (comments or not re.match(r"[\s$\\(]*[-0-9\\]", value)):
        return None
    if form.is_heading and not _is_short(value):
        return None
    stated, restated = restatements(value)
    return Statement(stated, restated, form.is_final, comments)


def _is_short(value: str) -> bool:
    return value.startswith(("$", "\\")) or len(value.split()) <= 5


def _stated(text: str) -> ExtractedAnswer | None:
    statements, fell = _statements(text)
    if statements:
        return _chosen(statements)
    return ExtractedAnswer(None, "answer_is", "taken_back") if fell else None


def _chosen(statements: list[Statement]) -> ExtractedAnswer:
    """The last statement, or the last that says "final", the different ones in `others`."""
    final = [statement for statement in statements if statement.is_final]
    chosen = final or statements
    answer = chosen[-1]
    others = [value for statement in chosen[:-1] for value in statement.values]
    rule = "final_answer" if final else "answer_is"
    return ExtractedAnswer(answer.value, rule, others=_different([*others, *answer.restated], answer.value))


_LAST_LINE_RULES: tuple[Callable[[str], Concluded | None], ...] = (only_line, formula, whole_line, sentence)


def _concluded(text: str) -> ExtractedAnswer | None:
    for rule in _LAST_LINE_RULES:
        found = rule(text)
        if found is not None:
            if is_taken_back(text):
                return ExtractedAnswer(None, found.rule, "taken_back")
            said = sentence(text) if rule is only_line else None
            readings = (said.value,) if said else ()
            return ExtractedAnswer(found.value, found.rule, readings=readings, is_weak=found.is_weak)
    return None
