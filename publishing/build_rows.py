"""From kept candidates to published rows: one builder for each product, columns in order."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from schemas.candidate import Candidate
from schemas.group import GradedCandidate, Group
from schemas.ids import content_id, seed_from
from schemas.problem import Problem, ScorerTests
from schemas.recipe import Product
from schemas.teaching import Message

Row = dict[str, Any]

VERL_SCORERS = {
    "openai/gsm8k": "####",
    "lighteval/MATH": r"\boxed",
    "DigitalLearningGmbH/MATH-lighteval": r"\boxed",
    "HuggingFaceH4/MATH-500": r"\boxed",
}
"""Names that verl's reward functions know, each with the mark that its scorer looks for in a response."""
VERL_BOXED = "lighteval/MATH"


def sft_rows(group: Group) -> list[Row]:
    """Return one SFT row for each kept candidate of `group`."""
    return [
        {
            **_provenance("sft", group.problem, candidate.candidate_id),
            "candidate_id": candidate.candidate_id,
            "messages": [*_prompt(group), _assistant_turn(candidate)],
            "reasoning": _thinking(candidate),
            "response": candidate.response,
            "final_answer": graded.grade.extracted_answer,
            "verdict": graded.grade.verdict,
            "finish_reason": candidate.finish_reason,
            "output_tokens": candidate.usage.output_tokens,
            **_pass_rate(group),
        }
        for graded in _kept(group)
        for candidate in [graded.candidate]
    ]


def preference_rows(group: Group) -> list[Row]:
    """Return pairs of a kept correct and an incorrect candidate of `group`.

    In the order of their sample index, the first kept is paired with the first rejected, the second with the
    second, until either runs out; no chain is in two pairs. An `ungraded` or truncated chain is never
    rejected: what is wrong with it is ours, or the token limit's.
    """
    chosen = [graded for graded in _kept(group) if graded.grade.verdict == "correct"]
    rejected = [
        graded
        for graded in group.candidates
        if graded.grade.verdict == "incorrect" and not graded.candidate.is_truncated
    ]
    return [_pair(group, *pair) for pair in zip(_by_index(chosen), _by_index(rejected), strict=False)]


def rl_rows(groups: Sequence[Group]) -> list[Row]:
    """Return the RL row of the problem that `groups` are about, or none when it has no reference to check by.

    Prompt and pass rate are the first teacher's.
    """
    group, problem = groups[0], groups[0].problem
    truth = _ground_truth(problem)
    if not truth.strip():
        return []
    return [
        {
            **_provenance("rl", problem),
            "prompt": _prompt(group),
            "solution": _solution(problem),
            "ground_truth": truth,
            "data_source": _data_source(group),
            "ability": problem.answer_kind,
            "reward_model": {"style": "rule", "ground_truth": truth},
            "extra_info": {
                # From the id, not the row's position: it stays when other rows come and go.
                "index": seed_from(problem.problem_id) >> 1,  # 63 bits fit int64
                "split": "train",
                "problem_id": problem.problem_id,
            },
            "grader": "reasoning_gym" if isinstance(problem.tests, ScorerTests) else problem.answer_kind,
            "grader_args": _grader_args(problem),
            **_pass_rate(group),
        }
    ]


def _rows_of_each(builder: Callable[[Group], list[Row]]) -> Callable[[Sequence[Group]], list[Row]]:
    return lambda groups: [row for group in groups for row in builder(group)]


BUILDERS: dict[Product, Callable[[Sequence[Group]], list[Row]]] = {
    "sft": _rows_of_each(sft_rows),
    "preference": _rows_of_each(preference_rows),
    "rl": rl_rows,
}
"""Each product's rows from all groups of one problem."""


def _provenance(product: Product, problem: Problem, *what: str) -> Row:
    return {
        "row_id": content_id([product, problem.problem_id, *what]),
        "problem_id": problem.problem_id,
        "source": problem.source,
        "source_row_id": problem.source_row_id,
        "license": problem.license,
        "domain": problem.domain,
    }


