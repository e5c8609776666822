"""Records for tests, whole and valid, with what a test cares about filled in."""

from datetime import UTC, datetime
from typing import Any

from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.grade import Evidence, Grade, Verdict
from cotfactory.schemas.ids import problem_id
from cotfactory.schemas.problem import AnswerKind, Problem, Tests
from cotfactory.schemas.teaching import Completion, Sampling, Usage

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_problem(
    question: str = "What is 6 * 7?",
    answer: str = "42",
    kind: AnswerKind = "math",
    choices: tuple[str, ...] | None = None,
    row: str = "1",
    *,
    source: str = "tests",
    tests: Tests | None = None,
    **changes: Any,
) -> Problem:
    """Return a problem with the id of its content; `changes` are further fields."""
    made = {
        "problem_id": problem_id(question, choices, answer, tests, source),
        "source": source,
        "source_row_id": row,
        "license": "CC0-1.0",
        "question": question,
        "choices": choices,
        "answer": answer,
        "answer_kind": kind,
        "tests": tests,
        "split_group": row,
    }
    return Problem(**(made | changes))


USAGE = Usage(input_tokens=10, output_tokens=20)


def a_completion(content: str = "So it is \\boxed{42}.", reasoning: str | None = None) -> Completion:
    return Completion(
        content=content,
        reasoning=reasoning,
        finish_reason="stop",
        model="m",
        usage=USAGE,
        latency_ms=5.0,
    )


def a_candidate(
    response: str = "So it is \\boxed{42}.",
    *,
    candidate_id: str = "c1",
    problem: str = "p1",
    reasoning: str | None = None,
    finish_reason: str = "stop",
    sample_index: int = 0,
    cost_usd: float | None = None,
    **changes: Any,
) -> Candidate:
    """Return an attempt at a problem; `changes` are further fields."""
    made = {
        "candidate_id": candidate_id,
        "problem_id": problem,
        "teacher": "t",
        "prompt_id": "q",
        "sampling": Sampling(),
        "sample_index": sample_index,
        "reasoning": reasoning,
        "response": response,
        "finish_reason": finish_reason,
        "usage": USAGE,
        "cost_usd": cost_usd,
        "latency_ms": 5.0,
        "created_at": AT,
    }
    return Candidate(**(made | changes))


def a_grade(verdict: Verdict = "correct", candidate_id: str = "c1", **changes: Any) -> Grade:
    """Return a grade; `changes` are further fields."""
    made = {
        "candidate_id": candidate_id,
        "grader": "math",
        "grader_version": "1",
        "verdict": verdict,
        "reason": "equal" if verdict == "correct" else "different",
        "extracted_answer": "42",
        "evidence": Evidence(rule="boxed", compared_as="integer", reference="42"),
        "duration_ms": 0.1,
    }
    return Grade(**(made | changes))
