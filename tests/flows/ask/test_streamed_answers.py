"""A whole run over streamed answers: those that end early are kept, paid once, and in no product but all_graded."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from tests.flows.conftest import WriteRecipe
from tests.generators.byte_server import DONE, USAGE, chunk, event

SAMPLES = 12
SUM = re.compile(r"What is (\d+) \+ (\d+)\?")


class StreamingOnly(BaseHTTPRequestHandler):
    """Refuses plain requests, and breaks every second stream off after the first piece."""

    bodies: list[dict[str, Any]]
    lock = threading.Lock()

    def do_GET(self) -> None:
        self._send(200, b'{"data": [{"id": "m"}]}')

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.bodies.append(body)
            number = sum(1 for asked in self.bodies if asked.get("stream"))
        if not body.get("stream"):
            self._send(400, b'{"error": {"message": "This model only support stream mode"}}')
            return
        found = SUM.search(body["messages"][-1]["content"])
        assert found is not None
        begun = event(chunk({"reasoning_content": f"Way {number}: I add {found[1]} and {found[2]}."}))
        answer = f"The answer is \\boxed{{{int(found[1]) + int(found[2])}}}."
        rest = event(chunk({"content": answer}, "stop")) + event(chunk(usage=USAGE)) + DONE
        self._send(200, begun if number % 2 else begun + rest)

    def _send(self, status: int, sent: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def streaming_only() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    bodies: list[dict[str, Any]] = []
    handler = type("Handler", (StreamingOnly,), {"bodies": bodies})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", bodies
        server.shutdown()
        thread.join()


def test_what_had_arrived_is_bought_once(
    streaming_only: tuple[str, list[dict[str, Any]]], write_recipe: WriteRecipe, tmp_path: Path
) -> None:
    base_url, bodies = streaming_only
    teacher = {
        "name": "t",
        "model": "m",
        "base_url": base_url,
        "price": {"input": 1.0, "output": 1.0},
        "sampling": {"max_tokens": 1000},
        "limits": {"retries": 3},
    }
    release = {"license": "mit", "products": ["sft", "all_graded"], "stop_above": {"truncated": 1}}
    recipe = write_recipe(teachers=[teacher], attempts=2, budget={"usd": 1.0}, release=release)
    workspace = tmp_path / "workspace"
    first = cotfactory.run(recipe, workspace)
    assert (first.teacher_calls, first.candidates, first.failed_calls) == (SAMPLES, SAMPLES, 0)
    assert sum(1 for body in bodies if body.get("stream")) == SAMPLES

    query = "SELECT finish_reason_raw, usage.estimated, usage.output_tokens FROM candidates"
    rows = [tuple(row.values()) for row in cotfactory.sql(workspace, query).to_pylist()]
    assert sorted(rows, key=str) == sorted(
        [("stop", False, 5), ("cut_connection", True, 1000)] * (SAMPLES // 2), key=str
    )

    assert first.release is not None
    opened = cotfactory.open_release(first.release.path)
    assert opened.table("sft").num_rows <= SAMPLES // 2
    assert set(opened.table("sft").column("finish_reason").to_pylist()) == {"stop"}
    assert opened.table("all_graded").num_rows == SAMPLES

    asked = len(bodies)
    again = cotfactory.run(recipe, workspace)
    assert (again.teacher_calls, again.reused, len(bodies)) == (0, SAMPLES, asked)
