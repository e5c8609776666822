"""An endpoint on loopback that speaks the OpenAI Batch API, answers as a test wants, and counts what was paid."""

import asyncio
import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.generators.scripted_server import chat

Line = dict[str, Any]
Becomes = str | int | bytes | Line | None
"""What becomes of a request: the text of its answer, an HTTP status, raw output, a whole line, or nothing at all."""
STATES = ("validating", "in_progress", "finalizing")


def right(line: Line) -> Becomes:
    question = line["body"]["messages"][-1]["content"]
    return f"The answer to {question} is \\boxed{{7}}."


class BatchServer:
    """`answer` says what becomes of a line and `ends` how a batch ends; `faults` refuses a whole file.

    `trouble` holds (method, start of the path, HTTP status or "reset") for calls to come, each used once. `on_call`
    hears of every call, before (False) and after (True) it was dealt with.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Line], Becomes] = right
        self.ends = "completed"
        self.faults: Callable[[Sequence[Line]], list[Line]] = lambda _: []
        self.trouble: deque[tuple[str, str, int | str]] = deque()
        self.on_call: Callable[[str, str, bool], None] = lambda _, __, ___: None
        self.polls = 3
        self.slow_to_make: asyncio.Event | None = None
        self.paid: Counter[str] = Counter()
        self.sent: list[list[Line]] = []
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, Line] = {}
        self.keys: set[str] = set()
        self.base_url = ""
        self.loop = asyncio.new_event_loop()

    @web.middleware
    async def _through(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.keys.add(request.headers.get("Authorization", ""))
        self.on_call(request.method, request.path, False)
        for fault in self.trouble:
            if fault[0] == request.method and request.path.startswith(f"/v1/{fault[1]}"):
                self.trouble.remove(fault)
                if fault[2] == "lost":  # it is done, and nobody learns of it
                    await handler(request)
                if isinstance(fault[2], str):
                    assert request.transport is not None
                    request.transport.abort()
                    return web.Response()
                await request.read()
                return web.json_response({"error": {"message": "no"}}, status=fault[2], headers={"Retry-After": "0.05"})
        reply: web.StreamResponse = await handler(request)
        self.on_call(request.method, request.path, True)
        return reply

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        assert isinstance(form["file"], web.FileField)
        name = self._new_file(form["file"].file.read())
        return web.json_response({"id": name, "object": "file", "purpose": "batch"})

    async def _delete(self, request: web.Request) -> web.Response:
        known = self.files.pop(request.match_info["id"], None) is not None
        return web.json_response({"id": request.match_info["id"], "deleted": known}, status=200 if known else 404)

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if self.slow_to_make is not None:
            await asyncio.shield(asyncio.ensure_future(self.slow_to_make.wait()))
        return web.json_response(self.make(asked))

    def make(self, asked: Line) -> Line:
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        batch: Line = {
            "id": f"batch_{len(self.batches)}",
            "object": "batch",
            "status": "validating",
            "metadata": asked.get("metadata"),
            "created_at": 1000,
            "output_file_id": "",
            "error_file_id": None,
            "errors": None,
        }
        self.batches[batch["id"]] = batch
        if asked["input_file_id"] not in self.files:
            return self._refused(batch, [{"code": "file_not_found", "message": "no such file", "line": None}])
        lines = [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        self.sent.append(lines)
        batch["request_counts"] = {"total": len(lines), "completed": 0, "failed": 0}
        if faults := self.faults(lines):
            return self._refused(batch, faults)
        became = [self._became(line, self.answer(line)) for line in lines]
        batch["files"] = tuple(b"".join(text for text, failed in became if failed == kind) for kind in (False, True))
        batch["left"] = self.polls
        return _public(batch)

    def _refused(self, batch: Line, faults: list[Line]) -> Line:
        batch.update(status="failed", errors={"object": "list", "data": faults}, failed_at=1001)
        return _public(batch)

    def _became(self, line: Line, becomes: Becomes) -> tuple[bytes, bool]:
        name = line["custom_id"]
        if becomes is None:
            return b"", False
        if isinstance(becomes, bytes):
            self.paid[name] += 1
            return becomes, False
        said: Line = {"id": f"r-{name}", "custom_id": name, "response": None, "error": None}
        if isinstance(becomes, dict):
            said.update(becomes)
            return json.dumps(said).encode() + b"\n", True
        if isinstance(becomes, int):
            said["response"] = {"status_code": becomes, "body": {"error": {"message": "refused"}}}
            return json.dumps(said).encode() + b"\n", True
        self.paid[name] += 1
        said["response"] = {"status_code": 200, "request_id": "q", "body": {**chat(becomes), "model": "m"}}
        return json.dumps(said).encode() + b"\n", False

    async def _get(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return web.json_response({"error": {"message": "no such batch"}}, status=404)
        if batch.get("left") is not None:
            self._go_on(batch)
        return web.json_response(_public(batch))

    def _go_on(self, batch: Line) -> None:
        if batch["left"] > 0:
            batch["status"] = STATES[max(0, min(self.polls - batch["left"], 2))]
            batch["left"] -= 1
            return
        output, errors = batch.pop("files")
        del batch["left"]
        batch["status"] = self.ends
        batch[f"{self.ends}_at"] = 1060
        batch["output_file_id"] = self._new_file(output) if output else None
        batch["error_file_id"] = self._new_file(errors) if errors else ""
        batch["request_counts"]["completed"] = len(output.splitlines())

    async def _list(self, request: web.Request) -> web.Response:
        newest_first = list(reversed(self.batches.values()))
        after = request.query.get("after")
        start = 1 + [batch["id"] for batch in newest_first].index(after) if after else 0
        page = newest_first[start : start + min(2, int(request.query["limit"]))]  # so that there is a second one
        more = start + len(page) < len(newest_first)
        return web.json_response({"object": "list", "data": [_public(batch) for batch in page], "has_more": more})

    def _new_file(self, content: bytes) -> str:
        name = f"file-{len(self.files)}-{len(self.batches)}"
        self.files[name] = content
        return name

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application(middlewares=[self._through], client_max_size=2**30)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_delete("/v1/files/{id}", self._delete)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._get)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        ready.set()
        await stop.wait()
        await runner.cleanup()


def _public(batch: Line) -> Line:
    return {key: value for key, value in batch.items() if key not in ("files", "left")}


@contextmanager
def batch_server() -> Iterator[BatchServer]:
    """Yield a running server, on a thread of its own."""
    server = BatchServer()
    ready, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=server.loop.run_until_complete, args=(server.serve(ready, stop),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        server.loop.close()
