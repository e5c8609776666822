"""Rounds in which a teacher learns from what was kept of its own chains: measure, ask, release, train, serve, again.

Each stage leaves an output (`round_files.py`, and the release) and is done where that is there: a loop that was killed
goes on at the stage that lacks its output. A student that has learned is another model by name, so that its chains have
ids of their own and none of an older student is taken for one of its.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from cotfactory.flows.build import ask_and_measure, release_stored
from cotfactory.flows.host.signals import DRAIN_S
from cotfactory.flows.job import Job
from cotfactory.flows.load_recipe import recipe_id
from cotfactory.flows.loop.estimates import Estimate, measures, paired_difference
from cotfactory.flows.loop.loop_page import draw_page
from cotfactory.flows.loop.loop_summary import LoopSummary, StudentRound
from cotfactory.flows.loop.measuring import problem_results, spent_usd
from cotfactory.flows.loop.round_files import Asked, Measured, Trained, read_output, write_output
from cotfactory.flows.loop.round_problems import RoundProblems, round_problems
from cotfactory.flows.loop.student_commands import filled, served, trained
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.progress import Progress
from cotfactory.flows.stage_runner import StageRunner, on_thread
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.schemas.counted import counted
from cotfactory.schemas.curation import HeldOut
from cotfactory.schemas.errors import CotfactoryError, RecipeError, WorkspaceError
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.rounds import Rounds
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive

HELD_OUT = HeldOut(share=0.1)
"""Where the recipe's `curation.held_out` says nothing."""
ANOTHER_NAME = "give the recipe another name: chains that both want are not bought again"
ELSEWHERE = ("base_url", "base_urls", "start", "simulated", "recordings")
"""Where the recipe has the teacher asked: a student that is served is asked nowhere else."""


@dataclass(frozen=True)
class LoopRequest:
    """Which recipe goes round, where its commands are started (its own folder), and where everything is kept."""

    recipe: Recipe
    folder: Path
    workspace: Path
    log_level: str = "info"
    drain_s: float = DRAIN_S


@dataclass(frozen=True)
class _Student:
    """The teacher after so many rounds, and what the last of them was: its release, and what its chains cost.

    `weights` is what is served; None where the recipe says who is asked.
    """

    round: int
    spec: TeacherSpec
    weights: str | None
    release: Manifest | None = None
    asked_usd: float = 0.0


@dataclass(frozen=True)
class _Loop:
    request: LoopRequest
    rounds: Rounds
    problems: RoundProblems
    home: Path
    runner: StageRunner
    progress: Progress
    told: list[StudentRound] = field(default_factory=list)

    def folder(self, number: int) -> Path:
        return self.home / str(number)

    def recipe(self, *teachers: TeacherSpec) -> Recipe:
        """Return the recipe of one run in a round. What is held out is not in it, so that all it has is `train`."""
        own = self.request.recipe
        curation = own.curation.model_copy(update={"held_out": None})
        return own.model_copy(update={"rounds": None, "teachers": teachers, "curation": curation})

    def others(self) -> tuple[TeacherSpec, ...]:
        return tuple(spec for spec in self.request.recipe.teachers if not spec.rounds)


Serve = Callable[[], Awaitable[TeacherSpec]]
"""Starts a student's server when it is first called, and returns the teacher that asks it."""


async def loop(request: LoopRequest, runner: StageRunner, progress: Progress) -> LoopSummary:
    """Go round as often as the recipe says and return what came of it; what was done before is not done again.

    Raises a CotfactoryError, with the rounds so far as its summary.
    """
    recipe, rounds = request.recipe, request.recipe.rounds
    assert rounds is not None
    home = open_workspace(request.workspace).rounds / recipe.name
    home.mkdir(parents=True, exist_ok=True)
    with exclusive(Workspace(home)):
        held_out = recipe.curation.held_out or HELD_OUT
        problems = await runner.run("choose problems", on_thread(lambda: round_problems(recipe, held_out)))
        state = _Loop(request, rounds, problems, home, runner, progress)
        try:
            return _summary(state, await _go_round(state))
        except CotfactoryError as error:
            error.summary = _summary(state)
            raise


async def _go_round(state: _Loop) -> str | None:
    """Go round; return why it stopped before the last round, if so."""
    students = [_first(state)]
    measured: list[Measured] = []
    for number in range(1, state.rounds.max + 2):
        student, chosen = students[-1], state.problems.of_round(number, state.rounds.problems_per_round)
        async with _server(state, student) as serve:
            found, is_new = await _measured(state, student, serve)
            measured.append(found)
            ahead = _ahead(state.rounds, measured)
            stopped = why_no_more(state.rounds, number, ahead, chosen)
            state.told.append(_told(student, found, ahead))
            if is_new:
                await _tell(state, stopped)
                write_output(state.folder(student.round), found)
            if stopped is not None or number > state.rounds.max:
                return stopped
            asked = await _asked(state, student, number, chosen, serve)
        release = await _released(state, students, number)
        learned = await _trained(state, students, release, number)
        students.append(replace(learned, asked_usd=asked.cost_usd))
    raise AssertionError("unreachable: the last round returns")


