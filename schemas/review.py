"""Review: what one person said about one item. ReviewItem: a chain, a pair or a problem that people are asked about."""

from datetime import datetime
from typing import Literal

from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.record import Record

PEOPLE = "people"
"""The grader whose verdicts are what people agreed on; its version is the hash of their guidelines."""
WRITTEN_BY = "person:"
"""Before a person's pseudonym: the teacher of the chains that this person wrote or corrected."""

ReviewQuestion = Literal["answer_right", "reference_right", "better_of_two", "write"]
"""What an item asks: whether a chain's final answer is right, whether the reference answer is (after one's own), which
of two chains is better, or for a chain."""
ItemKind = Literal["random", "disputed", "planted", "chosen"]
"""How an item came into the sample: drawn with a known probability, as graders or teachers differ about it, made with a
known truth, or chosen for what its question needs."""
Answer = Literal["yes", "no", "first", "second", "unsure", "written"]
ANSWERS: dict[ReviewQuestion, tuple[Answer, ...]] = {
    "answer_right": ("yes", "no", "unsure"),
    "reference_right": ("yes", "no", "unsure"),
    "better_of_two": ("first", "second", "unsure"),
    "write": ("written", "unsure"),
}
"""What can be said to each question, in the order of the keys 1, 2, 3."""
Seen = Literal["blind", "adjudicating"]


class Stratum(Record):
    """Chains that are sampled alike: a grader's verdict on a teacher's chains, with a wrong step found or without."""

    grader: str
    grader_version: str
    verdict: Verdict
    wrong_step: bool
    teacher: str


class ReviewItem(Record):
    """Something that people are asked about.

    `stratum`, `size` and `drawn` are there for `random` items: of so many chains of the stratum so many were drawn.
    `truth` is the known answer of a planted item, `response` its chain's response where that was changed. A pair is
    `candidate_id` and `other_id`. The id holds question, problem, chains and what was changed: an item that is drawn
    again is the same item.
    """

    item_id: str
    recipe: str
    draw_id: str
    question: ReviewQuestion
    kind: ItemKind
    problem_id: str
    candidate_id: str | None = None
    other_id: str | None = None
    stratum: Stratum | None = None
    size: int | None = None
    drawn: int | None = None
    truth: Answer | None = None
    response: str | None = None


class Review(Record):
    """One person's answer to one item; who changes their mind answers again, and the newest one counts.

    `person` is a pseudonym. `first_wrong_step` counts the steps as they were shown, from 0; None: none was named.
    `own_answer` is what a person made of the question before they saw the reference; `reasoning` and `response` are a
    chain that they wrote or corrected, `written_id` its candidate. `seen` says whether they saw the reasons of others.
    """

    review_id: str
    item_id: str
    recipe: str
    guidelines_id: str
    question: ReviewQuestion
    kind: ItemKind
    problem_id: str
    candidate_id: str | None
    other_id: str | None = None
    truth: Answer | None = None
    person: str
    answer: Answer
    first_wrong_step: int | None = None
    steps_asked: bool = False
    wrong_step_text: str | None = None
    own_answer: str | None = None
    reason: str = ""
    reasoning: str | None = None
    response: str | None = None
    written_id: str | None = None
    seconds: float
    seen: Seen
    reviewed_at: datetime
