"""Batches of completions: our own `/rewards`, and the shapes of slime (one a request) and OpenRLHF."""

from collections.abc import Mapping, Sequence

from cotfactory.rewards.fields import (
    Body,
    label_of,
    optional_texts_of,
    policy_of,
    shown,
    step_of,
    text_of,
    texts_of,
)
from cotfactory.rewards.refusal import Refusal, bad_request
from cotfactory.rewards.rollout import Rewarded, Rollout


def rollouts_to_reward(body: Body) -> list[Rollout]:
    """Return the rollouts in a body of `/rewards`.

    `{problem_ids, completions, reasonings?, finish_reasons?, grader_versions?, step?, checkpoint?, policy?}`, lists of
    the same length. Raises Refusal.
    """
    completions = texts_of(body, "completions")
    ids = texts_of(body, "problem_ids", len(completions))
    reasonings = optional_texts_of(body, "reasonings", len(completions))
    reasons = optional_texts_of(body, "finish_reasons", len(completions))
    step, checkpoint, policy = step_of(body), label_of(body, "checkpoint"), policy_of(body)
    return [
        Rollout(problem_id, text, reasoning, reason or "stop", step, checkpoint, policy)
        for problem_id, text, reasoning, reason in zip(ids, completions, reasonings, reasons, strict=True)
    ]


def refuse_other_graders(body: Body, graders: Mapping[str, str]) -> None:
    """Raise Refusal 409 where the body expects grader versions that are not these."""
    expected = body.get("grader_versions")
    if expected is None:
        return
    if not isinstance(expected, dict) or not all(isinstance(version, str) for version in expected.values()):
        raise bad_request(f"`grader_versions` is {shown(expected)}: expected an object, grader: version")
    others = [
        f"{name} {version} (here {graders.get(name, 'none')})"
        for name, version in sorted(expected.items())
        if graders.get(name) != version
    ]
    if others:
        raise Refusal(
            409,
            f"grader_version: expected {', '.join(others)[:1000]}. Rewards would disagree with the data: serve with "
            "the version of cotfactory that made the release, or say that any will do with --any-version",
        )


def rewards_reply(found: Sequence[Rewarded], graders: Mapping[str, str]) -> Body:
    """Return the reply to `/rewards`: lists in the order of the completions; what has no reward has null."""
    return {
        "rewards": [rewarded.reward for rewarded in found],
        "verdicts": [rewarded.grade.verdict for rewarded in found],
        "reasons": [rewarded.masked_for or rewarded.grade.reason for rewarded in found],
        "extracted_answers": [rewarded.grade.extracted_answer for rewarded in found],
        "wrong_steps": [rewarded.wrong_step for rewarded in found],
        "graders": dict(graders),
    }


def slime_rollout(body: Body) -> Rollout:
    """Return the rollout in slime's `{prompt, response, label}`, whose label is the problem id. Raises Refusal."""
    return Rollout(text_of(body, "label"), text_of(body, "response"), step=step_of(body), policy=policy_of(body))


def openrlhf_rollouts(body: Body) -> list[Rollout]:
    """Return the rollouts in OpenRLHF's `{query, prompts, labels}`, whose labels are problem ids. Raises Refusal.

    A query is a prompt and what the policy made of it, in one text; a tokenizer may put a mark of its own before it.
    """
    queries = texts_of(body, "query")
    prompts, labels = texts_of(body, "prompts", len(queries)), texts_of(body, "labels", len(queries))
    step, policy = step_of(body), policy_of(body)
    return [
        Rollout(label, _after(prompt, query), step=step, policy=policy)
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]


def _after(prompt: str, query: str) -> str:
    """Return what follows the prompt. Raises Refusal: the prompt's own words must never be graded as an answer."""
    start = query.find(prompt)
    if start < 0:
        raise bad_request(
            f"the query {query[:80]!r} does not hold its prompt {prompt[:80]!r}: expected prompt + answer"
        )
    return query[start + len(prompt) :]


def openrlhf_reply(found: Sequence[Rewarded]) -> Body:
    """Return OpenRLHF's reply."""
    rewards = [rewarded.reward for rewarded in found]
    steps = [0.0 if rewarded.wrong_step is None else 1.0 for rewarded in found]
    return {"rewards": rewards, "scores": rewards, "extra_logs": {"wrong_step": steps}}