def _first(state: _Loop) -> _Student:
    (spec,) = (spec for spec in state.request.recipe.teachers if spec.rounds)
    spec = spec.model_copy(update={"rounds": False})
    if state.rounds.base is None:
        return _Student(0, spec, None)
    folder = state.request.folder / state.rounds.base
    weights = str(folder.resolve()) if folder.exists() else state.rounds.base
    return _Student(0, spec.model_copy(update=dict.fromkeys(ELSEWHERE)), weights)


@asynccontextmanager
async def _server(state: _Loop, student: _Student) -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:
        running: list[TeacherSpec] = []

        async def serve() -> TeacherSpec:
            if student.weights is None:
                return student.spec
            if not running:
                if student.round and not Path(student.weights).is_dir():
                    raise WorkspaceError(
                        f"{student.weights}, what round {student.round} trained, is gone, and it is to be asked",
                        f"delete {state.folder(student.round) / 'trained.json'} to have it trained again",
                    )
                state.progress.note(f"round {student.round}: serve {student.weights}")
                values = {"out": student.weights, "model": student.spec.model}
                command, log = filled(state.rounds.serve, values), state.folder(student.round) / "serve.log"
                serving = served(command, student.spec, log, state.request.folder, state.progress.note)
                running.append(await stack.enter_async_context(serving))
            return running[0]

        yield serve


async def _measured(state: _Loop, student: _Student, serve: Serve) -> tuple[Measured, bool]:
    """Have a student answer the held-out problems, each as often as any other, and look at what it says.

    Returns whether that is new, and yet to be written down.
    """
    recipe = state.recipe(student.spec)
    recipe = recipe.model_copy(update={"attempts": Attempts(max=recipe.attempts.max)})
    held_out = state.problems.held_out
    made_of = content_id([recipe_id(recipe), sorted(held_out)])
    if (done := read_output(state.folder(student.round), Measured, made_of)) is not None:
        return done, False
    state.progress.note(f"round {student.round}: measure on {counted(len(held_out), 'held-out problem')}")
    found: list[Measured] = []

    def look(job: Job) -> None:
        results = problem_results(job, student.spec.name, held_out)
        found.append(Measured(made_of=made_of, results=results, cost_usd=spent_usd(job)))

    asking = recipe.model_copy(update={"teachers": (await serve(),)})
    await _ask(state, asking, {student.spec.name: held_out}, look)
    return found[-1], True


async def _asked(state: _Loop, student: _Student, number: int, chosen: frozenset[str], serve: Serve) -> Asked:
    """Ask the student, and whoever teaches beside it, the problems of a round."""
    recipe = state.recipe(student.spec, *state.others())
    made_of = content_id([recipe_id(recipe), sorted(chosen)])
    folder = state.folder(student.round)
    if (done := read_output(folder, Asked, made_of)) is not None:
        return done
    state.progress.note(f"round {number}: ask {counted(len(chosen), 'problem')}")
    found: list[Asked] = []

    def look(job: Job) -> None:
        found.append(Asked(made_of=made_of, cost_usd=spent_usd(job)))

    asking = recipe.model_copy(update={"teachers": (await serve(), *state.others())})
    await _ask(state, asking, {spec.name: chosen for spec in recipe.teachers}, look)
    write_output(folder, found[-1])
    return found[-1]


async def _ask(state: _Loop, recipe: Recipe, chosen: dict[str, frozenset[str]], look: Callable[[Job], None]) -> None:
    request = state.request
    wanted = BuildRequest(
        recipe, request.workspace, log_level=request.log_level, drain_s=request.drain_s, chosen=chosen
    )
    await ask_and_measure(wanted, state.runner, state.progress, look)


