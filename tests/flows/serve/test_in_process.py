"""`from cotfactory.rewards import compute_score`, as verl calls it."""

import json
from typing import Any

import pytest

from cotfactory.rewards import compute_score
from cotfactory.schemas.errors import CotfactoryError, InputError


@pytest.mark.parametrize(
    ("said", "reference", "extra", "reward"),
    [
        ("So it is \\boxed{42}.", "42", None, 1.0),
        ("So it is \\boxed{41}.", "42", None, 0.0),
        ("I do not know.", "42", None, 0.0),
        ("<think>\\boxed{41}?</think>It is \\boxed{42}.", "42", {"problem_id": "p", "index": 3}, 1.0),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{\sqrt{2}}{2}", {"ability": "math"}, 1.0),  # by algebra
        ("The answer is (B).", "B", None, 1.0),
        ("The answer is (A).", "B", {"answer_kind": "choice", "choices": ["4", "13"]}, 0.0),
        ("\\boxed{tuesday}", "Tuesday", {"answer_kind": "text"}, 1.0),
        ("\\boxed{blue, red}", "red, blue", {"ability": "text", "grader_args": '{"text_compare": "set"}'}, 1.0),
        ("\\boxed{3.15}", "3.14", {"grader_args": {"answer_tolerance": "0.02", "question": "Pi?"}}, 1.0),
    ],
)
def test_reward_is_that_of_the_verdict(said: str, reference: str, extra: dict[str, Any] | None, reward: float) -> None:
    assert compute_score("set", said, reference, extra, reward_router_address="x") == reward


@pytest.mark.parametrize(
    ("reference", "extra"),
    [
        ("", {"ability": "code"}),
        ('{"kind": "asserts", "code": "assert f(1) == 2"}', None),
        ("42", {"ability": "math", "grader_args": json.dumps({"program": "run"})}),
        ("x", {"ability": "riddle"}),
    ],
)
def test_programs_are_refused_and_told_where_they_are_graded(reference: str, extra: dict[str, Any] | None) -> None:
    with pytest.raises(InputError, match=r"reward\.py") as refused:
        compute_score("set", "```python\nf = 1\n```", reference, extra)
    assert "cotfactory serve" in str(refused.value)


def test_what_is_no_problem_is_told() -> None:
    with pytest.raises(CotfactoryError, match="choices"):
        compute_score("set", "(B)", "B", {"ability": "choice", "choices": ["only"]})
    with pytest.raises(InputError, match="grader_args"):
        compute_score("set", "42", "42", {"grader_args": "{"})
