import json
from pathlib import Path

import jsonschema
import pytest

from cotfactory.rewards.fields import Body
from cotfactory.rewards.gym_wire import aggregate_metrics, rollout_to_verify, session_reply, verify_reply
from cotfactory.rewards.refusal import Refusal
from cotfactory.rewards.rollout import Rewarded
from cotfactory.schemas.grade import Verdict
from tests.builders import a_grade

SCHEMA = json.loads(Path(__file__).with_name("nemo_gym_reply.schema.json").read_text())


def message(text: str) -> Body:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def thought(text: str) -> Body:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


CALL = {"type": "function_call", "name": "python", "arguments": "{}", "call_id": "1"}
CALLED = {"type": "function_call_output", "call_id": "1", "output": "41"}


def body_with(*output: Body, **more: object) -> Body:
    return {"problem_id": "p1", "response": {"output": list(output)}, **more}


SAID: list[tuple[tuple[Body, ...], str, str | None]] = [
    ((message("42"),), "42", None),
    ((thought("6 * 7"), message("42")), "42", "6 * 7"),
    # What was said before a tool was called is not the answer; its thinking is thinking all the same.
    ((message("I ask Python."), thought("a"), CALL, CALLED, thought("b"), message("42")), "42", "a\nb"),
    # A rollout that ends with a call has no answer.
    ((message("I ask Python."), CALL), "", None),
    # Older servers send the content as a text; some messages are refusals, without a text.
    (({"type": "message", "content": "42"},), "42", None),
    (({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]},), "", None),
    # Half a surrogate pair cannot be written down.
    ((message("4\ud8002"),), "4?2", None),
    ((), "", None),
]


@pytest.mark.parametrize(("output", "text", "reasoning"), SAID)
def test_what_a_response_says(output: tuple[Body, ...], text: str, reasoning: str | None) -> None:
    rollout = rollout_to_verify(body_with(*output))
    assert (rollout.text, rollout.reasoning) == (text, reasoning)


@pytest.mark.parametrize(
    ("response", "word"),
    [
        ({"output": []}, "stop"),
        ({"output": [], "status": "completed"}, "stop"),
        ({"output": [], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
         "max_output_tokens"),
        ({"output": [], "status": "incomplete"}, "incomplete"),
        # The policy's server failed: nobody knows what the policy would have said.
        ({"output": [], "status": "failed"}, "failed"),
        ({"output": [], "status": "in_progress"}, "stop"),
    ],
)  # fmt: skip
def test_why_a_response_ended(response: Body, word: str) -> None:
    assert rollout_to_verify({"problem_id": "p1", "response": response}).finish_reason == word


def test_what_the_trainer_says_of_its_training() -> None:
    rollout = rollout_to_verify(body_with(message("42"), step=7.0, checkpoint="global_step_7", policy="qwen-a"))
    assert (rollout.step, rollout.checkpoint, rollout.policy) == (7, "global_step_7", "qwen-a")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"problem_id": "p1"}, "`response` is missing"),
        ({"problem_id": "p1", "response": {"output": "42"}}, "`response`"),
        ({"response": {"output": []}}, "`problem_id` is missing"),
        (body_with(step=-1), "`step` is -1"),
        (body_with(step=True), "`step` is True"),
        (body_with(policy="a/b"), "`policy` is 'a/b'"),
        (body_with(checkpoint="x" * 201), "up to 200 characters"),
        (body_with(responses_create_params=[]), "`responses_create_params`"),
    ],
)
def test_a_body_that_breaks_the_format_is_told_what_is_wrong(body: Body, told: str) -> None:
    with pytest.raises(Refusal, match=told) as refused:
        rollout_to_verify(body)
    assert refused.value.status == 400


def test_the_reply_echoes_the_body_and_adds_the_reward() -> None:
    body = body_with(message("42"), responses_create_params={"input": []}, anything={"of": "theirs"})
    reply = verify_reply(body, Rewarded("p1", a_grade("correct"), "6 * 7 = 44", 1.0))
    assert body.items() <= reply.items()
    assert (reply["reward"], reply["mask_sample"], reply["failure_kind"], reply["wrong_step"]) == (
        1.0,
        False,
        None,
        1.0,
    )
    assert reply["verdict"] == "correct"


def test_a_reply_has_what_verifiers_deletes_whether_or_not_it_came() -> None:
    reply = verify_reply(body_with(message("42")), Rewarded("p1", a_grade("incorrect"), None, 0.0))
    assert {"response", "responses_create_params"} <= reply.keys()


@pytest.mark.parametrize(
    ("reason", "kind"), [("sandbox_failed", "provider_unavailable"), ("grader_crashed", "verifier_error")]
)
def test_what_is_ungraded_is_masked_for_new_readers_and_old_ones(reason: str, kind: str) -> None:
    grade = a_grade("ungraded", reason=reason)
    reply = verify_reply(body_with(instance_config={"id": 3}), Rewarded("p1", grade, None, None))
    assert (reply["mask_sample"], reply["failure_kind"]) == (True, kind)
    assert reply["failure_reason"].startswith(reason)
    assert reply["instance_config"] == {"id": 3, "mask_sample": True}
    assert reply["_ng_failure_class"] == "judge_failed"


@pytest.mark.parametrize("verdict", ["correct", "incorrect", "no_answer", "ungraded"])
def test_a_reply_is_what_nemo_gym_reads(verdict: Verdict) -> None:
    """Its own models read replies in `tests/trainers/test_nemo_gym.py`; here a schema of the same fields does."""
    body = body_with(message("42"), responses_create_params={"input": []})
    told = {"id": "r", "created_at": 1.0, "model": "m", "object": "response", "parallel_tool_calls": True}
    body["response"] |= {**told, "tool_choice": "auto", "tools": []}
    reward = {"correct": 1.0, "ungraded": None}.get(verdict, 0.0)
    reply = json.loads(json.dumps(verify_reply(body, Rewarded("p1", a_grade(verdict), None, reward))))
    jsonschema.validate(reply, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**reply, "mask_sample": True, "failure_kind": None}, SCHEMA)


def test_sessions_are_echoed_and_nothing_else_is_remembered() -> None:
    assert session_reply({"responses_create_params": {}}) == {}
    asked = {"resources_session_id": "s1", "episode_id": "e", "task_data": {}}
    assert session_reply(asked) == {"resources_session_id": "s1"}


def test_masked_rollouts_are_in_no_mean() -> None:
    metrics = aggregate_metrics(
        {
            "verify_responses": [
                {"_ng_task_index": 0, "reward": 1.0, "wrong_step": 1.0},
                {"_ng_task_index": 0, "reward": 0.0, "mask_sample": True},
                {"_ng_task_index": 1, "reward": 0.0, "wrong_step": 0.0},
                {"_ng_task_index": 2, "reward": 0.0, "mask_sample": True},
            ]
        }
    )
    assert metrics["key_metrics"] == {"mean/reward": 0.5, "masked": 2}
    assert [group.get("mean/reward") for group in metrics["group_level_metrics"]] == [1.0, 0.0, None]
    assert metrics["agent_metrics"]["mean/wrong_step"] == 0.5


@pytest.mark.parametrize("body", [{}, {"verify_responses": 3}, {"verify_responses": [3]}])
def test_metrics_of_what_is_no_list_of_replies_are_refused(body: Body) -> None:
    with pytest.raises(Refusal, match="verify_responses"):
        aggregate_metrics(body)
