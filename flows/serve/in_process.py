"""The reward without a server: math, choice and text are graded in the trainer's own process."""

import json
from collections.abc import Mapping
from typing import Any

from cotfactory.flows.library import grade
from cotfactory.schemas.errors import CotfactoryError, InputError
from cotfactory.schemas.problem import CHOICE_LETTERS

KINDS = ("math", "choice", "text")
COMPARED_BY = ("question", "choices", "answer_tolerance", "answers")
"""What else of a problem an answer is compared by."""


class RewardUngraded(CotfactoryError):
    """Nobody could say whether an answer is right: that is no reward of 0, and no fault of the policy."""


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    **_: Any,
) -> float:
    """Return a completion's reward in this process: 1.0 for a right answer, 0.0 for a wrong one or none.

    The signature is verl's. `ground_truth` is the reference answer. `extra_info` may say what else the problem is:
    `answer_kind` (or `ability`: math, choice, text), `question`, `choices`, `answer_tolerance`, `answers`,
    `text_compare`, or `grader_args` as a row of `rl` has them. Without an answer kind one letter is a choice, and all
    else is mathematics. Works from any thread.

    Raises InputError for code and other problems that run programs, and for what is no problem; RewardUngraded where
    there is no verdict.
    """
    given = _given(extra_info)
    kind = given.get("answer_kind") or given.get("ability") or _guessed_kind(ground_truth)
    if kind not in KINDS or given.get("program") or given.get("tests"):
        raise InputError(
            f"{data_source}: a problem of kind {kind!r}, or with tests, is graded in a sandbox and not in this process",
            "start `cotfactory serve RELEASE`, and use the release's rl/reward.py in place of cotfactory.rewards",
        )
    problem = {name: given[name] for name in COMPARED_BY if given.get(name) is not None}
    problem |= {"source": data_source, "answer": ground_truth, "answer_kind": kind}
    if given.get("text_compare") is not None:
        problem["text"] = {"compare": given["text_compare"]}
    problem.setdefault("question", "The question is not known.")
    if kind == "choice":
        problem.setdefault("choices", list(CHOICE_LETTERS))
    found = grade(problem, solution_str)
    if found.verdict == "ungraded":
        raise RewardUngraded(
            f"{data_source}: the answer {found.extracted_answer!r} is ungraded: {found.reason}",
            "leave this completion out; a server (`cotfactory serve`) masks it",
        )
    return 1.0 if found.verdict == "correct" else 0.0


def _given(extra_info: Mapping[str, Any] | None) -> dict[str, Any]:
    given = dict(extra_info or {})
    arguments = given.pop("grader_args", None)
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError) as error:
            raise InputError(f"grader_args is no JSON: {error}", "take it as it stands in a row of `rl`") from error
    return {**given, **arguments} if isinstance(arguments, dict) else given


def _guessed_kind(ground_truth: str) -> str:
    """Return the answer kind of a reference that comes without one; the tests of a program are a JSON object."""
    if ground_truth.lstrip().startswith('{"'):
        return "code"
    return "choice" if ground_truth in CHOICE_LETTERS else "math"
