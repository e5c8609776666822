"""Problem: a question with a checkable reference answer, its source and licence."""

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from cotfactory.schemas.judging import CallJudge, Checker, RunTerms, StdioJudge, is_unset
from cotfactory.schemas.record import Record
from cotfactory.schemas.rubric import Rubric

AnswerKind = Literal["choice", "code", "math", "text", "rubric"]
ANSWER_KINDS: tuple[AnswerKind, ...] = ("choice", "code", "math", "text", "rubric")
CHOICE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class AssertTests(RunTerms):
    """Tests written as Python `assert` statements, HumanEval style: `code` may define `check(candidate)`."""

    kind: Literal["assert"] = "assert"
    code: str
    entry_point: str | None = None


class CallCase(Record):
    """One call of the entry point and the JSON value it must return; those of `accepted` are right too."""

    args: tuple[JsonValue, ...] = ()
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    expected: JsonValue
    accepted: tuple[JsonValue, ...] = Field(default=(), exclude_if=is_unset)


class CallTests(RunTerms):
    """Tests as calls of one function: `collatz_len(7)` must return `17`."""

    kind: Literal["calls"] = "calls"
    entry_point: str
    judge: CallJudge | None = Field(default=None, exclude_if=is_unset)
    cases: Annotated[tuple[CallCase, ...], Field(min_length=1)]


class StdioCase(Record):
    """What a whole program reads from standard input, and what it must print; texts of `accepted` are right too."""

    stdin: str
    stdout: str
    accepted: tuple[str, ...] = Field(default=(), exclude_if=is_unset)


class StdioTests(RunTerms):
    """Tests as whole programs: input on stdin, expected output on stdout, or what a checker takes for right."""

    kind: Literal["stdio"] = "stdio"
    judge: StdioJudge | None = Field(default=None, exclude_if=is_unset)
    checker: Checker | None = Field(default=None, exclude_if=is_unset)
    cases: Annotated[tuple[StdioCase, ...], Field(min_length=1)]


class ScorerTests(Record):
    """A reasoning-gym task's own scorer: `entry` is the task's item (question, answer, metadata) as JSON."""

    kind: Literal["reasoning_gym"] = "reasoning_gym"
    task: str
    entry: str


class UnsupportedTests(Record):
    """Tests that nothing here can judge, with the reason in words: such a problem is dropped and never asked."""

    kind: Literal["unsupported"] = "unsupported"
    why: str


Tests = Annotated[AssertTests | CallTests | StdioTests | ScorerTests | UnsupportedTests, Field(discriminator="kind")]


def _declared_tolerance(text: str) -> str:
    if Fraction(text.rstrip("% ")) <= 0:
        raise ValueError("a tolerance is greater than 0; leave it out where the answer is exact")
    return text


Tolerance = Annotated[
    str,
    Field(pattern=r"^[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?\s?%?$", max_length=400),
    AfterValidator(_declared_tolerance),
]
"""How far a number may be from the reference: an exact decimal of any size ("0.01", "5e-7"), or a share ("1%")."""


TextCompare = Literal["exact", "words", "set", "list"]
"""How a `text` answer is compared: character by character; without case, articles and the marks of a sentence; as items
between commas in any order, or in this order."""


Program = Literal["run"]
"""How a `math` answer is had: the response's program is run, and what it prints or assigns is the answer."""


ReferenceBy = Literal["given", "construction", "program", "majority", "open"]
"""Where a reference answer is from: its source; how the problem was made of a solved one; a program that was run;
votes. Of an `open` one it is yet to be found: chains are read for what they answer, not held against anything."""


class CustomGrader(Record):
    """The user's own grader of a problem: `name` is FILE.py:FUNCTION without folders, `version` a hash of the file."""

    name: str
    version: str


class ConversationTurn(Record):
    """Where a problem stands in a conversation: turn `number` of `turns`, asked after the turn that it `follows`."""

    conversation_id: str
    number: Annotated[int, Field(ge=1)]
    turns: Annotated[int, Field(ge=2)]
    follows: "Problem | None"


