"""NeMo-Gym's resources server, as NeMo-Gym 0.7, NeMo-RL, verifiers 0.4 and prime-rl call it: bodies in, replies out.

A body of `/verify` is a row of `/rows.jsonl` with `response`, an object of OpenAI's Responses API; the reply is the
whole body and the reward. Verifiers takes every number and bool of it that it does not know for a metric.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from cotfactory.rewards.fields import Body, label_of, policy_of, shown, step_of, text_of, whole
from cotfactory.rewards.refusal import bad_request
from cotfactory.rewards.rollout import Rewarded, Rollout
from cotfactory.schemas.finish_reason import finish_reason_of
from cotfactory.schemas.teaching import Message

AGENT = {"type": "responses_api_agents", "name": "simple_agent"}
PROVIDER_REASONS = frozenset(("sandbox_failed", "no_sandbox", "starved", "unserved"))
"""Reasons of ours for which somebody else's service, or the lack of a free worker, is to blame."""
OLDER_FAILURE_CLASS = "judge_failed"
"""What NeMo-RL reads in `_ng_failure_class` where NeMo-Gym has no `failure_kind` yet."""


def gym_row(problem_id: str, messages: Iterable[Message]) -> Body:
    """Return a problem as a row of a NeMo-Gym data set. The reference answer stays here."""
    asked = [{"role": message.role, "content": message.content} for message in messages]
    return {"problem_id": problem_id, "responses_create_params": {"input": asked}, "agent_ref": AGENT}


def rollout_to_verify(body: Body) -> Rollout:
    """Return the rollout in a body of `/verify`. Raises Refusal."""
    response = body.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("output"), list):
        raise bad_request(f"`response` is {shown(response)}: expected an object of the Responses API, with `output`")
    if not isinstance(body.get("responses_create_params", {}), dict):
        raise bad_request("`responses_create_params` is no object")
    text, thought = _said(response["output"])
    return Rollout(
        problem_id=text_of(body, "problem_id"),
        text=text,
        reasoning=thought or None,
        finish_reason=_finish_reason(response),
        step=step_of(body),
        checkpoint=label_of(body, "checkpoint"),
        policy=policy_of(body),
    )


def verify_reply(body: Body, rewarded: Rewarded) -> Body:
    """Return the reply to `/verify`: the body, the reward, and what else was found.

    Where there is no reward it is 0.0, because the field must be a number, and `mask_sample` takes it out of the
    training; `failure_kind` says that the verifier failed, not the policy. Older readers look elsewhere for that.
    """
    grade, masked_for = rewarded.grade, rewarded.masked_for
    found: Body = {
        "reward": 0.0 if rewarded.reward is None else rewarded.reward,
        "mask_sample": masked_for is not None,
        "failure_kind": masked_for and _failure_kind(masked_for),
        "failure_reason": masked_for and ": ".join(filter(None, (masked_for, grade.evidence.detail))),
        "verdict": grade.verdict,
        "verdict_reason": grade.reason,
        "extracted_answer": grade.extracted_answer,
        "wrong_step": 0.0 if rewarded.wrong_step is None else 1.0,
        "grader": grade.grader,
        "grader_version": grade.grader_version,
    }
    if masked_for is not None:
        config = body.get("instance_config")
        found["instance_config"] = {**(config if isinstance(config, dict) else {}), "mask_sample": True}
        found["_ng_failure_class"] = OLDER_FAILURE_CLASS
    return {"responses_create_params": {}, **body, **found}


def session_reply(body: Body) -> Body:
    """Return the reply to `/seed_session` and `/close_session`: there is nothing to remember between two calls."""
    session = body.get("resources_session_id")
    return {} if session is None else {"resources_session_id": session}


def aggregate_metrics(body: Body) -> Body:
    """Return the metrics of `verify_responses`: by group (rollouts of one task) and of all. Raises Refusal.

    What is masked is counted as such and is in no mean.
    """
    responses = body.get("verify_responses")
    if not isinstance(responses, list) or not all(isinstance(response, dict) for response in responses):
        raise bad_request(f"`verify_responses` is {shown(responses)}: expected a list of objects")
    groups: dict[str, list[Body]] = defaultdict(list)
    for response in responses:
        key = next((response[name] for name in ("_ng_task_index", "problem_id") if name in response), None)
        groups[str(key)].append(response)
    by_group = [
        {name: members[0][name] for name in ("_ng_task_index", "problem_id") if name in members[0]} | _metrics(members)
        for members in groups.values()
    ]
    overall = _metrics(responses)
    if rewards := [group["mean/reward"] for group in by_group if "mean/reward" in group]:
        overall["mean/group_reward"] = fmean(rewards)
    return {
        "group_level_metrics": by_group,
        "agent_metrics": overall,
        "key_metrics": {name: overall[name] for name in ("mean/reward", "masked") if name in overall},
    }


def _metrics(responses: Sequence[Body]) -> Body:
    counted = [response for response in responses if response.get("mask_sample") is not True]
    metrics: Body = {"count": len(responses), "masked": len(responses) - len(counted)}
    for name in ("reward", "wrong_step"):
        values = [response[name] for response in counted if _is_number(response.get(name))]
        if values:
            metrics[f"mean/{name}"] = fmean(values)
    return metrics


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _failure_kind(reason: str) -> str:
    return "provider_unavailable" if reason in PROVIDER_REASONS else "verifier_error"


def _finish_reason(response: Body) -> str:
    """Return why a response ended: `error` for one that failed, the word of `incomplete_details` for one that was cut.

    `completed` says as little as nothing: a model that came to its end.
    """
    details = response.get("incomplete_details")
    word = details.get("reason") if isinstance(details, dict) else None
    if isinstance(word, str):
        return whole(word)
    status = response.get("status")
    return status if isinstance(status, str) and finish_reason_of(status) in ("error", "length") else "stop"


def _said(output: Sequence[Any]) -> tuple[str, str]:
    """Return the text after the last tool call, and all thinking, of a response's output."""
    answer: list[str] = []
    thoughts: list[str] = []
    for item in output:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "reasoning":
            thoughts += [*_texts(item.get("summary")), *_texts(item.get("content"))]
        elif kind in ("function_call", "function_call_output"):
            answer.clear()
        elif kind == "message":
            content = item.get("content")
            answer += [whole(content)] if isinstance(content, str) else _texts(content)
    return "\n".join(answer), "\n".join(thoughts)


def _texts(parts: object) -> list[str]:
    if not isinstance(parts, list):
        return []
    return [whole(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
