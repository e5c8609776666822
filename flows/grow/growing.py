"""Growing: a teacher writes problems, programs and votes find their answers, known problems tell how often rightly.

Whatever is asked goes through shards, ledger and budget like the chains of the recipe. What has been grown is a
function of what is stored, and no table of its own: a run that finds everything stored makes the same problems again
and asks nothing.
"""

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar, get_args

from cotfactory.flows.ask.asking import ask
from cotfactory.flows.ask.assignments import AskingRound, round_of_samples, wanted_samples
from cotfactory.flows.ask.stored_grades import grade_stored
from cotfactory.flows.grow.answers import (
    Answers,
    answered,
    for_a_program,
    hidden,
    is_open,
    known_problems,
    pass_rates,
    precision_of,
    program_answers,
    voted_answers,
    voting_plans,
)
from cotfactory.flows.grow.drafts import Draft, drafts_of, without_repeats
from cotfactory.flows.grow.writing import Place, Writing, places, writer_of
from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.job import Job
from cotfactory.flows.release.benchmarks import open_benchmarks
from cotfactory.flows.run_record import Run
from cotfactory.flows.settings import hub_access
from cotfactory.flows.stage_runner import StageRunner, on_thread
from cotfactory.flows.teacher_plan import TeacherPlan, strategy_of
from cotfactory.generators.problems.load_problems import load_problems
from cotfactory.graders.grader import Tools
from cotfactory.graders.grading import accepts
from cotfactory.schemas.grown_facts import AnswerPrecision, GrownFacts
from cotfactory.schemas.grown_rules import AnswerFrom, GrownWay, WrittenDifficulty
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.problem_sources import GrownSource
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.spending import NOTHING_SPENT, Spending
from cotfactory.warehouse.problem_spool import ProblemSpool, spool_problems
from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.workspace import Workspace

T = TypeVar("T")


class Grower(Protocol):
    """Who grows: a run, or a plan that looks at what is stored and asks nobody (`flows/grow/looking.py`)."""

    async def stage(self, name: str, work: Callable[[], T]) -> T:
        """Do some work, as a stage of this name."""
        ...

    async def buy(
        self,
        growth: "Growth",
        what: str,
        problems: Sequence[Problem],
        plans: tuple[TeacherPlan, ...],
        wanted: WantedSamples,
        asked: AskingRound,
    ) -> None:
        """Have of a round what can be had, and take a snapshot of what is there."""
        ...


@dataclass
class Growth:
    """One source that is grown, and what came of it so far. `name` is that of the output, under which it is decided.

    Of what was asked for, `stored` answers are there, `graded` of them can be read, and `missing` may yet be asked
    for. `unwritten` of the wanted problems have no reply that can be read.
    """

    grower: Grower
    recipe: Recipe
    workspace: Workspace
    name: str
    tools: Tools
    source: GrownSource
    seeds: ProblemSpool
    missing: int = 0
    stored: int = 0
    graded: int = 0
    unwritten: int = 0
    bought: Spending = NOTHING_SPENT

    async def stage(self, name: str, work: Callable[[], T]) -> T:
        """Do some work, as a stage of this name."""
        return await self.grower.stage(name, work)

    async def buy(
        self,
        what: str,
        problems: Sequence[Problem],
        plans: tuple[TeacherPlan, ...],
        wanted: WantedSamples,
        asked: AskingRound,
    ) -> None:
        """Have of a round what can be had."""
        await self.grower.buy(self, what, problems, plans, wanted, asked)
        self.stored += wanted.count() - wanted.missing()
        self.missing += asked.left()

    def count(self, wanted: WantedSamples) -> None:
        """Count the answers of a round that can be read, and what they cost."""
        for group in wanted.groups(self.name):
            self.graded += len(group.steps)
            for step in group.steps:
                self.bought += Spending.of(step.candidate)


@dataclass(frozen=True)
class _GrowingRun:
    """A run that grows."""

    run: Run
    runner: StageRunner
    asks: bool

    async def stage(self, name: str, work: Callable[[], T]) -> T:
        """Do some work on a thread, as a stage of the run."""
        return await self.runner.run(name, on_thread(work))

    async def buy(
        self,
        growth: Growth,
        what: str,
        problems: Sequence[Problem],
        plans: tuple[TeacherPlan, ...],
        wanted: WantedSamples,
        asked: AskingRound,
    ) -> None:
        """Grade what is stored of a round and buy what is not. Teachers of our own know the seeds by their answers."""
        with spool_problems(problems, self.run.workspace.staging) as spooled:
            job = Job(self.run, self.runner, spooled, {}, plans, wanted, growth.tools, {}, self.asks)
            await grade_stored(job, what)
            if self.asks:
                await ask(replace(job, problems=growth.seeds), asked)
                await self.stage(f"look for {what}", wanted.snapshot)


