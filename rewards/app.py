"""The reward server's routes: each reads its wire, asks for the rewards, and writes its wire's reply.

`/strict/...` and the wires of slime and OpenRLHF know two states only: there what is ungraded is HTTP 503 with
`Retry-After`, so that a failure of ours is asked again and never taken for a reward.
"""

import hmac
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from cotfactory.rewards.admission import MOST_IN_FLIGHT, Admission
from cotfactory.rewards.batch_wire import (
    openrlhf_reply,
    openrlhf_rollouts,
    refuse_other_graders,
    rewards_reply,
    rollouts_to_reward,
    slime_rollout,
)
from cotfactory.rewards.fields import Body, parsed
from cotfactory.rewards.gym_wire import aggregate_metrics, rollout_to_verify, session_reply, verify_reply
from cotfactory.rewards.metrics import Metrics
from cotfactory.rewards.refusal import BUSY_S, Refusal
from cotfactory.rewards.rollout import WEAK_CHECK, Rewarded, Rollout
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.errors import WorkspaceError

LARGEST_BODY_BYTES = 32 * 2**20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPEN_ROUTES = frozenset(("/health",))
"""What answers without the token: whether the server is there."""


class RewardService(Protocol):
    """Whoever grades the rollouts and keeps them."""

    @property
    def graders(self) -> Mapping[str, str]:
        """Grader -> version."""

    @property
    def alarms(self) -> Sequence[Alarm]:
        """What looks wrong about the policies, so far."""

    def knows(self, problem_id: str) -> bool:
        """Whether there is a problem of that id."""

    def rows(self) -> Iterable[Body]:
        """Yield every problem as a row for NeMo-Gym."""

    async def reward(self, rollouts: Sequence[Rollout], *, takes_ungraded: bool) -> list[Rewarded]:
        """Grade rollouts of known problems and keep those that are answered for; see `flows/serve/`.

        Without `takes_ungraded` the client is told nothing where any is ungraded, and nothing is kept.
        """


@dataclass(frozen=True)
class AppSettings:
    """How the server answers: who may ask, what it expects of clients, and how much it takes on."""

    token: str | None = None
    any_version: bool = False
    most_in_flight: int = MOST_IN_FLIGHT
    largest_body: int = LARGEST_BODY_BYTES


