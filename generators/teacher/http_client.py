"""The HTTP side of a teacher: the request the OpenAI SDK would send, sent over one session of its transport.

The SDK needs about 1 ms of CPU to build, send and unpack one call, aiohttp, its own transport, a tenth of that. So the
SDK writes the first request only, into a transport that keeps it; what it decided about URL, query, key, organisation,
project and other headers is then sent with every body of ours.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import aiohttp
from yarl import URL

from cotfactory.generators.teacher.deadline import Deadline, Deadlines
from cotfactory.generators.teacher.endpoint import NO_KEY, Endpoint
from cotfactory.generators.teacher.proxy import proxy_for
from cotfactory.generators.teacher.redirects import KeepAsking
from cotfactory.generators.teacher.reply_body import ReplyBody
from cotfactory.schemas.endpoint_keys import KEY_HEADERS, can_be_sent
from cotfactory.schemas.errors import InputError, RecipeError
from cotfactory.schemas.teacher_spec import EndpointLimits

if TYPE_CHECKING:
    import httpx2

KEEP_IDLE_S = 4.0
"""Less than the 5 s after which uvicorn, and so vLLM, closes an idle connection under a request on its way."""

OF_ONE_REQUEST = frozenset({"host", "content-length", "transfer-encoding"})
OF_ONE_BODY = frozenset({"accept", "content-type"})
NO_TIMEOUT = aiohttp.ClientTimeout()
"""For chat requests, which have a deadline that knows of pauses."""
_encode = json.JSONEncoder(ensure_ascii=False).encode
FILE_TIMEOUT_S = 3600.0
FILE_CHUNK_BYTES = 2**16


@dataclass(frozen=True)
class HttpReply:
    """What came back, whatever the status; header names are looked up in any case.

    Of a streamed completion `joined` is the JSON that a plain reply would have held, and `body` is empty.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    joined: Any = None

    @property
    def is_success(self) -> bool:
        """Whether the status says that it was answered."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class _Pattern:
    """What all requests of one kind have in common."""

    method: str
    url: URL
    headers: dict[str, str]


class HttpClient:
    """What one endpoint is asked over. `opened` makes it inside a running loop, `close` ends it.

    All calls raise what aiohttp raises, TimeoutError when an answer is not there, to its last byte, in time, and
    ReplyTooLarge. Of a streamed answer that ends early what had been said is returned.
    """

    def __init__(self, chat: "_HttpSession", models: "_HttpSession", limits: EndpointLimits) -> None:
        self._chat, self._models, self._limits = chat, models, limits
        self._most_bytes = limits.reply_mb * 2**20
        self._deadlines = Deadlines()

    @classmethod
    async def opened(cls, endpoint: Endpoint, limits: EndpointLimits) -> "HttpClient":
        """Return a client of an endpoint; nothing has been sent yet. Raises RecipeError for unreadable authorities."""
        chat, models = await _patterns(endpoint, limits.total_s())
        listing = aiohttp.ClientTimeout(total=limits.total_s())
        return cls(_HttpSession(chat, NO_TIMEOUT, endpoint), _HttpSession(models, listing, endpoint), limits)

    async def close(self) -> None:
        """Close all connections."""
        await self._chat.close()
        await self._models.close()

    async def chat(self, body: Mapping[str, Any]) -> HttpReply:
        """Send one request for chat completions."""
        data = _encode(body).encode("utf-8", "surrogatepass")
        early = arriving = None
        try:
            with self._deadline(streamed=bool(body.get("stream"))) as deadline:
                async with self._chat.request(data) as answer:
                    arriving = ReplyBody(self._most_bytes, may_stream=answer.ok)
                    while block := await answer.content.readany():
                        deadline.heard()
                        arriving.feed(block)
                        if arriving.patience_s is not None:
                            await _rest(answer, arriving)
                            break
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            if arriving is None:
                raise
            early = error
        return HttpReply(answer.status, answer.headers, *arriving.ended(early))

    def _deadline(self, *, streamed: bool) -> Deadline:
        silence_s = self._limits.silence_s if streamed else None
        return self._deadlines.after(self._limits.total_s(streamed=streamed), silence_s)

    async def models(self) -> HttpReply:
        """Ask which models there are."""
        async with self._models.request() as answer:
            arriving = ReplyBody(self._most_bytes, may_stream=False)
            while block := await answer.content.readany():
                arriving.feed(block)
            return HttpReply(answer.status, answer.headers, *arriving.ended())


async def _rest(answer: aiohttp.ClientResponse, arriving: ReplyBody) -> None:
    """Read what follows an answer that is complete: its usage, its end, so that the connection can be used again."""
    with suppress(TimeoutError):
        while not answer.content.at_eof():
            is_over = arriving.is_over
            async with asyncio.timeout(arriving.patience_s):
                block = await answer.content.readany()
            if is_over:
                return
            arriving.feed(block)


class FileHttpClient:
    """The other calls of the same API, those about files and batches: few, and some of them large."""

    def __init__(self, line: "_HttpSession") -> None:
        self._line = line

    @classmethod
    async def opened(cls, endpoint: Endpoint, timeout_s: float) -> "FileHttpClient":
        """Return a client of an endpoint; a call fails when nothing has come for `timeout_s`, or after an hour.

        Raises as `HttpClient.opened`.
        """
        _, models = await _patterns(endpoint, timeout_s)
        headers = {name: value for name, value in models.headers.items() if name.lower() not in OF_ONE_BODY}
        timeout = aiohttp.ClientTimeout(total=FILE_TIMEOUT_S, sock_connect=timeout_s, sock_read=timeout_s)
        return cls(_HttpSession(_Pattern(models.method, models.url, headers), timeout, endpoint))

    async def close(self) -> None:
        """Close all connections."""
        await self._line.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: aiohttp.FormData | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> HttpReply:
        """Send one request to a path below the base URL, with a form or a JSON body."""
        return await self._line.call(method, path, query=query, data=form, json=body)

    async def download(self, path: str, into: BinaryIO) -> HttpReply:
        """Write the body of a successful answer to a file; that of any other is in the reply."""
        return await self._line.call("GET", path, into=into)


class _HttpSession:
    """A session that sends requests of one pattern; their headers are the session's: a merge less a call."""

    def __init__(self, pattern: _Pattern, timeout: aiohttp.ClientTimeout, endpoint: Endpoint) -> None:
        self._method, self._url, self._proxy = pattern.method, pattern.url, proxy_for(pattern.url)
        tls = _authorities(endpoint) if pattern.url.scheme == "https" else True
        self._session = aiohttp.ClientSession(
            # How many may be open at a time is the limiter's affair.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_IDLE_S, ssl=tls),
            timeout=timeout,
            headers=pattern.headers,
            response_class=KeepAsking,  # a middleware for it would cost a tenth of a call
        )

    async def close(self) -> None:
        await self._session.close()

    def request(self, data: bytes | None = None) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.request(self._method, self._url, data=data, proxy=self._proxy)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        into: BinaryIO | None = None,
        **sent: Any,
    ) -> HttpReply:
        url = (self._url.parent / path).with_query(self._url.query).update_query(query or {})
        async with self._session.request(method, url, proxy=self._proxy, **sent) as answer:
            if into is None or answer.status != 200:
                return HttpReply(answer.status, answer.headers, await answer.read())
            async for chunk in answer.content.iter_chunked(FILE_CHUNK_BYTES):
                into.write(chunk)
            return HttpReply(answer.status, answer.headers, b"")