class Problem(Record):
    """A question whose answer can be checked.

    `answer` is the reference answer: LaTeX or plain text for `math`, a letter for `choice`, a word or a few for `text`,
    and empty for `code`, which is checked by `tests`; for `rubric` it is what a judge may compare with, if anything.
    `answers` are further accepted forms of a `text` answer,
    `text_compare` is how they are compared. `source_row_id` is the
    problem's id in its source, for people; `problem_id` is a content hash (see `schemas.ids`).
    `program` says that a `math` answer is what the response's program computes. `answer_tolerance` is how far the
    numbers of a `math` answer may be from the reference; None, as nearly always, means not at all. `split_group` names
    problems that must never be on both sides of a train/test split.
    `grader` is the user's own, where the recipe names one: it grades in place of the grader of the `answer_kind`. It
    is no part of the id, so that a changed grader grades again what is stored; nor is `judged_by`, the id of the judge
    that decides criteria of the `rubric`. `turn` is its place in a conversation; None of a question that stands alone.
    `parent_id` is the id of the problem that this one was grown from, `reference_by` where `answer` is from.
    """

    problem_id: str
    source: str
    source_row_id: str
    source_revision: str = ""
    license: str | None = None
    domain: str | None = None
    question: Annotated[str, Field(min_length=1)]
    choices: tuple[str, ...] | None = None
    answer: str
    answer_kind: AnswerKind
    answer_tolerance: Tolerance | None = None
    answers: tuple[str, ...] = ()
    text_compare: TextCompare = "words"
    tests: Tests | None = None
    program: Program | None = None
    solution: str | None = None
    split_group: str
    turn: ConversationTurn | None = None
    rubric: Rubric | None = None
    grader: CustomGrader | None = None
    judged_by: str | None = None
    parent_id: str | None = None
    reference_by: Annotated[ReferenceBy, BeforeValidator(lambda value: value or "given")] = "given"

    def graded_by(self, grader: CustomGrader | None, judge: str | None = None) -> Self:
        """Return the problem as `grader` grades it; else as that of its answer kind does, with `judge` where needed."""
        if grader is not None:
            return self.model_copy(update={"grader": grader})
        return self.model_copy(update={"judged_by": judge}) if judge and self.needs_a_judge else self

    @property
    def follows(self) -> "Problem | None":
        """The turn before it in its conversation; None of a first turn, and of a question that stands alone."""
        return self.turn.follows if self.turn is not None else None

    @property
    def asked_text(self) -> str:
        """Its question and choices, and before them those of the turns that it follows: what an answer may repeat."""
        earlier = (self.follows.asked_text,) if self.follows is not None else ()
        return "\n".join((*earlier, self.question, *(self.choices or ())))

    @property
    def needs_a_judge(self) -> bool:
        """Whether a judge decides some of its criteria."""
        return self.grader is None and self.rubric is not None and bool(self.rubric.judged)

    @property
    def runs_programs(self) -> bool:
        """Whether its answers are graded by running programs."""
        return self.grader is None and (self.answer_kind == "code" or self.program is not None)

    @property
    def tolerance(self) -> tuple[Fraction, bool] | None:
        """The declared tolerance and whether it is a share of the reference; None where the answer is exact."""
        if self.answer_tolerance is None:
            return None
        is_share = self.answer_tolerance.endswith("%")
        size = Fraction(self.answer_tolerance.rstrip("% "))
        return (size / 100, True) if is_share else (size, False)

    @property
    def accepted_answers(self) -> tuple[str, ...]:
        """The reference answer and its further accepted forms."""
        return (self.answer, *self.answers)

    @property
    def named(self) -> str:
        """The problem as people find it again: `problem 17 of gsm8k.jsonl`."""
        return f"problem {self.source_row_id} of {self.source}"


ConversationTurn.model_rebuild()