async def _released(state: _Loop, students: list[_Student], number: int) -> Path:
    """Release the chains of the newest rounds as `NAME@v0.R.0`, and return its folder."""
    first = max(1, number - state.rounds.keep_rounds + 1)
    asked = {
        students[round_ - 1].spec.name: state.problems.of_round(round_, state.rounds.problems_per_round)
        for round_ in range(first, number + 1)
    }
    everything = frozenset[str]().union(*asked.values())
    recipe = state.recipe(*(students[round_ - 1].spec for round_ in range(first, number + 1)), *state.others())
    version = f"v0.{number}.0"
    folder = Workspace(state.request.workspace.resolve()).releases / recipe.name / version
    if not folder.exists():
        state.progress.note(f"round {number}: release {recipe.name}@{version}")
        chosen = asked | {spec.name: everything for spec in state.others()}
        request = state.request
        wanted = BuildRequest(recipe, request.workspace, version=version, log_level=request.log_level, chosen=chosen)
        await release_stored(wanted, state.runner, state.progress)
    elif read_manifest(folder).facts.recipe_id != recipe_id(recipe):
        raise RecipeError(
            f"{recipe.name}@{version}, the release of round {number}, was made by another recipe than this one is now",
            ANOTHER_NAME,
        )
    return folder


async def _trained(state: _Loop, students: list[_Student], release: Path, number: int) -> _Student:
    """Train on a release, and return the student that has learned from it."""
    rounds, folder, manifest = state.rounds, state.folder(number), read_manifest(release)
    last = students[-1]
    begin = last if rounds.restart_from == "last" else students[0]
    made_of = content_id([manifest.rows_sha, rounds.base, begin.spec.model])
    out = folder / "out"
    done = read_output(folder, Trained, made_of)
    if done is None and (release.parent / f"v0.{number + 1}.0").exists():
        raise RecipeError(
            f"{release.parent.name}@v0.{number + 1}.0 came of another student of round {number} than this recipe's",
            ANOTHER_NAME,
        )
    if done is None:
        state.progress.note(f"round {number}: train")
        folder.mkdir(parents=True, exist_ok=True)
        values = {"release": str(release), "out": str(out), "from": begin.weights or "", "round": str(number)}
        command = filled(rounds.train, values)
        train = partial(trained, command, out, folder / "train.log", state.request.folder)
        await state.runner.run(f"train round {number}", train)
        how = content_id([rounds.train, rounds.base, begin.spec.model])
        model = f"{students[0].spec.model}+{manifest.rows_sha[:16]}.{how[:6]}"
        done = Trained(made_of=made_of, model=model, rows_sha=manifest.rows_sha, command=rounds.train)
        write_output(folder, done)
    spec = students[0].spec.model_copy(
        update={**dict.fromkeys(ELSEWHERE), "name": f"{students[0].spec.name}-r{number}", "model": done.model}
    )
    return _Student(number, spec, str(out), manifest)


def _ahead(rounds: Rounds, measured: list[Measured]) -> Estimate | None:
    """Return by how much the newest student is ahead of the one before, in what the recipe watches."""
    if rounds.stop_if_falls is None or len(measured) < 2:
        return None
    return paired_difference([measured[-1].results], [measured[-2].results], rounds.stop_if_falls)


def why_no_more(rounds: Rounds, number: int, ahead: Estimate | None, chosen: frozenset[str]) -> str | None:
    """Return why round `number` is not begun, where rounds are left."""
    if ahead is not None and ahead.high < 0:
        return (
            f"round {number - 1} made {rounds.stop_if_falls} worse, by {ahead.percent()} points; "
            f"the student of round {number - 2} is the better one"
        )
    if number <= rounds.max and not chosen:
        return f"no problems are left for round {number}: add some, or lower rounds.problems_per_round"
    return None


def _told(student: _Student, measured: Measured, ahead: Estimate | None) -> StudentRound:
    release = student.release
    kept = {stage.stage: stage.count for stage in release.facts.funnel}.get("kept", 0) if release else 0
    return StudentRound(
        round=student.round,
        model=student.spec.model,
        measured=measures([measured.results]),
        ahead_of_last=ahead,
        release=release.version if release else None,
        rows_sha=release.rows_sha if release else None,
        rows=sum(release.rows.values()) if release else 0,
        kept=kept,
        cost_usd=measured.cost_usd + student.asked_usd,
    )


async def _tell(state: _Loop, stopped: str | None) -> None:
    """Tell how the newest student did, and draw all rounds so far. Raises WorkspaceError."""
    newest = state.told[-1]
    valid, pass_at_8 = newest.measured.valid.percent(), newest.measured.pass_at_8.percent()
    state.progress.note(f"round {newest.round}: valid pass@1 {valid} %, pass@8 {pass_at_8} %")
    await state.runner.run("draw rounds", on_thread(lambda: draw_page(_summary(state, stopped), _page(state))))


def _page(state: _Loop) -> Path:
    return state.home / "rounds.html"


def _summary(state: _Loop, stopped: str | None = None) -> LoopSummary:
    page = str(_page(state)) if state.told else None
    return LoopSummary(recipe=state.request.recipe.name, rounds=tuple(state.told), stopped=stopped, page=page)
