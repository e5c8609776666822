"""Open the recipe's teachers: a local server first for simulated and recorded ones, then a client each."""

import math
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cotfactory.flows.ask.alarms import TellAlarms, WatchAnswers
from cotfactory.flows.ask.back_pressure import BackPressure
from cotfactory.flows.ask.batches import asking_in_batches, problems_to_open
from cotfactory.flows.ask.grading_queue import GradingQueue
from cotfactory.flows.ask.shard import TeacherSession, most_in_flight
from cotfactory.flows.ask.stop import Stop
from cotfactory.flows.run_record import Run
from cotfactory.flows.settings import remote_endpoint, remote_endpoints, start_command
from cotfactory.flows.teacher_plan import TeacherPlan
from cotfactory.generators.ask.judge_strategy import JudgeStrategy
from cotfactory.generators.ask.rollout_strategy import RolloutStrategy
from cotfactory.generators.ask.writing_strategy import WritingStrategy
from cotfactory.generators.batch.batch_api import BatchApi
from cotfactory.generators.local_teachers.recordings import RecordingCounts, count_recordings
from cotfactory.generators.local_teachers.replay_teacher import replaying
from cotfactory.generators.local_teachers.simulated_teacher import simulating
from cotfactory.generators.local_teachers.started_server import started
from cotfactory.generators.teacher.budget import BillOverrun, RunBudget, cost_usd, worst_case
from cotfactory.generators.teacher.endpoint import NO_KEY, Endpoint
from cotfactory.generators.teacher.limiter import Limiter
from cotfactory.generators.teacher.loading import wait_until_loaded
from cotfactory.generators.teacher.model_names import is_listed
from cotfactory.generators.teacher.rate_headers import Allowances
from cotfactory.generators.teacher.reported_usage import billed_usage
from cotfactory.generators.teacher.server_pool import ServerPool
from cotfactory.generators.teacher.shared_prompts import SharedPrompts
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request, Teacher
from cotfactory.generators.teacher.teacher_watch import SignReader, TeacherWatch, UsualAnswers
from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import TeacherError, TeacherRateLimited, TeacherRejected, TeacherUnavailable
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.warehouse.batch_ledger import BatchLedger
from cotfactory.warehouse.history import teacher_history
from cotfactory.warehouse.rejected import rejected_problems

SMALLEST_LIMIT = 16
"""Output tokens that `check` asks for: fewer are refused by some endpoints."""


def recorded_counts(recipe: Recipe) -> dict[str, RecordingCounts]:
    """Return how many completions each replaying teacher has, by teacher name. Raises RecordingError."""
    return {
        spec.name: count_recordings(Path(spec.recordings)) for spec in recipe.teachers if spec.recordings is not None
    }


@dataclass(frozen=True)
class Servers:
    """Where a teacher is asked, and why a server that a recipe's command started will never answer, if so."""

    endpoints: tuple[Endpoint, ...]
    failure: Callable[[], TeacherError | None] = lambda: None


@contextmanager
def servers_of(spec: TeacherSpec, problems: Sequence[Problem], logs: Path) -> Iterator[Servers]:
    """Yield where a teacher is asked; a server of our own or of the recipe's command lives as long as the context."""
    if spec.simulated is not None:
        with simulating(problems, spec.model, spec.simulated) as base_url:
            yield Servers((Endpoint(base_url, NO_KEY),))
    elif spec.recordings is not None:
        with replaying(Path(spec.recordings)) as base_url:
            yield Servers((Endpoint(base_url, NO_KEY),))
    elif spec.start is not None:
        with started(start_command(spec), logs / f"server-{spec.name}.log") as server:
            here = spec.model_copy(update={"base_url": server.base_url})
            yield Servers((remote_endpoint(here),), server.failure)
    else:
        yield Servers(remote_endpoints(spec))


@asynccontextmanager
async def opened_teacher(
    spec: TeacherSpec, servers: Servers, say: Callable[[str], None], heed: Callable[[Allowances], None]
) -> AsyncIterator[OpenAITeacher | ServerPool]:
    """Yield a teacher whose model has had its time to load."""
    endpoints = servers.endpoints
    opening = OpenAITeacher(spec, endpoints[0], heed) if len(endpoints) == 1 else ServerPool(spec, endpoints)
    async with opening as teacher:
        if spec.loading_s:
            await wait_until_loaded(teacher, spec.loading_s, say, servers.failure)
        yield teacher


def limiter_of(spec: TeacherSpec, say: Callable[[str], None]) -> Limiter:
    """Return the limits of a teacher's endpoint."""
    return Limiter(
        spec.limits.model_copy(update={"concurrency": most_in_flight(spec)}),
        lambda text: say(f"teacher {spec.name!r}: {text}"),
    )


def one_by_one(spec: TeacherSpec, teacher: OpenAITeacher | ServerPool) -> Teacher:
    """Return what answers the requests of a teacher that is not asked in batches."""
    several = spec.limits.samples_per_request
    return teacher if several == 1 else SharedPrompts(teacher, several)


