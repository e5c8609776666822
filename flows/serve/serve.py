"""`cotfactory serve`: open problems, graders and store, answer trainers until told to stop, seal what is open."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import web

from cotfactory.flows.host.grading_tools import open_grading
from cotfactory.flows.host.interpreter import tuned_for_asking
from cotfactory.flows.host.listener import BACKLOG, LOOPBACK, listening, only_reachable_from_here, url_of
from cotfactory.flows.host.signals import drained
from cotfactory.flows.serve.prompt_grading import PROGRAMS_S, PromptGrading
from cotfactory.flows.serve.recover_rollouts import grade_abandoned, seal_abandoned, stored_counts
from cotfactory.flows.serve.rewarding import Rewarding
from cotfactory.flows.serve.rollout_store import SEAL_S, RolloutStore
from cotfactory.flows.serve.served_problems import ServedProblems, served_problems
from cotfactory.flows.settings import reward_token
from cotfactory.generators.local_teachers.own_host import own_host_only
from cotfactory.graders.grader import Tools
from cotfactory.rewards.app import AppSettings, reward_app
from cotfactory.rewards.fields import POLICY_NAME
from cotfactory.rewards.reward import RewardRules
from cotfactory.schemas.code import Code
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.seal import write_problems
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace

KEEP_ALIVE_S = 3600.0
DRAIN_S = 20.0
"""How long requests that are under way are waited for at the end, and the grading of what an earlier server left."""


@dataclass(frozen=True)
class ServeRequest:
    """What is to be served, and how. `what` is a release or a problem file; `grader` one of the user's own.

    With `stores` rollouts are kept in the release's own workspace, else in `workspace`. `code` are keys of a recipe's
    `code` that are to hold instead of those of the release's recipe.
    """

    what: str
    workspace: Path | None = None
    host: str = LOOPBACK
    port: int = 8800
    policy: str = "policy"
    stores: bool = True
    seal_s: float = SEAL_S
    programs_s: float = PROGRAMS_S
    grader: str | None = None
    code: Mapping[str, float] = field(default_factory=dict)
    any_version: bool = False
    rules: RewardRules = field(default_factory=RewardRules)


def serve(request: ServeRequest, say: Callable[[str], None]) -> None:
    """Serve rewards until the first signal; what was answered for is sealed by then.

    Raises InputError for a release or a policy that is none, a port that cannot be had, and a host that others can
    reach without a token; SandboxError, GraderError, WorkspaceError.
    """
    token = reward_token()
    if token is None and not only_reachable_from_here(request.host):
        raise InputError(
            f"{request.host} can be reached from other machines: expected a token that clients must send",
            f"export COTFACTORY_TOKEN=..., here and where the trainer runs, or serve on {LOOPBACK}",
        )
    if not POLICY_NAME.fullmatch(request.policy):
        raise InputError(f"--policy {request.policy!r} is no name", "use letters, digits, `.`, `_` and `-`")
    listener = listening(request.host, request.port)
    default = Path("workspace")
    served = served_problems(request.what, request.workspace or default, request.grader)
    code = Code.model_validate({**served.code.model_dump(), **request.code})
    request = replace(request, rules=replace(request.rules, allow_weak=code.allow_weak))
    settings = AppSettings(token, request.any_version)
    with ExitStack() as stack:
        stack.enter_context(listener)
        problems = [known.problem for known in served.problems]
        tools = stack.enter_context(
            open_grading(problems, request.grader, code, packages=served.packages, warms_up=True)
        )
        workspace = open_workspace(request.workspace or served.workspace or default) if request.stores else None
        stack.enter_context(tuned_for_asking())
        uvloop.run(_Serving(request, settings, served, tools, workspace, say).until_stopped(listener))


@dataclass(frozen=True)
class _Serving:
    request: ServeRequest
    settings: AppSettings
    served: ServedProblems
    tools: Tools
    workspace: Workspace | None
    say: Callable[[str], None]

    async def until_stopped(self, listener: socket.socket) -> None:
        stop = asyncio.Event()
        started_at = datetime.now(UTC)
        store, counts = self._opened_store()
        with PromptGrading(self.tools, self.request.programs_s) as grading:
            service = Rewarding(self.served, grading, self.request.rules, self.request.policy, store, counts)
            app = reward_app(service, self.settings)
            if self.settings.token is None:
                app.middlewares.insert(0, own_host_only)
            runner = web.AppRunner(
                app,
                access_log=None,
                keepalive_timeout=KEEP_ALIVE_S,
                shutdown_timeout=DRAIN_S,
            )
            await runner.setup()
            stop_recovering = threading.Event()
            # A daemon: it may wait for an engine that is away, and nobody is to wait for that.
            recovering = threading.Thread(target=self._recover, args=(service, stop_recovering), daemon=True)
            recovering.start()
            try:
                await web.SockSite(runner, listener, backlog=BACKLOG).start()
                with drained(lambda _: stop.set()):
                    self.say(self._announcement(listener))  # whoever reads it may end us at once
                    await stop.wait()
            finally:
                await runner.cleanup()
                await asyncio.to_thread(recovering.join, DRAIN_S)
                stop_recovering.set()
                if store is not None:
                    await store.close()
                    self._write_run(store, service, started_at)

    def _opened_store(self) -> tuple[RolloutStore | None, dict[tuple[str, str], int]]:
        if self.workspace is None:
            return None, {}
        build_catalog(self.workspace)
        if sealed := seal_abandoned(self.workspace):
            self.say(f"sealed {counted(sealed, 'rollout')} that a server left behind")
        if self.served.workspace is None or self.served.workspace != self.workspace.root:
            problems = [known.problem for known in self.served.problems]
            write_problems(self.workspace, f"policy-{self.request.policy}", problems)
        store = RolloutStore(self.workspace, self.request.policy, self.request.seal_s)
        store.start()
        return store, stored_counts(self.workspace)

    def _recover(self, service: Rewarding, stop: threading.Event) -> None:
        if self.workspace is not None:
            grade_abandoned(self.workspace, self.served.by_id, self.tools, service.rewarded, stop)

    def _announcement(self, listener: socket.socket) -> str:
        kept = "nothing is kept" if self.workspace is None else f"rollouts are kept in {self.workspace.root}"
        return f"{url_of(listener)} rewards {counted(len(self.served.problems), 'problem')}; {kept} (Ctrl-C ends it)"

    def _write_run(self, store: RolloutStore, service: Rewarding, started_at: datetime) -> None:
        assert self.workspace is not None
        counts = {verdict: store.verdicts[verdict] for verdict in ("correct", "incorrect", "no_answer", "ungraded")}
        row = {
            "run_id": store.run_id,
            "recipe": f"policy:{self.request.policy}",
            "recipe_id": "",
            "status": "done",
            "started_at": started_at,
            "seconds": (datetime.now(UTC) - started_at).total_seconds(),
            "problems": len(self.served.problems),
            "candidates": store.verdicts.total(),
            "verdicts": counts,
            "alarms": [alarm.model_dump() for alarm in service.alarms],
        }
        numbers = ("teacher_calls", "failed_calls", "lost_in_flight", "reused", "kept", "input_tokens", "output_tokens")
        write_table(self.workspace, "runs", store.run_id, [row | dict.fromkeys(numbers, 0) | {"cost_usd": 0.0}])