async def grow(run: Run, runner: StageRunner, *, asks: bool) -> dict[int, ProblemSpool]:
    """Return the problems of the sources that a teacher writes, by their place in the recipe; the caller closes them.

    Notes with the run which of them are dropped, and what is found of each source. Raises what asking raises.
    """
    recipe, grown = run.recipe, dict[int, ProblemSpool]()
    if not recipe.written_sources:
        return grown
    needs_sandbox = any("program" in source.references.by for source in recipe.written_sources.values())
    with open_grading((), None, recipe.code, packages=recipe.sandbox.packages, has_tool=needs_sandbox) as tools:
        for place, source in recipe.written_sources.items():
            if run.limit is not None:
                source = source.model_copy(update={"count": min(source.count or run.limit, run.limit)})
            read = load_problems((source.seeds,), Path.cwd(), hub_access())
            with spool_problems(read, run.workspace.staging) as seeds:
                grower = _GrowingRun(run, runner, asks)
                growth = Growth(grower, recipe, run.workspace, run.output_name, tools, source, seeds)
                drafts, facts = await grown_drafts(growth)
            run.grown.append(facts)
            run.dropped_grown |= {
                draft.problem.problem_id: draft.dropped for draft in drafts if draft.dropped is not None
            }
            grown[place] = spool_problems((draft.problem for draft in drafts), run.workspace.staging)
            run.progress.note(told(facts))
    return grown


async def grown_drafts(growth: Growth) -> tuple[list[Draft], GrownFacts]:
    """Return the problems of one source, those that are of no use dropped, and what is found of it."""
    seeds = growth.seeds
    wanted = await growth.stage("choose seeds", lambda: places(seeds, growth.source))
    with Writing(growth.recipe, growth.source, seeds, wanted, growth.workspace) as writing:
        await growth.buy("written problems", seeds, (writing.plan,), writing.wanted, writing.round())
        drafts, unreadable = await growth.stage("read problems", lambda: _read(growth, wanted, writing))
    answers = await _answered(growth, drafts)
    settled = [_settled(draft, answers, growth.source.pass_rate) for draft in drafts]
    usable = [draft.problem.reference_by for draft in settled if draft.dropped is None]
    return settled, GrownFacts(
        by=growth.source.by or "",
        asked=len(wanted),
        missing=growth.missing,
        unreadable=dict(sorted(unreadable.items())),
        dropped=dict(sorted(Counter(draft.dropped for draft in settled if draft.dropped is not None).items())),
        usable={origin: usable.count(origin) for origin in get_args(AnswerFrom) if origin in usable},
        precision=answers.precision,
        bought=growth.bought,
    )


def _read(growth: Growth, wanted: Sequence[Place], writing: Writing) -> tuple[list[Draft], Counter[str]]:
    """Return the problems that were made and written, repeats dropped, and how many replies were none, by reason."""
    questions, unreadable = dict[tuple[int, GrownWay, int], str](), Counter[str]()
    growth.unwritten = writing.wanted.count()
    for place, candidate, grade in writing.replies(growth.name):
        growth.graded, growth.unwritten = growth.graded + 1, growth.unwritten - 1
        growth.bought += Spending.of(candidate)
        if grade.extracted_answer is None:
            unreadable[grade.reason] += 1
        else:
            questions[place] = grade.extracted_answer
    curation = growth.recipe.curation
    drafts = drafts_of(wanted, questions, growth.seeds)
    return without_repeats(drafts, growth.seeds, open_benchmarks(curation), curation.overlap), unreadable


@dataclass
class _Answers:
    """What was found out: problems with their answers and pass rates, by the ids under which they were asked."""

    found: dict[str, Problem]
    rates: dict[str, float] = field(default_factory=dict)
    precision: tuple[AnswerPrecision, ...] = ()


