"""What goes out is what the OpenAI SDK would have sent, and what it understands of an endpoint is understood."""

import asyncio
import gzip
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from openai import AsyncOpenAI, DefaultAioHttpClient

from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.teacher import OpenAITeacher, Request
from cotfactory.schemas.errors import InputError, RecipeError, TeacherUnavailable
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message
from tests.generators.scripted_server import chat

SPEC = TeacherSpec.model_validate(
    {
        "name": "t",
        "model": "modèle",
        "sampling": {"temperature": 0.5, "max_tokens": 100, "seed": 10},
        "limits": {"timeout_s": 5.0},
    }
)
MESSAGES = (Message(role="system", content="Think."), Message(role="user", content="What is 3 × 4?\n\u2028"))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Yield the address of a server that hands every request, whatever its path, to `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    app.router.add_route("*", "/", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask_ourselves(base_url: str) -> Completion:
    async with OpenAITeacher(SPEC, Endpoint(base_url, "secret")) as teacher:
        await teacher.models()
        return await teacher.complete(Request("request-3", MESSAGES, SPEC.sampling, 3, tokens=100))


async def ask_with_the_sdk(base_url: str) -> None:
    http = DefaultAioHttpClient()
    async with AsyncOpenAI(api_key="secret", base_url=base_url, timeout=5.0, max_retries=0, http_client=http) as client:
        await client.models.list()
        await client.chat.completions.create(
            model=SPEC.model,
            messages=[{"role": message.role, "content": message.content} for message in MESSAGES],  # type: ignore[misc]
            temperature=0.5,
            max_tokens=100,
            seed=13,
        )


@pytest.mark.parametrize("base_url", ["http://{}/v1", "http://{}/deep/er/v1/"])
def test_the_sdk_would_have_sent_the_same(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Method, path, query, body and every header, with what the environment adds."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Team: post-training")

    async def run() -> None:
        seen: list[tuple[Any, ...]] = []

        async def keep(request: web.Request) -> web.Response:
            text = await request.text()
            headers = {name.lower(): value for name, value in request.headers.items()}
            headers.pop("content-length", None)  # JSON may be spaced in another way
            seen.append((request.method, request.raw_path, headers, json.loads(text) if text else None))
            return web.json_response(chat() if request.method == "POST" else {"data": []})

        async with serving(keep) as where:
            await ask_with_the_sdk(base_url.format(where))
            await ask_ourselves(base_url.format(where))
        assert len(seen) == 4
        for ours, theirs in zip(seen[2:], seen[:2], strict=True):
            assert ours == theirs
        assert seen[1][2]["openai-organization"] == "org-1"

    asyncio.run(run())


def test_a_login_in_the_url_takes_the_place_of_the_key() -> None:
    """So the SDK decides; its aiohttp transport then refuses to send it."""

    async def run() -> None:
        keys: list[str] = []

        async def keep(request: web.Request) -> web.Response:
            keys.append(request.headers["Authorization"])
            return web.json_response(chat() if request.method == "POST" else {"data": []})

        async with serving(keep) as where:
            await ask_ourselves(f"http://user:pass@{where}/v1")
        assert keys == ["Basic dXNlcjpwYXNz"] * 2

    asyncio.run(run())


def test_a_redirect_is_followed_with_the_body() -> None:
    async def run() -> None:
        bodies: list[Any] = []

        async def moved(request: web.Request) -> web.Response:
            if request.path.startswith("/old"):
                raise web.HTTPPermanentRedirect(request.path.replace("/old", "/new"))
            if request.method == "POST":
                bodies.append(await request.json())
            return web.json_response(chat("7") if request.method == "POST" else {"data": []})

        async with serving(moved) as where:
            assert (await ask_ourselves(f"http://{where}/old/v1")).content == "7"
        assert bodies[0]["model"] == "modèle"

    asyncio.run(run())


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        asked: list[tuple[str, str]] = []

        async def proxy(request: web.Request) -> web.Response:
            asked.append((request.raw_path, request.headers.get("Proxy-Authorization", "")))
            return web.json_response(chat("7") if request.method == "POST" else {"data": []})

        async with serving(proxy) as where:
            monkeypatch.setenv(variable, f"http://me:word@{where}")
            assert (await ask_ourselves("http://teacher.invalid/v1")).content == "7"
            # A proxy would look for this machine's servers on its own.
            assert (await ask_ourselves(f"http://{where}/v1")).content == "7"
        assert [path for path, _ in asked] == [
            "http://teacher.invalid/v1/models",
            "http://teacher.invalid/v1/chat/completions",
            "/v1/models",
            "/v1/chat/completions",
        ]
        assert asked[0][1].startswith("Basic ")

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    asyncio.run(run())


@pytest.mark.parametrize("variable", ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
@pytest.mark.parametrize("value", ["proj-1\n", "proj\r\nX: 1", "proj-1\u200b"])
def test_a_header_that_cannot_be_sent_is_one_message(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match="cannot be sent"):
        asyncio.run(ask_ourselves("http://127.0.0.1:9/v1"))


def test_a_compressed_reply_is_read() -> None:
    async def run() -> None:
        async def zipped(request: web.Request) -> web.Response:
            reply = chat("7") if request.method == "POST" else {"data": []}
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
            return web.Response(body=gzip.compress(json.dumps(reply).encode()), headers=headers)

        async with serving(zipped) as where:
            assert (await ask_ourselves(f"http://{where}/v1")).content == "7"

    asyncio.run(run())


def test_cookies_are_sent_back() -> None:
    """A load balancer may keep a session on one replica by a cookie."""

    async def run() -> None:
        cookies: list[dict[str, str]] = []

        async def set_cookie(request: web.Request) -> web.Response:
            cookies.append(dict(request.cookies))
            reply = web.json_response(chat("7") if request.method == "POST" else {"data": []})
            reply.set_cookie("replica", "b")
            return reply

        async with serving(set_cookie) as where:
            base_url = f"http://localhost:{where.rpartition(':')[2]}/v1"
            async with OpenAITeacher(SPEC, Endpoint(base_url, "secret")) as teacher:
                await teacher.complete(Request("request-0", MESSAGES, SPEC.sampling, 0, tokens=100))
                await teacher.complete(Request("request-1", MESSAGES, SPEC.sampling, 1, tokens=100))
        assert cookies == [{}, {"replica": "b"}]

    asyncio.run(run())


@pytest.mark.parametrize("trusted", [True, False])
def test_a_company_s_own_authority_is_trusted_where_it_is_named(tmp_path: Path, *, trusted: bool) -> None:
    """A certificate that nobody known has signed: accepted with `ca_bundle`, else the connection is refused."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *name], check=True, capture_output=True)

    async def run() -> Completion:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", lambda _: _json(chat("7")))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        base_url = f"https://localhost:{runner.addresses[0][1]}/v1"
        try:
            endpoint = Endpoint(base_url, "secret", ca_bundle=str(certificate) if trusted else None)
            async with OpenAITeacher(SPEC, endpoint) as teacher:
                return await teacher.complete(Request("request-0", MESSAGES, SPEC.sampling, 0, tokens=100))
        finally:
            await runner.cleanup()

    if trusted:
        assert asyncio.run(run()).content == "7"
    else:
        with pytest.raises(TeacherUnavailable, match="certificate"):
            asyncio.run(run())


def test_authorities_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")

    async def run() -> None:
        for path in ("ca.pem", "not-there.pem"):
            endpoint = Endpoint("https://teacher.invalid/v1", "secret", ca_bundle=str(tmp_path / path))
            with pytest.raises(RecipeError, match=f"certificates in .*{path} cannot be read"):
                async with OpenAITeacher(SPEC, endpoint):
                    pass

    asyncio.run(run())


async def _json(reply: dict[str, Any]) -> web.Response:
    return web.json_response(reply)


def test_a_key_in_the_query_is_not_in_the_errors_of_the_transport() -> None:
    """An endless redirect is told with its whole URL."""

    async def run() -> None:
        async def again(request: web.Request) -> web.Response:
            raise web.HTTPTemporaryRedirect(request.path_qs)

        async with serving(again) as where:
            with pytest.raises(TeacherUnavailable) as caught:
                await ask_ourselves(f"http://{where}/v1?key=key-in-the-query")
        assert "key-in-the-query" not in str(caught.value)

    asyncio.run(run())