def _authorities(endpoint: Endpoint) -> ssl.SSLContext:
    """Return whose certificates are accepted. Raises RecipeError for a file that holds none."""
    import httpx2

    if endpoint.ca_bundle is None:
        return httpx2.create_ssl_context()
    path = Path(endpoint.ca_bundle)
    try:
        return ssl.create_default_context(capath=path) if path.is_dir() else ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise RecipeError(
            f"The certificates in {path} cannot be read: {error.strerror or error}",
            "expected a file of certificates in PEM form: fix `ca_bundle` or REQUESTS_CA_BUNDLE",
        ) from error


async def _patterns(endpoint: Endpoint, timeout_s: float) -> tuple[_Pattern, _Pattern]:
    """Return what the SDK sends for a chat completion and for the list of models."""
    import httpx2
    from openai import AsyncOpenAI

    sent: list[httpx2.Request] = []

    class Keeping(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            return httpx2.Response(200, json={"object": "list", "data": []})

    http = httpx2.AsyncClient(transport=Keeping())
    base_url, _, query = endpoint.base_url.partition("?")
    async with AsyncOpenAI(
        api_key=endpoint.api_key, base_url=base_url, timeout=timeout_s, max_retries=0, http_client=http
    ) as client:
        try:
            await client.chat.completions.create(model="", messages=[])
            await client.models.list()
        except UnicodeEncodeError as error:
            raise _unfit_header("of the endpoint") from error
    chat, models = (_pattern(request, query, endpoint) for request in sent)
    return chat, models


def _unfit_header(which: str) -> InputError:
    return InputError(
        f"The header {which} cannot be sent: expected ASCII signs without line breaks",
        "see to OPENAI_ORG_ID, OPENAI_PROJECT_ID and the keys that the environment holds",
    )


def _pattern(request: "httpx2.Request", query: str, endpoint: Endpoint) -> _Pattern:
    own = {name.lower(): value for name, value in endpoint.headers.items()}
    left_out = OF_ONE_REQUEST | own.keys()
    if endpoint.api_key == NO_KEY and KEY_HEADERS & own.keys():
        left_out |= {"authorization"}  # two keys, one of them made up, are refused
    headers = {name: value for name, value in request.headers.items() if name not in left_out}
    for name, value in headers.items():
        if not can_be_sent(value):
            raise _unfit_header(name)
    # A login in the URL has become an Authorization header here; aiohttp takes one or the other.
    url = URL(str(request.url), encoded=True).with_user(None)
    whole = URL(f"{url}?{query}", encoded=True) if query else url
    return _Pattern(request.method, whole, {**headers, **own})
