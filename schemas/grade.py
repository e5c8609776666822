"""Verdict and Grade: what a grader found, with evidence. Decision: kept, or dropped for one reason."""

from typing import Literal

from cotfactory.schemas.drop_reasons import DropReason, Label
from cotfactory.schemas.record import Record

Verdict = Literal["correct", "incorrect", "no_answer", "ungraded"]
VERDICTS: tuple[Verdict, ...] = ("correct", "incorrect", "no_answer", "ungraded")


class Evidence(Record):
    """Why a grade says what it says, so that a reader can check it by hand.

    `rule` is the extraction rule that found the answer (`boxed`, `hash_line`, `fenced_block`, ...),
    `compared_as` the way it was compared (`integer`, `letter`, `tuple`, `symbolic`, `calls`, ...) and
    `reference` what it was compared with. The rest belongs to programs: how many cases ran and passed, the
    digest of the sandbox image, and `weak` when the comparison had to run next to the candidate.
    """

    rule: str | None = None
    compared_as: str | None = None
    reference: str | None = None
    detail: str | None = None
    cases_passed: int | None = None
    cases_total: int | None = None
    image_digest: str | None = None
    weak: bool = False


class Grade(Record):
    """One grader's finding about one candidate.

    `correct`, `incorrect` and `no_answer` are facts about the chain; `ungraded` is a fact about us (a
    time-out, a sandbox that died, an answer no rule can judge) and is retried. `reason` is a short code
    (`equal`, `different`, `several_answers`, `truncated`, `timeout`, ...).
    """

    candidate_id: str
    grader: str
    grader_version: str
    verdict: Verdict
    reason: str
    extracted_answer: str | None
    evidence: Evidence
    duration_ms: float


Split = Literal["train", "test"]


class Decision(Record):
    """Whether a candidate is published; `reason` is None when kept, else the first reason to drop it.

    A problem that was dropped before any candidate was asked for has a decision with `candidate_id` None. `detail`
    is what the reason rests on: the wrong step, the benchmark row, the id of the chain it repeats. `flags` are the
    findings that the recipe only labels, and whether another chain is the same but for its numbers. `split` is where
    the rows of its problem go. A plan, draft or critique that led to a candidate is never published as a chain:
    `earlier_step`, with a `detail` where it repeats a benchmark; nor is a `rollout`, which labels steps.
    """

    candidate_id: str | None
    kept: bool
    reason: DropReason | None
    detail: str | None = None
    flags: tuple[Label, ...] = ()
    split: Split = "train"
