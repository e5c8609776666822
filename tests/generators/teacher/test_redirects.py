"""An API that has moved is asked there; a login page is told apart from it."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request
from cotfactory.schemas.errors import TeacherBadReply
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message, Sampling
from tests.generators.scripted_server import chat

REQUEST = Request("r", [Message(role="user", content="What is 3 + 4?")], Sampling(), 0, 10)


def ask(status: int, location: str) -> tuple[Completion, list[dict[str, Any]], list[str]]:
    """Ask a server that redirects; `{other}` in the location is another host. Return what arrived there too."""
    bodies: list[dict[str, Any]] = []
    keys: list[str] = []

    async def run() -> Completion:
        async def moved(request: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": location.format(other=f"localhost:{port}")})

        async def answer(request: web.Request) -> web.Response:
            bodies.append(await request.json())
            keys.append(request.headers.get("Authorization", ""))
            return web.json_response(chat("It is 7."))

        async def login(_: web.Request) -> web.Response:
            return web.Response(text="<html>please log in</html>", content_type="text/html")

        app = web.Application()
        app.router.add_post("/old/v1/chat/completions", moved)
        app.router.add_post("/v1/chat/completions", answer)
        app.router.add_route("*", "/login", login)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        spec = TeacherSpec(name="t", model="m")
        try:
            async with OpenAITeacher(spec, Endpoint(f"http://127.0.0.1:{port}/old/v1", "secret")) as teacher:
                return await teacher.complete(REQUEST)
        finally:
            await runner.cleanup()

    return asyncio.run(run()), bodies, keys


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_api_that_has_moved_is_asked_there(status: int) -> None:
    completion, bodies, keys = ask(status, "/v1/chat/completions?from=old")
    assert completion.content == "It is 7."
    assert bodies[0]["messages"] == [{"role": "user", "content": "What is 3 + 4?"}]
    assert keys == ["Bearer secret"]


@pytest.mark.parametrize("status", [301, 302, 307])
def test_another_host_is_not_told_the_key(status: int) -> None:
    completion, _, keys = ask(status, "http://{other}/v1/chat/completions")
    assert completion.content == "It is 7."
    assert keys == [""]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_login_page_is_no_api_and_free(status: int) -> None:
    with pytest.raises(TeacherBadReply, match=r"a web page: .*please log in.* - check that base_url") as caught:
        ask(status, "/login")
    assert not caught.value.maybe_billed
