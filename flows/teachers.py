"""Open the recipe's teachers: a local server first for simulated and recorded ones, then a client each."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from flows.grading_desk import GradingDesk
from flows.plan import Asker
from flows.run_record import Run
from flows.settings import remote_endpoint
from flows.shard import Desk, Room, Stop
from generators.limits import Limiter, PromptOverhead, Wallet
from generators.local_teachers.recordings import RecordingCounts, count_recordings
from generators.local_teachers.replay_teacher import replaying
from generators.local_teachers.simulated_teacher import simulating
from generators.teacher import NO_KEY, Endpoint, OpenAITeacher
from generators.teacher_watch import TeacherWatch, UsualAnswers
from schemas.errors import TeacherUnavailable
from schemas.problem import Problem
from schemas.recipe import Recipe, TeacherSpec
from warehouse.history import teacher_history


def recorded_counts(recipe: Recipe) -> dict[str, RecordingCounts]:
    """Return how many completions each replaying teacher has, by teacher name. Raises RecordingError."""
    return {
        spec.name: count_recordings(Path(spec.recordings)) for spec in recipe.teachers if spec.recordings is not None
    }


@contextmanager
def endpoint_of(spec: TeacherSpec, problems: Sequence[Problem]) -> Iterator[Endpoint]:
    """Yield where a teacher is asked; a simulated or replaying teacher's server lives as long as the context."""
    if spec.simulated is not None:
        with simulating(problems, spec.model, spec.simulated) as base_url:
            yield Endpoint(base_url, NO_KEY)
    elif spec.recordings is not None:
        with replaying(Path(spec.recordings)) as base_url:
            yield Endpoint(base_url, NO_KEY)
    else:
        yield remote_endpoint(spec)


@asynccontextmanager
async def open_desk(
    asker: Asker, problems: Sequence[Problem], wallet: Wallet, grading: GradingDesk, run: Run
) -> AsyncIterator[Desk]:
    """Yield a teacher that has answered its first, free question (`GET /models`), with its limits.

    Raises a TeacherError before anything is bought when the endpoint is down, refuses the key or is no API.
    """
    spec = asker.spec
    with endpoint_of(spec, problems) as endpoint:
        limiter = Limiter(spec.limits)
        async with OpenAITeacher(spec, endpoint, limiter.told) as teacher:
            await teacher.models()
            yield Desk(
                spec,
                asker.strategy,
                teacher,
                limiter,
                wallet,
                PromptOverhead(budgeted=wallet.is_limited),
                grading,
                run.progress,
                Stop(),
                Room(spec.limits.concurrency),
                _watch(spec, run),
                run.alarms,
            )


def _watch(spec: TeacherSpec, run: Run) -> TeacherWatch:
    before = teacher_history(run.workspace, run.recipe.name, spec.name)
    usual = UsualAnswers(before.samples, before.output_tokens, before.latency_ms) if before else None
    wants_reasoning = run.recipe.curation.require_reasoning
    model = spec.model if spec.recordings is None else None  # a file may hold the completions of several
    return TeacherWatch(spec.name, model, run.recipe.alarms, usual, wants_reasoning=wants_reasoning)


async def describe_endpoint(spec: TeacherSpec, problems: Sequence[Problem]) -> str:
    """Return one line about a teacher's endpoint for `check`. Raises a TeacherError or RecipeError."""
    with endpoint_of(spec, problems) as endpoint:
        async with OpenAITeacher(spec, endpoint) as teacher:
            models = await teacher.models()
    if models and spec.model not in models and spec.recordings is None:
        listed = ", ".join(models[:5])
        raise TeacherUnavailable(
            f"Teacher {spec.name!r}: {endpoint.shown} does not list model {spec.model!r}, but {listed}",
            "fix `model:` in the recipe",
        )
    return f"{endpoint.shown} answers" + ("" if models else " (it lists no models)")