async def _answered(growth: Growth, drafts: Sequence[Draft]) -> _Answers:
    """Find the answers of written problems: by programs, then of what is left by votes, known problems among them."""
    source, rules, tools = growth.source, growth.source.references, growth.tools
    hidden_known = await growth.stage(
        "hide answers", lambda: known_problems(growth.seeds, drafts, rules.known_share, tools)
    )
    drafted = {hidden(draft.problem).problem_id: draft for draft in drafts if draft.dropped is None}
    answers = _Answers({key: draft.problem for key, draft in drafted.items() if not is_open(draft)})

    def asked(*, everything: bool, kinds: Container[str] = ("math", "text")) -> list[Problem]:
        left = [draft.problem for key, draft in drafted.items() if everything or key not in answers.found]
        both = [hidden(problem) for problem in (*left, *hidden_known.values()) if problem.answer_kind in kinds]
        return sorted(both, key=lambda problem: problem.problem_id)

    async def take(origin: AnswerFrom, said: Answers, teachers: Sequence[str]) -> None:
        """Take the answers of an origin to problems that have none yet, and measure how often they are right."""

        def taken() -> AnswerPrecision:
            for key, answer in said.items():
                draft = drafted.get(key)
                if draft is not None and key not in answers.found and _means_its_seed(draft, answer, growth):
                    answers.found[key] = answered(draft.problem, answer, origin)
            return precision_of(origin, teachers, hidden_known, said, tools)

        answers.precision += (await growth.stage(f"take answers by {origin}", taken),)

    if "program" in rules.by:
        problems = asked(everything=False, kinds=("math",))
        await take("program", await _by_programs(growth, problems), (source.by or "",))
    if "majority" in rules.by:
        problems = asked(everything=source.pass_rate is not None)
        plans, name = voting_plans(growth.recipe, source), growth.name
        voters = [plan.spec.name for plan in plans]
        with WantedSamples(growth.workspace, wanted_samples(problems, plans)) as votes:
            await _ask_plainly(growth, "votes", "vote", problems, plans, votes)
            found = await growth.stage("count votes", lambda: voted_answers(problems, plans, votes, rules, tools, name))
            await take("majority", found, voters)
            if source.pass_rate is not None:
                rated = voters.index(source.pass_rate.teacher) if source.pass_rate.teacher else 0
                answers.rates = await growth.stage(
                    "rate problems", lambda: pass_rates(problems, answers.found, rated, votes, tools, name)
                )
    return answers


async def _by_programs(growth: Growth, problems: Sequence[Problem]) -> Answers:
    """Have the writer write a program for each hidden problem, and return what they gave."""
    spec = writer_of(growth.recipe, growth.source)
    plan = TeacherPlan(0, spec, strategy_of(spec, ()), Attempts(max=1), None)
    asked = [for_a_program(problem) for problem in problems]
    with WantedSamples(growth.workspace, wanted_samples(asked, (plan,))) as programs:
        await _ask_plainly(growth, "programs", "ask for programs", asked, (plan,), programs)
        name = growth.name
        return await growth.stage("read programs", lambda: program_answers(problems, programs, name))


async def _ask_plainly(
    growth: Growth,
    what: str,
    verb: str,
    problems: Sequence[Problem],
    plans: tuple[TeacherPlan, ...],
    wanted: WantedSamples,
) -> None:
    """Buy the plain answers to hidden problems, and count what they cost."""
    samples = round_of_samples(problems, plans, wanted, growth.recipe.shard_problems)
    await growth.buy(what, problems, plans, wanted, replace(samples, verb=verb))
    await growth.stage(f"count {what}", lambda: growth.count(wanted))


def _means_its_seed(draft: Draft, answer: str, growth: Growth) -> bool:
    """Return whether a problem that says the same in other words has its seed's answer; others may have any."""
    if draft.way != "rephrase":
        return True
    seed = growth.seeds[draft.seed]
    meant = draft.problem.model_copy(
        update={"answer": seed.answer, "answers": seed.answers, "reference_by": "construction"}
    )
    return accepts(meant, answer, growth.tools)


def _settled(draft: Draft, answers: _Answers, wanted: WrittenDifficulty | None) -> Draft:
    """Return a draft with its answer; dropped where none was found, or it is not as hard as is wanted."""
    if draft.dropped is not None:
        return draft
    key = hidden(draft.problem).problem_id
    problem = answers.found.get(key)
    if problem is None:
        return replace(draft, dropped="no_reference")
    if wanted is not None and not wanted.min <= answers.rates.get(key, -1.0) <= wanted.max:
        return replace(draft, problem=problem, dropped="outside_difficulty")
    return replace(draft, problem=problem)


def told(facts: GrownFacts) -> str:
    """Return in one line what came of a source."""
    line = f"grown by {facts.by}: {facts.asked:,} problems wanted, {sum(facts.usable.values()):,} are of use"
    lost = [*facts.dropped.items(), ("unreadable", sum(facts.unreadable.values())), ("requests missing", facts.missing)]
    shares = [
        f"answers by {found.origin} were right for {found.right:,} of {found.answered:,} known problems"
        for found in facts.precision
    ]
    return "; ".join([line, *(f"{count:,} {reason}" for reason, count in lost if count), *shares])