@asynccontextmanager
async def open_session(
    plan: TeacherPlan,
    problems: Sequence[Problem],
    run_budget: RunBudget,
    grading: GradingQueue,
    run: Run,
    sandbox: Sandbox | None = None,
) -> AsyncIterator[TeacherSession]:
    """Yield a teacher that has answered its first, free question (`GET /models`), with its limits.

    Raises a TeacherError before anything is bought when the endpoint is down, refuses the key or is no API.
    """
    spec = plan.spec
    with servers_of(spec, problems, run.workspace.logs) as servers:
        limiter = limiter_of(spec, run.progress.note)
        async with opened_teacher(spec, servers, run.progress.note, limiter.heed) as teacher:
            await teacher.models()
            stop = Stop(rejected_before=rejected_problems(run.workspace, spec.name))
            async with _transport(spec, teacher, servers.endpoints[0], run, stop) as (answering, batches):
                yield TeacherSession(
                    spec=spec,
                    strategy=plan.strategy,
                    teacher=answering,
                    limiter=limiter,
                    run_budget=run_budget,
                    overrun=BillOverrun(budgeted=run_budget.is_limited),
                    grading=grading,
                    progress=run.progress,
                    stop=stop,
                    back_pressure=BackPressure(problems_to_open(spec, plan.attempts)),
                    watch=WatchAnswers(SignReader(declared_model(spec)), alarms_of(plan, run, stop)),
                    batches=batches,
                    sandbox=sandbox,
                )


@asynccontextmanager
async def _transport(
    spec: TeacherSpec, teacher: OpenAITeacher | ServerPool, endpoint: Endpoint, run: Run, stop: Stop
) -> AsyncIterator[tuple[Teacher, BatchLedger | None]]:
    """Yield whatever answers the teacher's requests: itself, one by one, or batches and what they are noted in."""
    if spec.batch is None:
        yield one_by_one(spec, teacher), None
        return
    async with asking_in_batches(spec, endpoint, run, stop) as transport:
        yield transport


def alarms_of(plan: TeacherPlan, run: Run, stop: Stop) -> TellAlarms:
    """Return what counts a teacher's answers in this run and raises its alarms."""
    return TellAlarms(_watch(plan, run), run.alarms, run.progress, stop)


def declared_model(spec: TeacherSpec) -> str | None:
    """Return the model that must answer; None where a file may hold the completions of several."""
    return spec.model if spec.recordings is None else None


def _watch(plan: TeacherPlan, run: Run) -> TeacherWatch:
    spec, alarms = plan.spec, run.recipe.alarms
    if isinstance(plan.strategy, RolloutStrategy | JudgeStrategy | WritingStrategy):
        # From the last steps on rollouts are alike, short, and without a thought of their own; so is what judges say
        # and what writers write.
        return TeacherWatch(
            spec.name, spec.model, alarms.model_copy(update={"repeated_share": 1.0}), None, wants_reasoning=False
        )
    before = teacher_history(run.workspace, run.recipe.name, spec.name, run.run_id)
    usual = UsualAnswers(before.samples, before.output_tokens, before.latency_ms) if before else None
    if usual is not None and spec.batch is not None:
        usual = replace(usual, latency_ms=math.inf)  # how long a batch takes says nothing about the teacher
    wants_reasoning = run.recipe.curation.require_reasoning
    return TeacherWatch(spec.name, declared_model(spec), alarms, usual, wants_reasoning=wants_reasoning)


async def describe_endpoint(plan: TeacherPlan, problems: Sequence[Problem], logs: Path, *, asks: bool) -> str:
    """Return one line about a teacher's endpoint for `check`; with `asks` it is asked for one real completion.

    Raises a TeacherError or RecipeError.
    """
    spec = plan.spec
    if plan.stored is not None:
        count = sum(plan.stored.count(problem.problem_id) for problem in problems)
        return f"stored of the policy {spec.model!r}: {counted(count, 'rollout')}; nobody is asked"
    with servers_of(spec, problems, logs) as servers:
        endpoint = servers.endpoints[0]
        async with opened_teacher(spec, servers, lambda text: print(text, file=sys.stderr), lambda _: None) as teacher:
            models = await teacher.models()
            is_asked = asks and not spec.is_local and spec.batch is None and len(problems) > 0
            answered = await _tried(plan, problems[0], teacher) if is_asked else ""
        if spec.batch is not None:
            async with BatchApi(spec, endpoint) as api:
                await api.check()
    if models and not is_listed(spec.model, models) and spec.recordings is None and not answered:
        listed = ", ".join(models[:5])
        raise TeacherUnavailable(
            f"Teacher {spec.name!r}: {endpoint.shown} does not list model {spec.model!r}, but {listed}",
            "fix `model:` in the recipe",
        )
    return f"{endpoint.shown} answers{answered}" + ("" if models else " (it lists no models)")


async def _tried(plan: TeacherPlan, problem: Problem, teacher: Teacher) -> str:
    """Ask one question with the recipe's parameters and the smallest limit; tell what it took. Raises a TeacherError.

    An endpoint may refuse the limit that a recipe without one is given here: then it is asked as the recipe says.
    """
    sampling = plan.strategy.samplings[0]
    messages = plan.strategy.opening(problem)
    tries = [sampling.limited_to(SMALLEST_LIMIT)] + ([sampling] if sampling.output_limit is None else [])
    for number, tried in enumerate(tries, 1):
        try:
            completion = await teacher.complete(Request("check", messages, tried, 0, SMALLEST_LIMIT))
            break
        except TeacherRateLimited as error:
            return f", but refuses one question for now ({error.message})"
        except TeacherRejected as error:
            if "output limit was reached" in error.message:  # OpenAI's reasoning models: as it should be
                return ", one question is accepted"
            if number == len(tries):
                raise
    else:
        raise AssertionError("unreachable: the last try returns or raises")
    billed = billed_usage(completion, worst_case(tried, messages))
    usd = cost_usd(plan.spec.price, billed)
    cost = "" if usd is None else f", {usd:.6f} USD"
    return f", one question too ({billed.input_tokens + billed.output_tokens:,} tokens{cost})"