@dataclass
class _Server:
    service: RewardService
    settings: AppSettings
    admission: Admission
    metrics: Metrics = field(default_factory=Metrics)

    async def body(self, request: web.Request) -> Body:
        return parsed(await request.read())

    async def reward(self, rollouts: Sequence[Rollout], *, takes_ungraded: bool = True) -> list[Rewarded]:
        """Return the rewards. Raises Refusal: 404 for an unknown problem, 503 for what may be had later, 422."""
        unknown = [rollout.problem_id for rollout in rollouts if not self.service.knows(rollout.problem_id)]
        if unknown:
            raise Refusal(404, f"unknown problem {unknown[0][:200]!r}: expected the id of one that is served here")
        with self.admission.admitted(len(rollouts)):
            try:
                found = await self.service.reward(rollouts, takes_ungraded=takes_ungraded)
            except WorkspaceError as error:  # nothing is answered for that could not be written down
                raise Refusal(503, str(error), BUSY_S) from error
        self.metrics.graded(found)
        if not takes_ungraded:
            _refuse_masked([rewarded.masked_for for rewarded in found])
        return found

    async def verify(self, request: web.Request) -> web.Response:
        return await self._verified(request, takes_ungraded=True)

    async def strict_verify(self, request: web.Request) -> web.Response:
        return await self._verified(request, takes_ungraded=False)

    async def _verified(self, request: web.Request, *, takes_ungraded: bool) -> web.Response:
        body = await self.body(request)
        (found,) = await self.reward([rollout_to_verify(body)], takes_ungraded=takes_ungraded)
        return web.json_response(verify_reply(body, found))

    async def rewards(self, request: web.Request) -> web.Response:
        body = await self.body(request)
        if not self.settings.any_version:
            refuse_other_graders(body, self.service.graders)
        found = await self.reward(rollouts_to_reward(body))
        return web.json_response(rewards_reply(found, self.service.graders))

    async def slime(self, request: web.Request) -> web.Response:
        (found,) = await self.reward([slime_rollout(await self.body(request))], takes_ungraded=False)
        return web.json_response(found.reward)

    async def openrlhf(self, request: web.Request) -> web.Response:
        found = await self.reward(openrlhf_rollouts(await self.body(request)), takes_ungraded=False)
        return web.json_response(openrlhf_reply(found))

    async def session(self, request: web.Request) -> web.Response:
        return web.json_response(session_reply(await self.body(request)))

    async def aggregate(self, request: web.Request) -> web.Response:
        return web.json_response(aggregate_metrics(await self.body(request)))

    async def reverify_mode(self, _: web.Request) -> web.Response:
        return web.json_response("stateless")

    async def rows(self, request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await reply.prepare(request)
        with suppress(ConnectionResetError):  # a client that has seen enough
            for row in self.service.rows():
                await reply.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            await reply.write_eof()
        return reply

    async def health(self, _: web.Request) -> web.Response:
        alarms = [alarm.text for alarm in self.service.alarms]
        return web.json_response({"status": "ok", "graders": dict(self.service.graders), "alarms": alarms})

    async def metrics_page(self, _: web.Request) -> web.Response:
        kinds = [alarm.kind for alarm in self.service.alarms]
        return web.Response(text=self.metrics.page(self.admission.in_flight, kinds), content_type="text/plain")


def reward_app(service: RewardService, settings: AppSettings) -> web.Application:
    """Return the web application that rewards rollouts with `service`."""
    server = _Server(service, settings, Admission(settings.most_in_flight))
    app = web.Application(client_max_size=settings.largest_body, middlewares=[_answering(server)])
    for prefix, verify in (("", server.verify), ("/strict", server.strict_verify)):
        app.router.add_post(f"{prefix}/verify", verify)
        app.router.add_post(f"{prefix}/seed_session", server.session)
        app.router.add_post(f"{prefix}/close_session", server.session)
        app.router.add_post(f"{prefix}/aggregate_metrics", server.aggregate)
        app.router.add_get(f"{prefix}/reverify_mode", server.reverify_mode)
    app.router.add_post("/rewards", server.rewards)
    app.router.add_post("/slime", server.slime)
    app.router.add_post("/openrlhf", server.openrlhf)
    app.router.add_get("/rows.jsonl", server.rows)
    app.router.add_get("/health", server.health)
    app.router.add_get("/metrics", server.metrics_page)
    return app


def _answering(server: _Server) -> Middleware:
    """Return what stands around every route: the token, refusals as JSON, and the count of replies."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        started, status = time.perf_counter(), 500
        try:
            _check_token(request, server.settings.token)
            reply = await handler(request)
            status = reply.status
            return reply
        except Refusal as refusal:
            status = refusal.status
            return _refused(refusal)
        except web.HTTPRequestEntityTooLarge:
            status = 413
            return _refused(Refusal(413, f"the body is over {server.settings.largest_body:,} bytes: send less at once"))
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            resource = request.match_info.route.resource
            server.metrics.replied(resource.canonical if resource else "unknown", status, time.perf_counter() - started)

    return answer


def _refuse_masked(reasons: Iterable[str | None]) -> None:
    """Raise Refusal where a rollout has no reward: 422 where asking again would not help."""
    masked = [reason for reason in reasons if reason is not None]
    if WEAK_CHECK in masked:
        raise Refusal(422, "weak_check: a program could forge what these tests say; serve with --allow-weak to take it")
    if masked:
        raise Refusal(503, f"ungraded: {masked[0]}; nothing was found out, ask again", BUSY_S)


def _check_token(request: web.Request, token: str | None) -> None:
    if token is None or request.path in OPEN_ROUTES:
        return
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode()):
        raise Refusal(401, "expected `Authorization: Bearer TOKEN` with the token that the server was started with")


def _refused(refusal: Refusal) -> web.Response:
    headers = {} if refusal.retry_after_s is None else {"Retry-After": str(refusal.retry_after_s)}
    return web.json_response({"error": refusal.message}, status=refusal.status, headers=headers)
