"""Problems to practise on with a reward: one row that TRL's GRPO, verl, open-instruct, SkyRL and verifiers all read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from cotfactory.curation.difficulty import outside_difficulty
from cotfactory.generators.ask.stopping import probability_in_band
from cotfactory.publishing.products.row_parts import Row, pass_rate, prompt, provenance
from cotfactory.schemas.group import Group
from cotfactory.schemas.ids import seed_from
from cotfactory.schemas.problem import CustomGrader, Problem, ScorerTests
from cotfactory.schemas.recipe import Recipe

VERL_SCORERS = {
    "openai/gsm8k": "####",
    "lighteval/MATH": r"\boxed",
    "DigitalLearningGmbH/MATH-lighteval": r"\boxed",
    "HuggingFaceH4/MATH-500": r"\boxed",
}
"""Names that verl's reward functions know, each with the mark that its scorer looks for in a response."""
VERL_BOXED = "lighteval/MATH"

ENV_CLASS = "cotfactory"
"""The name under which SkyRL is to know an environment that asks the graders."""

LeftOut = Literal[
    "no_reference",
    "later_turn",
    "contaminated",
    "weak_check",
    "no_pass_rate",
    "outside_difficulty",
    "outside_band",
]
"""Why a problem that was asked has no row."""


def rl_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return the RL row of the problem that `groups` are about, or none when it is `left_out`.

    Prompt and pass rate are those of the first teacher that was asked plainly, or else the first; `pass_rates` has all
    of them.
    """
    if left_out(groups, recipe) is not None:
        return []
    rated = _rated(groups)
    group, problem = rated[0], rated[0].problem
    truth = _ground_truth(problem)
    return [
        {
            **provenance("rl", group),
            "prompt": prompt(group),
            "messages": prompt(group),
            "solution": _solution(problem),
            "ground_truth": truth,
            "data_source": _data_source(group),
            "dataset": _dataset(group),
            "ability": problem.answer_kind,
            "reward_model": {"style": "rule", "ground_truth": truth},
            "extra_info": {
                # From the id, not the row's position: it stays when other rows come and go.
                "index": seed_from(problem.problem_id) >> 1,  # 63 bits fit int64
                "split": group.split,
                "problem_id": problem.problem_id,
            },
            "env_class": ENV_CLASS,
            "reward_spec": {"method": "rule", "ground_truth": truth},
            "question": problem.question,
            "answer": truth,
            "grader": _grader(problem),
            "grader_args": _grader_args(problem),
            **pass_rate(group),
            "pass_rates": [
                {
                    "model": group.model,
                    "strategy": group.strategy,
                    "n": group.pass_rate.n,
                    "c": group.pass_rate.c,
                    "pass_rate": group.pass_rate.rate,
                }
                for group in rated
            ],
        }
    ]


def left_out(groups: Sequence[Group], recipe: Recipe) -> LeftOut | None:
    """Return why the problem that `groups` are about has no row; None when it has one.

    Without a reference nothing can be checked; a later turn of a conversation has no prompt of its own; a problem of
    which every attempt is contaminated is itself a benchmark's; tests that a program can forge would reward whoever
    does. One outside the recipe's difficulty, or more likely outside than inside the band that the recipe samples for,
    teaches too little; `no_pass_rate`: nothing was graded that tells. Example: 2 of 4 correct is inside 0.2 to 0.8, 5
    of 5 is not (13 %).
    """
    rated = _rated(groups)
    if not _ground_truth(rated[0].problem).strip():
        return "no_reference"
    if rated[0].problem.follows is not None:
        return "later_turn"
    if is_contaminated(groups):
        return "contaminated"
    if not recipe.code.allow_weak and has_weak_tests(groups):
        return "weak_check"
    wanted = recipe.curation.difficulty
    if outside_difficulty(rated, wanted) is not None:
        known = [group for group in rated if wanted is not None and group.model == wanted.model and group.pass_rate.n]
        return "outside_difficulty" if known else "no_pass_rate"
    seen, rule = rated[0].pass_rate, recipe.attempts
    # c of n, not the unbiased rate: where sampling stopped as soon as it was decided, that one is seldom in between.
    if rule.mode == "band" and probability_in_band(rule.band, seen.c, seen.n) <= 0.5:
        return "outside_band" if seen.n else "no_pass_rate"
    return None


def _rated(groups: Sequence[Group]) -> list[Group]:
    """Return the groups whose pass rate says how hard the problem is; plain questions first.

    With the reference answer in the prompt anybody solves it: a teacher that was only asked so has no pass rate.
    """
    fair = sorted((group for group in groups if group.strategy != "hint"), key=lambda group: group.strategy != "solve")
    return fair or list(groups[:1])


def is_contaminated(groups: Sequence[Group]) -> bool:
    """Whether every attempt at the problem was dropped as contaminated."""
    reasons = [decision.reason for group in groups for decision in group.decisions]
    return bool(reasons) and set(reasons) == {"contaminated"}


def has_weak_tests(groups: Sequence[Group]) -> bool:
    """Whether all chains that the problem's tests accept, or reject where they accept none, could have forged that."""
    grades = [graded.grade for group in groups for graded in group.candidates]
    judged = [grade for grade in grades if grade.verdict == "correct"]
    judged = judged or [grade for grade in grades if grade.verdict == "incorrect"]
    return bool(judged) and all(grade.evidence.weak for grade in judged)


