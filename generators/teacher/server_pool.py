"""Several servers of one model as one teacher: each request goes to whichever has least in flight, a sick one rests.

The servers of a pool give one set of samples: which of them answered is no part of a request's id. A request that was
surely not worked on (the connection was refused, the server said 429 or 503) goes to the next server at once; one that
may have been billed is an error like any other teacher's, and whoever asks again gets a server that is well.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request
from cotfactory.schemas.errors import TeacherError, TeacherRateLimited, TeacherUnavailable
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion

logger = logging.getLogger(__name__)

FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0
T = TypeVar("T")


@dataclass
class _Server:
    teacher: OpenAITeacher
    in_flight: int = 0
    failures: int = 0
    rests_until: float = 0.0

    def may_be_asked(self, now: float) -> bool:
        """Whether it is well, or has rested and is not being tried already."""
        return now >= self.rests_until and (self.failures == 0 or self.in_flight == 0)


class ServerPool:
    """A Teacher over several endpoints; an async context manager.

    A server that fails rests for a second, twice as long after each further failure, a minute at most; then one request
    tries it. While all rest, the one whose rest ends first is asked.
    """

    def __init__(self, spec: TeacherSpec, endpoints: Sequence[Endpoint]) -> None:
        # What a reply says is left of a limit is left of that server's alone: nobody listens.
        self._servers = [_Server(OpenAITeacher(spec, endpoint)) for endpoint in endpoints]
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> "ServerPool":
        async with AsyncExitStack() as opening:
            for server in self._servers:
                await opening.enter_async_context(server.teacher)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def complete(self, request: Request) -> Completion:
        """Ask one server for one sample. Raises a TeacherError."""
        return await self._ask(lambda teacher: teacher.complete(request))

    async def complete_several(self, request: Request, samples: int) -> tuple[Completion, ...]:
        """Ask one server for `samples` samples of one prompt. Raises a TeacherError."""
        return await self._ask(lambda teacher: teacher.complete_several(request, samples))

    async def models(self) -> tuple[str, ...]:
        """Return the models that are listed, empty when none are. Raises TeacherUnavailable when no server is there."""
        try:
            return await self.ask_models()
        except TeacherUnavailable as error:
            if error.is_unreachable:
                raise
            return ()

    async def ask_models(self) -> tuple[str, ...]:
        """Ask each server once; return what the first lists that is up. Raises TeacherUnavailable when none is.

        Those that are not rest from the start.
        """
        listed: tuple[str, ...] | None = None
        failed: TeacherUnavailable | None = None
        for server in self._servers:
            try:
                models = await server.teacher.ask_models()
            except TeacherUnavailable as error:
                failed = error
                _rest(server, error)
                continue
            except TeacherError:  # it is up, and lists none
                models = ()
            server.failures, server.rests_until = 0, 0.0
            listed = models if listed is None else listed
        if listed is None and failed is not None:
            raise failed
        return listed or ()

    async def _ask(self, send: Callable[[OpenAITeacher], Awaitable[T]]) -> T:
        tried: set[int] = set()
        while True:
            server = self._chosen(tried)
            tried.add(id(server))
            server.in_flight += 1
            try:
                answer = await send(server.teacher)
            except (TeacherUnavailable, TeacherRateLimited) as error:
                _rest(server, error)
                if error.maybe_billed or len(tried) == len(self._servers):
                    raise
            else:
                server.failures = 0
                return answer
            finally:
                server.in_flight -= 1

    def _chosen(self, tried: set[int]) -> _Server:
        now = time.monotonic()
        left = [server for server in self._servers if id(server) not in tried]
        well = [server for server in left if server.may_be_asked(now)]
        if well:
            return min(well, key=lambda server: server.in_flight)
        return min(left, key=lambda server: (server.rests_until, server.in_flight))


def _rest(server: _Server, error: TeacherError) -> None:
    now = time.monotonic()
    if now < server.rests_until:
        return  # one of many that were under way when it failed
    rest_s = max(min(LONGEST_REST_S, FIRST_REST_S * 2**server.failures), min(LONGEST_REST_S, error.retry_after_s or 0))
    server.failures += 1
    server.rests_until = now + rest_s
    logger.warning("a server rests", extra={"error": str(error), "wait_s": rest_s})
