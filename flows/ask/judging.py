"""Judging: the judge of a recipe is asked about the chains whose criteria no rule decides, after an exam of its own.

The judge's answers are bought, journalled and stored like any candidate, as judgements whose parent is the chain. What
they say becomes a grade of the chain; while the judge is not to be relied on, that grade is `ungraded`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cotfactory.flows.ask.assignments import AskingRound, Assignment, wanted_samples
from cotfactory.flows.ask.holds_samples import HoldsSamples
from cotfactory.flows.ask.prompts_of_chains import PromptsOfChains
from cotfactory.flows.grade_rows import grade_row
from cotfactory.flows.review.people_verdicts import PeoplesVerdicts, figures_of
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.judge_strategy import JudgeStrategy
from cotfactory.generators.teacher.budget import worst_case
from cotfactory.graders.grading import grader_name_and_version
from cotfactory.graders.judge_exam import master_keys
from cotfactory.graders.rubric_answers import Holds, by_rules_alone, judged_grade, said_in
from cotfactory.graders.stated_answers import answer_text
from cotfactory.schemas.candidate import Candidate
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.ids import content_id, grade_id, prompt_id
from cotfactory.schemas.judge_facts import JudgeFacts
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.review import Review
from cotfactory.schemas.rubric import NOT_JUDGED
from cotfactory.schemas.spending import NOTHING_SPENT, Spending
from cotfactory.schemas.teaching import Usage
from cotfactory.warehouse.seal import GradeRow, write_grades
from cotfactory.warehouse.wanted import StoredStep
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace

IN_ORDER, IN_REVERSE = False, True


class JudgedAnswer(NamedTuple):
    """An answer that the judge is asked about; `chain` is None for an answer of the exam."""

    judged_id: str
    response: str
    chain: StoredStep | None


def refuse_unjudged(problem: Problem, recipe: Recipe) -> None:
    """Raise RecipeError where a problem needs a judge and there is none, or is answered in several turns."""
    if not problem.needs_a_judge:
        return
    if recipe.judge is None:
        raise RecipeError(
            f"{problem.named} has criteria that a judge decides, and the recipe names no judge",
            "add `judge: {teacher: NAME}`, or write the criteria with `pattern` or `refuses`",
        )
    several = next((spec for spec in recipe.writers if spec.strategy not in ("solve", "deliberate")), None)
    if several is not None:
        raise RecipeError(
            f"teacher {several.name!r} has `strategy: {several.strategy}`, which asks in several turns or needs a "
            f"verdict before the judge gives one, and {problem.named} is judged",
            "use `strategy: solve` or `deliberate` for problems with a rubric",
        )


class Judging(HoldsSamples):
    """The stored chains that a recipe's judge decides about, and its judgements as far as they are stored.

    A context manager; `wanted` are the judgements. Chains are read again and again rather than held.
    """

    def __init__(
        self, recipe: Recipe, name: str, problems: Sequence[Problem], plans: Sequence[TeacherPlan], workspace: Workspace
    ) -> None:
        """Take the chains that `plans` want, as they are decided under `name`."""
        super().__init__()
        rules, spec = recipe.judge, recipe.judging_teacher
        assert rules is not None
        assert spec is not None
        self._rules, self._spec, self._recipe, self._name = rules, spec, recipe, name
        self._problems, self._workspace = problems, workspace
        self._strategy = JudgeStrategy(spec, rules.prompt)
        self._plan = TeacherPlan(len(plans), spec, self._strategy, Attempts(max=2 * rules.votes), None)
        # Problems are on disk: each is looked at once.
        self._judged = [position for position, problem in enumerate(problems) if problem.needs_a_judge]
        judged = frozenset(self._judged)
        mine = (sample for sample in wanted_samples(problems, plans) if sample.position in judged)
        self._chains = self._opened(workspace, mine)
        self.wanted = self._opened(workspace, self._samples())

    def round(self) -> AskingRound:
        """Return what is left to be asked, by the last snapshot of `wanted`."""
        asked = PromptsOfChains(self.wanted, self._recipe.shard_problems, self._assignments)
        return AskingRound("judge", (self._plan,), asked.shards, self.wanted.missing)

    def calls_at_most(self) -> int:
        """Return how many judgements may still be bought, by what is stored: those of chains to come among them."""
        for samples in (self._chains, self.wanted):
            samples.snapshot()
        return self.wanted.missing() + 2 * self._rules.votes * self._chains.missing()

    def largest_request(self, longest_response: int) -> Usage:
        """Return the most that one judgement takes, of a response of so many tokens."""
        judged = (self._problems[position] for position in self._judged)
        asked = (self._strategy.to_judge(problem, "", "", reverse=False) for problem in judged)
        sampling = self._strategy.samplings[0]
        worst = (worst_case(sampling, messages, Usage(input_tokens=longest_response)) for messages in asked)
        return max(worst, key=lambda usage: usage.input_tokens, default=Usage())

    def settle(self, run_id: str, reviews: Sequence[Review], people: PeoplesVerdicts) -> JudgeFacts:
        """Grade the chains by what the judge has said so far, and return what is found of the judge.

        What `people` said of a chain outranks it, and is written anew with it.
        """
        counts: dict[str, int] = defaultdict(int)
        bought = NOTHING_SPENT
        distrust: str | None = "its exam was not taken yet"

        def rows() -> Iterator[GradeRow]:
            nonlocal bought, distrust
            for position, answers, said in self._paired():
                problem = self._problems[position]
                for judgement in said.values():
                    counts["judgements"] += 1
                    counts["unreadable"] += said_in(problem, judgement) is None
                    bought += Spending.of(judgement)
                if any(answer.chain is None for answer in answers):
                    distrust = (
                        self._examined(problem, answers, said, counts) or self._not_measured(problem, reviews) or None
                    )
                for number, answer in enumerate(answers):
                    votes = self._votes(problem, number, answer, said)
                    if answer.chain is None or votes is None:
                        continue
                    counts["chains"] += 1
                    grade = judged_grade(problem, answer.judged_id, answer.response, votes, distrust)
                    if _differs(grade, answer.chain.grade):
                        yield grade_row(grade, problem, answer.chain.candidate)
                    by_people = people.get((answer.judged_id, problem.problem_id))
                    if by_people is not None:
                        yield by_people.row(problem, answer.chain.candidate, grade)

        write_grades(self._workspace, f"{run_id}-judged", rows())
        return JudgeFacts(
            teacher=self._spec.name,
            model=self._spec.model,
            judge_id=self._recipe.judge_id or "",
            keys=counts["keys"],
            keys_accepted=counts["keys_accepted"],
            chains=counts["chains"],
            judgements=counts["judgements"],
            unreadable=counts["unreadable"],
            distrust=distrust,
            bought=bought,
        )

    def _placed(self) -> Iterator[tuple[int, list[JudgedAnswer]]]:
        """Yield what is judged of each problem, chains in order; of the first problem the exam's answers come first."""
        if not self._judged:
            return
        first = self._judged[0]
        found: dict[int, list[JudgedAnswer]] = {first: self._exam(self._problems[first])}
        for group in self._chains.groups(self._name):
            if group.position not in found:
                yield from found.items()
                found = {group.position: []}
            problem = self._problems[group.position]
            for step in group.steps:
                if by_rules_alone(problem, step.candidate).reason == NOT_JUDGED:
                    response = answer_text(step.candidate)[0].strip()
                    found[group.position].append(JudgedAnswer(step.candidate.candidate_id, response, step))
        yield from found.items()

    def _exam(self, problem: Problem) -> list[JudgedAnswer]:
        keys = dict.fromkeys(master_keys(problem))
        return [JudgedAnswer(content_id(["master key", problem.problem_id, key]), key, None) for key in keys]

    def _prompts(self, problem: Problem, answers: Sequence[JudgedAnswer]) -> Iterator[tuple[int, Assignment]]:
        """Yield how each answer is put to the judge, in both orders of the criteria, by number."""
        orders, votes = self._orders(problem)
        for number, answer in enumerate(answers):
            for place, reverse in enumerate(orders):
                messages = self._strategy.to_judge(problem, answer.response, answer.judged_id, reverse=reverse)
                put = prompt_id(messages)
                ids = self._strategy.ids_of_samples(put, votes)
                attempts = Attempts(max=votes)
                about = Assignment(problem, attempts, messages, put, ids, {}, {}, parent_id=answer.judged_id)
                yield number * len(orders) + place, about

    def _orders(self, problem: Problem) -> tuple[tuple[bool, ...], int]:
        """Return the orders that the criteria are shown in, and how many votes there are in each of them."""
        assert problem.rubric is not None
        if len(problem.rubric.judged) == 1:
            return (IN_ORDER,), 2 * self._rules.votes
        return (IN_ORDER, IN_REVERSE), self._rules.votes

    def _samples(self) -> Iterator[WantedSample]:
        for position, answers in self._placed():
            problem = self._problems[position]
            grader, version = grader_name_and_version(problem)
            for number, assignment in self._prompts(problem, answers):
                for index, (candidate_id,) in enumerate(assignment.request_ids):
                    yield WantedSample(
                        position,
                        self._plan.position,
                        index,
                        number,
                        problem.problem_id,
                        candidate_id,
                        grade_id(candidate_id, problem, grader, version),
                    )

    def _assignments(self, plan: TeacherPlan) -> Iterator[tuple[int, Mapping[int, Assignment]]]:
        for position, answers in self._placed():
            yield position, dict(self._prompts(self._problems[position], answers))

    def _paired(self) -> Iterator[tuple[int, list[JudgedAnswer], dict[tuple[int, int], Candidate]]]:
        """Yield what is judged of each problem, with the stored judgements by number and sample."""
        stored = self.wanted.groups(self._name)
        ahead = next(stored, None)
        for position, answers in self._placed():
            said: dict[tuple[int, int], Candidate] = {}
            if ahead is not None and ahead.position == position:
                said = {(step.step, step.candidate.sample_index): step.candidate for step in ahead.steps}
                ahead = next(stored, None)
            yield position, answers, said

    def _votes(
        self, problem: Problem, number: int, answer: JudgedAnswer, said: Mapping[tuple[int, int], Candidate]
    ) -> list[Holds | None] | None:
        """Return what each vote says of an answer; None while votes are missing."""
        orders, votes = self._orders(problem)
        places = [(number * len(orders) + order, index) for order in range(len(orders)) for index in range(votes)]
        if any(place not in said for place in places):
            return None
        return [said_in(problem, said[place]) for place in places]

    def _examined(
        self,
        problem: Problem,
        answers: Sequence[JudgedAnswer],
        said: Mapping[tuple[int, int], Candidate],
        counts: dict[str, int],
    ) -> str:
        """Return why the exam speaks against the judge, or nothing."""
        for number, answer in enumerate(answers):
            if answer.chain is None:
                votes = self._votes(problem, number, answer, said)
                if votes is None:
                    return "its exam is not finished"
                counts["keys"] += 1
                verdict = judged_grade(problem, answer.judged_id, answer.response, votes, None).verdict
                counts["keys_accepted"] += verdict == "correct"
        accepted, keys = counts["keys_accepted"], counts["keys"]
        return f"it passed {accepted} of {keys} answers that say nothing" if accepted else ""

    def _not_measured(self, problem: Problem, reviews: Sequence[Review]) -> str:
        """Return why people's reviews do not speak for the judge, where the recipe asks for that, or nothing."""
        wanted = self._rules.require.precision_low
        if wanted is None:
            return ""
        figures = figures_of(self._workspace, self._recipe, reviews)
        version = grader_name_and_version(problem)[1]
        for found in figures.graders if figures is not None else ():
            if (found.grader, found.grader_version) == ("rubric", version) and found.precision.low is not None:
                low = found.precision.low
                return "" if low >= wanted else f"its precision is {low:.3f} or more, and {wanted:g} is asked for"
        return "people have not measured its precision yet"


def _differs(grade: Grade, stored: Grade) -> bool:
    return (grade.verdict, grade.reason, grade.evidence) != (stored.verdict, stored.reason, stored.evidence)
