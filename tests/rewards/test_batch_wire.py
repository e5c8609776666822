import pytest

from cotfactory.rewards.batch_wire import (
    openrlhf_reply,
    openrlhf_rollouts,
    refuse_other_graders,
    rewards_reply,
    rollouts_to_reward,
    slime_rollout,
)
from cotfactory.rewards.fields import Body, parsed
from cotfactory.rewards.refusal import Refusal
from cotfactory.rewards.rollout import Rewarded
from tests.builders import a_grade


def test_a_batch_has_a_rollout_for_each_completion() -> None:
    body = {"problem_ids": ["a", "b"], "completions": ["1", "2"], "reasonings": [None, "so"], "step": 3}
    first, second = rollouts_to_reward(body)
    assert (first.problem_id, first.text, first.reasoning, first.step) == ("a", "1", None, 3)
    assert (second.problem_id, second.text, second.reasoning, second.finish_reason) == ("b", "2", "so", "stop")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "`completions` is missing"),
        ({"completions": ["1"], "problem_ids": "a"}, "`problem_ids`"),
        ({"completions": ["1", "2"], "problem_ids": ["a"]}, "`problem_ids` has 1 items: expected 2"),
        ({"completions": ["1"], "problem_ids": ["a"], "reasonings": ["x", "y"]}, "`reasonings` has 2 items"),
        ({"completions": ["1"], "problem_ids": ["a"], "reasonings": [3]}, "`reasonings`"),
        ({"completions": [[{"role": "assistant"}]], "problem_ids": ["a"]}, "`completions`"),
        ({"completions": ["1"], "problem_ids": ["a"], "step": "7"}, "`step` is '7'"),
    ],
)
def test_a_batch_that_breaks_the_format_is_refused(body: Body, told: str) -> None:
    with pytest.raises(Refusal, match=told) as refused:
        rollouts_to_reward(body)
    assert refused.value.status == 400


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"step": ' + b"9" * 5000 + b"}"])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        parsed(raw)
    assert refused.value.status == 400


def test_other_grader_versions_are_refused_by_name() -> None:
    here = {"math": "9", "choice": "3"}
    refuse_other_graders({}, here)
    refuse_other_graders({"grader_versions": {"math": "9"}}, here)
    for expected in ({"math": "8"}, {"math": "9", "mine.py:grade": "1"}):
        with pytest.raises(Refusal, match="any-version") as refused:
            refuse_other_graders({"grader_versions": expected}, here)
        assert refused.value.status == 409


def test_what_is_ungraded_is_null_and_never_a_zero() -> None:
    found = [
        Rewarded("a", a_grade("correct"), None, 1.0),
        Rewarded("b", a_grade("ungraded", reason="unserved", extracted_answer=None), None, None),
    ]
    reply = rewards_reply(found, {"math": "1"})
    assert reply["rewards"] == [1.0, None]
    assert reply["verdicts"] == ["correct", "ungraded"]
    assert reply["reasons"] == ["equal", "unserved"]
    assert reply["extracted_answers"] == ["42", None]
    assert reply["graders"] == {"math": "1"}


def test_slime_and_openrlhf_name_the_problem_in_the_label() -> None:
    rollout = slime_rollout({"prompt": "What is 6 * 7?", "response": "42", "label": "a"})
    assert (rollout.problem_id, rollout.text) == ("a", "42")
    body = {"query": ["Q?42", "Q?43"], "prompts": ["Q?", "Q?"], "labels": ["a", "b"]}
    assert [(rollout.problem_id, rollout.text) for rollout in openrlhf_rollouts(body)] == [("a", "42"), ("b", "43")]
    # A tokenizer put its mark before the prompt: what the prompt says of boxes is no answer.
    marked = {"query": [r"<s>Put it in \boxed{}.\boxed{4}"], "prompts": [r"Put it in \boxed{}."], "labels": ["a"]}
    assert [rollout.text for rollout in openrlhf_rollouts(marked)] == [r"\boxed{4}"]
    with pytest.raises(Refusal, match="does not hold its prompt"):
        openrlhf_rollouts({"query": ["Other?42"], "prompts": ["Q?"], "labels": ["a"]})
    reply = openrlhf_reply([Rewarded("a", a_grade(), "1 + 1 = 3", 1.0)])
    assert reply == {"rewards": [1.0], "scores": [1.0], "extra_logs": {"wrong_step": [1.0]}}