def _pass_rate(group: Group) -> Row:
    return {
        "teacher": group.model,
        "pass_rate": group.pass_rate.rate,
        "pass_rate_n": group.pass_rate.n,
        "pass_rate_c": group.pass_rate.c,
    }


def _kept(group: Group) -> list[GradedCandidate]:
    pairs = zip(group.candidates, group.decisions, strict=True)
    return [graded for graded, decision in pairs if decision.kept]


def _by_index(candidates: list[GradedCandidate]) -> list[GradedCandidate]:
    return sorted(candidates, key=lambda graded: graded.candidate.sample_index)


def _pair(group: Group, chosen: GradedCandidate, rejected: GradedCandidate) -> Row:
    ids = chosen.candidate.candidate_id, rejected.candidate.candidate_id
    return {
        **_provenance("preference", group.problem, *ids),
        "chosen_id": ids[0],
        "rejected_id": ids[1],
        "prompt": _prompt(group),
        "chosen": [_assistant_turn(chosen.candidate)],
        "rejected": [_assistant_turn(rejected.candidate)],
        "chosen_verdict": chosen.grade.verdict,
        "rejected_verdict": rejected.grade.verdict,
        "chosen_finish_reason": chosen.candidate.finish_reason,
        "rejected_finish_reason": rejected.candidate.finish_reason,
        "rejection_type": rejected.grade.reason,
        **_pass_rate(group),
    }


def _prompt(group: Group) -> list[Row]:
    return [_message(message) for message in group.messages]


def _message(message: Message) -> Row:
    return {"role": message.role, "content": message.content}


def _thinking(candidate: Candidate) -> str | None:
    """Return the reasoning, or None where there is none to read: a blank one is none."""
    return candidate.reasoning if candidate.reasoning and candidate.reasoning.strip() else None


def _assistant_turn(candidate: Candidate) -> Row:
    thinking = _thinking(candidate)
    content = candidate.response
    if thinking is not None:
        content = f"<think>\n{thinking}\n</think>\n\n{candidate.response}"
    return {"role": "assistant", "content": content}


def _ground_truth(problem: Problem) -> str:
    """Return the reference answer, or for a program its tests as JSON."""
    if problem.answer_kind == "code":
        return problem.tests.model_dump_json() if problem.tests else ""
    return problem.answer


def _solution(problem: Problem) -> str | None:
    r"""Return what TRL's `accuracy_reward` may parse.

    Its parser reads a bare `(1, 2)` as 2 and needs `\boxed{}` around it. An answer that is not mathematics
    stays bare: the parser finds nothing in `B` and skips the row, where it would score every response as 0.
    """
    if problem.answer_kind == "code":
        return problem.solution
    return rf"\boxed{{{problem.answer}}}" if problem.answer_kind == "math" else problem.answer


def _data_source(group: Group) -> str:
    r"""Return the name by which verl chooses its scorer.

    The source's own name, when verl knows it and the prompt asks for the answer in the form that its scorer
    reads; GSM8K's reads only `#### 18`, and would score every `\boxed{18}` as 0. Other mathematics asked for
    in `\boxed{}` goes to the scorer that reads it. All else keeps its source, which verl refuses aloud.
    """
    source, asked = group.problem.source, "\n".join(message.content for message in group.messages)
    if VERL_SCORERS.get(source, "\0") in asked:
        return source
    if group.problem.answer_kind == "math" and VERL_SCORERS[VERL_BOXED] in asked:
        return VERL_BOXED
    return source


def _grader_args(problem: Problem) -> str:
    tests = problem.tests.model_dump(mode="json") if problem.tests else None
    arguments = {"choices": list(problem.choices) if problem.choices else None, "tests": tests}
    given = {name: value for name, value in arguments.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, sort_keys=True)