def _grader(problem: Problem) -> str:
    if problem.grader is not None:
        return problem.grader.name
    if problem.program is not None:
        return "math_program"
    return "reasoning_gym" if isinstance(problem.tests, ScorerTests) else problem.answer_kind


def _ground_truth(problem: Problem) -> str:
    """Return the reference answer, or for a program its tests as JSON."""
    if problem.answer_kind == "code":
        return problem.tests.model_dump_json() if problem.tests else ""
    if problem.rubric is not None and problem.grader is None:
        return ""  # nothing that a trainer could hold a response against without a judge
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
    source, asked = group.problem.source, _asked(group)
    if VERL_SCORERS.get(source, "\0") in asked:
        return source
    if group.problem.answer_kind == "math" and VERL_SCORERS[VERL_BOXED] in asked:
        return VERL_BOXED
    return source


def _dataset(group: Group) -> str:
    r"""Return the name by which open-instruct chooses its verifier.

    Its `math` reads the last `\boxed{}`, its `gsm8k` the last number of a response; the others read forms that no
    prompt of ours asks for, so all else keeps its source, for which open-instruct has no verifier.
    """
    if group.problem.answer_kind == "math" and VERL_SCORERS[VERL_BOXED] in _asked(group):
        return "math"
    return "gsm8k" if _data_source(group) == "openai/gsm8k" else group.problem.source


def _asked(group: Group) -> str:
    return "\n".join(message.content for message in group.messages)


IN_OTHER_COLUMNS = frozenset((
    *("problem_id", "source", "source_row_id", "license", "domain", "split_group"),
    *("answer", "answer_kind", "solution", "grader"),
))  # fmt: skip
"""What of a problem a row has in columns of its own."""


def _grader_args(problem: Problem) -> str:
    """Return all else that is known of a problem, so that whoever has the row alone can grade as we do."""
    fields = type(problem).model_fields
    given = {
        name: value
        for name, value in problem.model_dump(mode="json", exclude=set(IN_OTHER_COLUMNS)).items()
        if getattr(problem, name) != fields[name].get_default()
    }
    if problem.grader is not None:
        given["version"] = problem.grader.version
    return json.dumps(given, ensure_ascii=False, sort_keys=True)


COLUMNS_OF_A_PROBLEM = (
    *("row_id", "problem_id", "source", "source_row_id", "license", "domain", "split_group"),
    *("prompt", "solution", "ground_truth", "ability", "grader", "grader_args"),
)
"""What `problem_of_row` reads of a row, and `row_id`, by which it is named."""


def problem_of_row(row: Mapping[str, Any]) -> Problem:
    """Return the problem that a row was made of.

    Rows of older releases do not name the question: the prompt stands for it. Raises ValueError, or KeyError, for what
    is no row of `rl`.
    """
    arguments = json.loads(row["grader_args"])
    version = arguments.pop("version", None)
    is_code = row["ability"] == "code"
    return Problem(
        **{"question": row["prompt"][-1]["content"], **arguments},
        **{name: row[name] for name in ("problem_id", "source", "source_row_id", "license", "domain", "split_group")},
        answer="" if is_code else row["ground_truth"],
        answer_kind=row["ability"],
        solution=row["solution"] if is_code else None,
        grader=CustomGrader(name=row["grader"], version=version) if version else None,
    )
