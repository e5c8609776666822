"""What `import cotfactory` offers: grade answers, run a recipe, ask a workspace, open a release, from Python."""

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cotfactory.flows.host.grading_tools import configured_sandbox
from cotfactory.flows.inspect.canned_questions import as_sql
from cotfactory.flows.inspect.grade_recordings import recorded_candidate
from cotfactory.flows.load_recipe import load_recipe as checked_recipe
from cotfactory.generators.problems.file_source import refuse_misspelt
from cotfactory.generators.problems.row import problem_from_row
from cotfactory.graders.grader import Tools, open_tools
from cotfactory.graders.grading import grade_batch
from cotfactory.publishing.release_folder import OpenRelease
from cotfactory.publishing.release_folder import open_release as open_release_folder
from cotfactory.schemas.grade import Grade
from cotfactory.schemas.problem import Problem
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.recording import Recording
from cotfactory.warehouse.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from cotfactory.flows.summary import RunSummary

INTERRUPTION_CHECK_S = 0.2
T = TypeVar("T")
WrittenProblem = Problem | Mapping[str, object]
"""A Problem, or a dict with the keys of a problem file; `id` and `source` may be left out."""


def grade(problem: WrittenProblem, response: str, reasoning: str | None = None) -> Grade:
    """Return the grade of one answer to a problem, as a run would give it.

    `problem` is a dict as in a line of a problem file. Without `reasoning`, thinking that stands in the response
    between tags is told apart as in a completion. `verdict` is `correct`, `incorrect`, `no_answer`, or `ungraded` where
    we could not judge: that is never the answer's fault. Works from any thread; it blocks, so a coroutine calls it with
    `asyncio.to_thread`. Programs run in the sandbox, which needs a Docker engine.

    Raises ProblemSourceError for a dict that is no problem, SandboxError when programs cannot be run.
    """
    return grade_many([(problem, response, reasoning)])[0]


def grade_many(answers: Iterable[Sequence[Any]]) -> list[Grade]:
    """Return the grades of (problem, response) or (problem, response, reasoning), in the order given.

    Faster than one by one where answers wait for the sandbox or for algebra: those wait side by side. Raises as
    `grade`, naming the position of the problem at fault, before anything is graded.
    """
    pairs = []
    for position, (written, response, *rest) in enumerate(answers):
        problem = _problem(written, f"answer {position}")
        recording = Recording(
            problem_id=problem.problem_id,
            question=problem.question,
            model="",
            sample=position,
            response=response,
            reasoning=rest[0] if rest else None,
        )
        pairs.append((problem, recorded_candidate(recording, problem)))
    needs_sandbox = any(problem.runs_programs for problem, _ in pairs)
    return grade_batch(pairs, _tools(needs_sandbox=needs_sandbox))


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe file. Raises RecipeError with one line for each mistake."""
    return checked_recipe(Path(path))


def run(
    recipe: Recipe | str | Path,
    workspace: str | Path | None = None,
    *,
    limit: int | None = None,
    publish: bool = False,
    log_level: str = "info",
    trust: Sequence[str] = (),
) -> "RunSummary":
    """Run a recipe from its problems to its release and return what was done, as `cotfactory run --direct` does.

    Without a `workspace` it is the folder of that name beside the recipe, else in the current folder. `limit` takes
    only the first problems, `publish` sends the release to the recipe's repository, `trust` names hosts that the
    recipe's keys may go to beside their providers, which is remembered. Resumes by itself:
    what the workspace holds is neither asked nor paid again. May be called where an event loop runs already (a
    notebook), and from any thread. Raises a CotfactoryError; what was bought until then is kept.
    """
    work = arun(recipe, workspace, limit=limit, publish=publish, log_level=log_level, trust=trust)
    return _on_thread(work) if _a_loop_runs() else _in_new_loop(work)


async def arun(
    recipe: Recipe | str | Path,
    workspace: str | Path | None = None,
    *,
    limit: int | None = None,
    publish: bool = False,
    log_level: str = "info",
    trust: Sequence[str] = (),
) -> "RunSummary":
    """Run a recipe in the running event loop; see `run`. A cancelled run has sealed what it bought."""
    from cotfactory.flows.build import build
    from cotfactory.flows.host import trusted_hosts
    from cotfactory.flows.prepare import BuildRequest
    from cotfactory.flows.progress import TerminalProgress
    from cotfactory.flows.stage_runner import DirectStages

    known = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    trusted_hosts.trust(known, trust)
    if workspace is None:
        workspace = find_workspace(None if isinstance(recipe, Recipe) else Path(recipe), Path("workspace"))
    request = BuildRequest(known, Path(workspace), limit, publish, log_level=log_level)
    with TerminalProgress() as progress:
        return await build(request, DirectStages(), progress)


def sql(workspace: str | Path, question: str) -> "pa.Table":
    """Answer a SQL question, or the canned one of that name, over a workspace's views, as an Arrow table.

    The views are problems, candidates, grades, rewards, decisions, runs and releases. Possible while a run goes on.
    Raises InputError for wrong SQL, WorkspaceError where there is no workspace.
    """
    from cotfactory.warehouse.catalog import catalog_table

    place = Workspace(Path(workspace).resolve())
    return catalog_table(place, as_sql(question, place))


def open_release(path: str | Path) -> OpenRelease:
    """Open a release folder, having checked that every file is as it was released and every contract was met.

    Raises WorkspaceError for a folder that is no release, PublishError for one that was changed.
    """
    return open_release_folder(Path(path), run_contracts=False)


def _problem(written: WrittenProblem, where: str) -> Problem:
    if isinstance(written, Problem):
        return written
    refuse_misspelt(written, where)
    return problem_from_row({"id": where, "source": "python", **written}, where)


_opening = threading.Lock()


def _tools(*, needs_sandbox: bool) -> Tools:
    """Return tools that stay open until the process ends; those of a parent process are not used in a forked one."""
    with _opening:
        tools = _algebra_of(os.getpid())
        if not needs_sandbox:
            return tools
        return replace(tools, sandbox=_sandbox_of(os.getpid()))


@cache
def _algebra_of(process_id: int) -> Tools:
    return _until_exit().enter_context(open_tools())


@cache
def _sandbox_of(process_id: int) -> Any:
    return _until_exit().enter_context(configured_sandbox())


def _until_exit() -> ExitStack:
    stack, process_id = ExitStack(), os.getpid()
    atexit.register(lambda: stack.close() if os.getpid() == process_id else None)
    return stack


def _a_loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_new_loop(work: Coroutine[Any, Any, T]) -> T:
    import uvloop

    return uvloop.run(work)


def _on_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in an event loop of its own on a thread; an interruption cancels it and waits for its end.

    Called inside a coroutine. Ctrl-C is a KeyboardInterrupt in a notebook; under `asyncio.run` it cancels the caller's
    task instead, which cannot notice that while it waits here.
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def noted() -> T:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result((asyncio.get_running_loop(), task))
        return await work

    caller = asyncio.current_task()
    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(_in_new_loop, noted())
        try:
            while not wait([result], INTERRUPTION_CHECK_S).done:
                if caller is not None and caller.cancelling():
                    raise asyncio.CancelledError
            return result.result()
        except (KeyboardInterrupt, asyncio.CancelledError):
            loop, task = begun.result()
            if not result.done():
                loop.call_soon_threadsafe(task.cancel)
            wait([result])
            raise
