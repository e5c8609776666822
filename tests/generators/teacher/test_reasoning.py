"""Thinking is never read as an answer, wherever the endpoint put it."""

from datetime import UTC, datetime

import pytest

from cotfactory.generators.teacher.reasoning import candidate_of, split
from cotfactory.schemas.request_record import RequestRecord
from cotfactory.schemas.teaching import Sampling, Usage
from tests.builders import a_completion


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        ("The answer is 7.", None, (None, "The answer is 7.")),
        ("<think>3 + 4</think>The answer is 7.", None, ("3 + 4", "The answer is 7.")),
        ("The answer is 7.", "3 + 4", ("3 + 4", "The answer is 7.")),  # reasoning_content, or reasoning
        ("The answer is 7.", "<think>3 + 4</think>", ("3 + 4", "The answer is 7.")),  # both ways at once
        ("<think>maybe 5?</think>The answer is 7.", "3 + 4", ("3 + 4", "The answer is 7.")),  # never an answer
        ("3 + 4</think>The answer is 7.", None, ("3 + 4", "The answer is 7.")),  # the template opened the tag
        ("<think>3 + 4", None, ("3 + 4", "")),  # never closed: cut while thinking
        # A field of its own: the answer may speak of the tags, and is left alone.
        ("Use </think> to close, so 7.", "3 + 4", ("3 + 4", "Use </think> to close, so 7.")),
        ("It ends with <think>x</think>.", "3 + 4", ("3 + 4", "It ends with <think>x</think>.")),
        ("</think>\n\n7", "3 + 4", ("3 + 4", "7")),  # the parser has left the closing tag behind
        ("<answer>7</answer>", "3 + 4", ("3 + 4", "7")),
        ("7", "", (None, "7")),
        ("", "3 + 4", ("3 + 4", "")),
        ("", None, (None, "")),
    ],
)
def test_split(content: str, field: str | None, expected: tuple[str | None, str]) -> None:
    assert split(a_completion(content, field)) == expected


OWN = ("[R]", "[/R]")


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        ("[R]3 + 4[/R]7", None, ("3 + 4", "7")),
        ("7", "[R]3 + 4[/R]", ("3 + 4", "7")),
        ("[R]maybe 5?[/R]7", "3 + 4", ("3 + 4", "7")),
        ("<think>3 + 4</think>7", None, ("3 + 4", "7")),  # those of the table are known as before
    ],
)
def test_a_pair_of_tags_of_the_teachers_own(content: str, field: str | None, expected: tuple[str, str]) -> None:
    assert split(a_completion(content, field), OWN) == expected


def test_an_attempt_is_the_request_and_what_came_back() -> None:
    request = RequestRecord(
        candidate_id="c1",
        problem_id="p1",
        teacher="owl",
        prompt_id="m1",
        strategy="solve",
        sampling=Sampling(temperature=0.5),
        sample_index=3,
        parent_id=None,
    )
    completion = a_completion("[R]3 + 4[/R]7")._replace(finish_reason_raw="eos", latency_ms=12.5)
    before = datetime.now(UTC)
    made = candidate_of(request, completion, Usage(input_tokens=5, output_tokens=6), 0.25, OWN)
    assert before <= made.created_at <= datetime.now(UTC)
    assert {name: getattr(made, name) for name in dict(request)} == dict(request)
    assert (made.reasoning, made.response) == ("3 + 4", "7")
    assert (made.finish_reason, made.finish_reason_raw) == ("stop", "eos")
    assert (made.usage.input_tokens, made.usage.output_tokens, made.cost_usd, made.latency_ms) == (5, 6, 0.25, 12.5)
