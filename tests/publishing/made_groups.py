"""Problems, candidates and groups for tests: small, whole, and alike but for what a test asks for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from cotfactory.generators.problems.turns import conversation
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grade import VERDICTS, Decision, Evidence, Split, Verdict
from cotfactory.schemas.group import GradedCandidate, Group, LabelledChain, PassRate, StepCount
from cotfactory.schemas.ids import problem_id, prompt_id, request_id
from cotfactory.schemas.manifest import FunnelStage, ReleaseFacts, TeacherShare
from cotfactory.schemas.problem import AnswerKind, Problem, Tests
from cotfactory.schemas.problem_sources import FileSource
from cotfactory.schemas.python_tool import ToolCall
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product, Release
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Message, Sampling, Usage
from tests.builders import AT, a_candidate, a_grade, a_problem

NOW = AT
KEY = "sk-" + "aB3dE5fG7hJ9kL1mN2pQ"


def made_problem(
    number: int = 0,
    *,
    answer: str = "18",
    answer_kind: AnswerKind = "math",
    source: str = "stories",
    licence: str | None = "mit",
    choices: tuple[str, ...] | None = None,
    tests: Tests | None = None,
    solution: str | None = None,
) -> Problem:
    """Return a problem; another `number` is another problem."""
    question = f"A duck lays {number} eggs and 18 more. How many more?"
    content = problem_id(question, choices, answer, tests, source)
    return a_problem(
        question,
        answer,
        answer_kind,
        choices,
        f"row-{number}",
        source=source,
        tests=tests,
        license=licence,
        solution=solution,
        split_group=content,
    )


def made_prompt(problem: Problem, ask: str = r"Put the final answer in \boxed{}.") -> tuple[Message, ...]:
    return (Message(role="user", content=f"{problem.question}\n\n{ask}"),)


def made_candidate(
    problem: Problem,
    index: int = 0,
    *,
    model: str = "owl-7b",
    reasoning: str | None = "It is 18, as told.",
    response: str = r"The answer is \boxed{18}.",
    finish_reason: str = "stop",
) -> Candidate:
    prompt = prompt_id(made_prompt(problem))
    return a_candidate(
        response,
        candidate_id=request_id(prompt, model, Sampling(), index),
        problem=problem.problem_id,
        reasoning=reasoning,
        finish_reason=finish_reason,
        sample_index=index,
        teacher="owl",
        prompt_id=prompt,
        usage=Usage(input_tokens=40, output_tokens=12),
    )


def made_graded(
    candidate: Candidate, verdict: Verdict = "correct", *, found: str | None = "18", reason: str = "equal"
) -> GradedCandidate:
    grade = a_grade(verdict, candidate.candidate_id, reason=reason, extracted_answer=found, evidence=Evidence())
    return GradedCandidate(candidate=candidate, grade=grade)


def made_group(
    problem: Problem,
    graded: Sequence[GradedCandidate],
    *,
    kept: Sequence[bool] | None = None,
    model: str = "owl-7b",
    messages: tuple[Message, ...] | None = None,
) -> Group:
    """Return a group; without `kept`, exactly the correct candidates are kept."""
    keeps = kept or [each.grade.verdict == "correct" for each in graded]
    counted = [each for each in graded if each.grade.verdict != "ungraded"]
    correct = sum(each.grade.verdict == "correct" for each in counted)
    return Group(
        problem=problem,
        teacher="owl",
        model=model,
        messages=messages or made_prompt(problem),
        candidates=tuple(graded),
        decisions=tuple(
            Decision(candidate_id=each.candidate.candidate_id, kept=keep, reason=None if keep else _reason(each))
            for each, keep in zip(graded, keeps, strict=True)
        ),
        pass_rate=PassRate(rate=correct / len(counted) if counted else None, n=len(counted), c=correct),
    )


def _reason(graded: GradedCandidate) -> DropReason:
    verdict = graded.grade.verdict
    return "over_limit" if verdict == "correct" else verdict


def group_of(*verdicts: Verdict, truncated: tuple[int, ...] = ()) -> Group:
    """Return a group whose candidates have these verdicts, in the order of their sample index."""
    problem = made_problem()
    finish = ["length" if index in truncated else "stop" for index in range(len(verdicts))]
    candidates = [made_candidate(problem, index, finish_reason=reason) for index, reason in enumerate(finish)]
    return made_group(problem, [made_graded(*pair) for pair in zip(candidates, verdicts, strict=True)])


def in_split(group: Group, split: Split) -> Group:
    """Return the group with its problem on that side."""
    decisions = (decision.model_copy(update={"split": split}) for decision in group.decisions)
    return group.model_copy(update={"decisions": tuple(decisions)})


def contaminated(group: Group, *indexes: int) -> Group:
    """Return the group with these of its candidates dropped as contaminated, by default all of them."""
    decisions = [
        Decision(candidate_id=decision.candidate_id, kept=False, reason="contaminated")
        if not indexes or index in indexes
        else decision
        for index, decision in enumerate(group.decisions)
    ]
    return group.model_copy(update={"decisions": tuple(decisions)})


def made_mixed_group(number: int) -> Group:
    """Return a group with two correct chains (one without reasoning), an incorrect and an ungraded one.

    The steps of the first two have labels.
    """
    problem = made_problem(number)
    group = made_group(
        problem,
        [
            made_graded(made_candidate(problem, 0)),
            made_graded(
                made_candidate(problem, 1, response=r"The answer is \boxed{17}."),
                "incorrect",
                found="17",
                reason="different",
            ),
            made_graded(made_candidate(problem, 2, reasoning=None)),
            made_graded(made_candidate(problem, 3), "ungraded", found=None, reason="timeout"),
        ],
    )
    return labelled(group, 0, 1)


def labelled(group: Group, *indexes: int) -> Group:
    """Return the group with labels for these of its candidates: 2 of 4 rollouts from their first step are correct."""
    chains = tuple(
        LabelledChain(
            candidate_id=group.candidates[index].candidate.candidate_id,
            steps=("It is 18, ", "as told."),
            counts=(StepCount(n=4, c=2), StepCount(n=1, c=int(group.candidates[index].grade.verdict == "correct"))),
        )
        for index in indexes
    )
    return group.model_copy(update={"labelled": chains})


def made_tools_group(number: int) -> Group:
    """Return a group with one correct chain, which calls the tool once and goes on from what it gave."""
    problem = made_problem(number)
    call = ToolCall(id="c1", name="python", arguments='{"code": "9 + 9"}')
    turn = made_candidate(problem, 1, response="I compute.", finish_reason="tool_calls")
    last = made_candidate(problem, 0).model_copy(update={"tool_results": ("18",), "strategy": "python"})
    graded = made_graded(last).model_copy(update={"turns": (turn.model_copy(update={"tool_calls": (call,)}),)})
    return made_group(problem, [graded]).model_copy(update={"strategy": "python"})


OF_TURNS: tuple[tuple[Verdict, ...], ...] = (("correct", "correct"), ("correct", "incorrect"), ("correct",))
"""What two samples of a conversation come to, turn by turn."""


def made_conversation(
    number: int, *, response: str = r"It is \boxed{18}.", turns: int = 2, thought: str = "It is 18, as told."
) -> list[Group]:
    """Return the turns of a conversation, three at most: two right first answers, one of them gone on from wrongly.

    `thought` may name the turn and the conversation: `Thought {} of {}.`
    """
    problems = conversation([made_problem(number + 1000 * turn) for turn in range(turns)])
    groups: list[Group] = []
    asked: list[tuple[Message, ...]] = [(), ()]
    before: list[GradedCandidate | None] = [None, None]
    for turn, problem in enumerate(problems):
        answers = []
        for index, verdict in enumerate(OF_TURNS[turn]):
            asked[index] = (*asked[index], *made_prompt(problem))
            said = f"{response} Way {index}." if turn == 0 else r"The answer is \boxed{18}."
            candidate = made_candidate(problem, index, response=said, reasoning=thought.format(turn + 1, number))
            graded = made_graded(candidate, verdict)
            if turn:
                graded = graded.model_copy(update={"before": before[index], "asked": asked[index]})
            asked[index] = (*asked[index], Message(role="assistant", content=said))
            before[index] = graded
            answers.append(graded)
        questions = tuple(message for each in problems[: turn + 1] for message in made_prompt(each))
        groups.append(made_group(problem, answers, messages=questions))
    return groups


PRODUCTS: tuple[Product, ...] = tuple(
    product for product in get_args(Product) if product not in ("sft_tools", "sft_turns", "sft_policy", "reviews")
)
"""Those that the mixed groups have rows of."""


def made_recipe(*products: Product, require_reasoning: bool = False, repo: str | None = None) -> Recipe:
    """Return a recipe for `products`, by default all of them."""
    wanted = products or PRODUCTS
    return Recipe.model_validate(
        {
            "name": "ducks",
            "problems": (FileSource(source="file", path="/somewhere/else/problems.jsonl"),),
            "teachers": (TeacherSpec(name="owl", model="owl-7b"),),
            "curation": {"require_reasoning": require_reasoning},
            "rollouts": {} if "steps" in wanted else None,
            "release": Release(products=wanted, license="mit", repo=repo),
        }
    )


def made_facts(*, recipe_id: str = "recipe-1", problems: Iterable[Sequence[Group]] | None = None) -> ReleaseFacts:
    """Return what a run of `problems` says of itself, by default of ten mixed groups."""
    groups = [
        group
        for problem_groups in problems or [(made_mixed_group(number),) for number in range(10)]
        for group in problem_groups
    ]
    verdicts = Counter(graded.grade.verdict for group in groups for graded in group.candidates)
    decisions = [decision for group in groups for decision in group.decisions]
    counts = {
        "problems": len({group.problem.problem_id for group in groups}),
        "asked": len(decisions),
        "complete": sum(not graded.candidate.is_truncated for group in groups for graded in group.candidates),
        "answered": verdicts["correct"] + verdicts["incorrect"],
        "correct": verdicts["correct"],
        "kept": sum(decision.kept for decision in decisions),
    }
    return ReleaseFacts(
        code_version="0.1.0+abc",
        recipe_id=recipe_id,
        problems="ducks-000000000000",
        created_at=NOW,
        funnel=tuple(FunnelStage(stage=stage, count=count) for stage, count in counts.items()),
        verdicts={verdict: verdicts[verdict] for verdict in VERDICTS},
        dropped=dict(Counter(decision.reason for decision in decisions if decision.reason)),
        teachers=(
            TeacherShare(
                teacher="owl",
                model="owl-7b",
                license="apache-2.0",
                candidates=counts["asked"],
                correct=counts["correct"],
                kept=counts["kept"],
                input_tokens=400,
                output_tokens=120,
                cost_usd=0.5,
            ),
        ),
    )
