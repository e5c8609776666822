"""From a form to a Review: what was said is checked, and a chain that was written becomes a candidate of its person."""

from collections.abc import Mapping
from datetime import UTC, datetime

from cotfactory.flows.review.shown_items import second_is_first
from cotfactory.reviewing.review_page import ShownItem
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.review import ANSWERS, WRITTEN_BY, Answer, Review, ReviewItem, Seen
from cotfactory.schemas.teaching import Sampling, Usage

LONGEST_NOTE = 20_000
LONGEST_CHAIN = 1_000_000
LONGEST_S = 4 * 3600.0
SWAPPED: Mapping[Answer, Answer] = {"first": "second", "second": "first"}


def review_id(recipe: str, guidelines_id: str, person: str, item_id: str, number: int) -> str:
    """Return the id of a person's answer to an item; a form that is sent twice is one answer."""
    return content_id([recipe, guidelines_id, person, item_id, number])


def review_of_form(
    form: Mapping[str, str],
    item: ReviewItem,
    shown: ShownItem,
    person: str,
    guidelines_id: str,
    seen: Seen,
    number: int,
    *,
    asks_steps: bool,
) -> Review:
    """Return what a form says. Raises InputError for what no form of ours sends."""
    answer = next((known for known in ANSWERS[item.question] if known == form.get("answer")), None)
    if answer is None:
        raise InputError(
            f"The answer {form.get('answer', '')[:40]!r} is none of {', '.join(ANSWERS[item.question])}", "choose one"
        )
    step = _step(form, shown) if asks_steps and item.question == "answer_right" else None
    if item.question == "better_of_two" and second_is_first(person, item.item_id):
        answer = SWAPPED.get(answer, answer)
    response = _text(form, "response", LONGEST_CHAIN)
    if item.question == "write" and answer == "written" and response is None:
        raise InputError("The answer of the solution is empty", "write how it ends, in the form that is asked for")
    reasoning = _text(form, "reasoning", LONGEST_CHAIN) if response is not None else None
    return Review(
        review_id=review_id(item.recipe, guidelines_id, person, item.item_id, number),
        item_id=item.item_id,
        recipe=item.recipe,
        guidelines_id=guidelines_id,
        question=item.question,
        kind=item.kind,
        problem_id=item.problem_id,
        candidate_id=item.candidate_id,
        other_id=item.other_id,
        truth=item.truth,
        person=person,
        answer=answer,
        first_wrong_step=step,
        steps_asked=asks_steps and item.question == "answer_right",
        wrong_step_text=None if step is None else shown.chains[0].steps[step].strip()[:LONGEST_NOTE],
        own_answer=_text(form, "own_answer", LONGEST_NOTE),
        reason=_text(form, "reason", LONGEST_NOTE) or "",
        reasoning=reasoning,
        response=response,
        written_id=None if response is None else _written_id(person, item.problem_id, reasoning, response),
        seconds=_seconds(form),
        seen=seen,
        reviewed_at=datetime.now(UTC),
    )


def written_candidate(review: Review) -> Candidate | None:
    """Return the chain that a review holds, as a candidate of the person; None where it holds none."""
    if review.written_id is None or review.response is None:
        return None
    return Candidate(
        candidate_id=review.written_id,
        problem_id=review.problem_id,
        teacher=f"{WRITTEN_BY}{review.person}",
        prompt_id="",
        strategy="written",
        sampling=Sampling(),
        sample_index=0,
        parent_id=None,
        reasoning=review.reasoning,
        response=review.response,
        finish_reason="stop",
        usage=Usage(),
        cost_usd=None,
        latency_ms=1000 * review.seconds,
        created_at=review.reviewed_at,
    )


def _written_id(person: str, problem_id: str, reasoning: str | None, response: str) -> str:
    return content_id(["written", person, problem_id, reasoning, response])


def _step(form: Mapping[str, str], shown: ShownItem) -> int | None:
    said = form.get("step", "")
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or len(said) > 4 or int(said) >= len(shown.chains[0].steps):
        raise InputError(f"There is no step {said[:20]!r}", f"choose one of {len(shown.chains[0].steps)}")
    return int(said)


def _text(form: Mapping[str, str], name: str, longest: int) -> str | None:
    """Return what was written into a field, with plain line ends; None for nothing. Raises InputError."""
    text = form.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > longest:
        raise InputError(f"The field {name} holds {len(text):,} characters", f"write at most {longest:,}")
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd") or None


def _seconds(form: Mapping[str, str]) -> float:
    try:
        taken = datetime.now(UTC).timestamp() - float(form.get("shown_at", ""))
    except ValueError:
        return 0.0
    return round(min(max(taken, 0.0), LONGEST_S), 1) if taken == taken else 0.0
