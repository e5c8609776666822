"""A server of `POST /rewards` on loopback that answers by plan, for the client that releases carry."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RELEASED = {"math": "5"}


@dataclass
class RewardServer:
    """Rewards an answer that holds `42`; before that it answers with `plan`: statuses, or `reset` and `null`."""

    url: str = ""
    plan: list[int | str] = field(default_factory=list)
    retry_after: str | None = None
    known: dict[str, str] = field(default_factory=lambda: dict(RELEASED))
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, body: dict[str, Any], token: str | None) -> tuple[int | str, Any]:
        with self.lock:
            self.bodies.append(body)
            self.tokens.append(token)
            planned = self.plan.pop(0) if self.plan else 200
        if isinstance(planned, str) and planned != "null":
            return planned, None
        if isinstance(planned, int) and planned != 200:
            return planned, {"error": f"planned {planned}"}
        if wanted := {name: v for name, v in body.get("grader_versions", {}).items() if self.known.get(name, v) != v}:
            return 409, {"error": f"other grader versions: {wanted}"}
        if any(problem_id == "unknown" for problem_id in body["problem_ids"]):
            return 404, {"error": "unknown problem 'unknown'"}
        none = planned == "null"
        rewards = [None if none or "bomb" in said else float("42" in said) for said in body["completions"]]
        return 200, {"rewards": rewards, "verdicts": [], "reasons": [], "extracted_answers": [], "graders": self.known}


@contextmanager
def reward_server() -> Iterator[RewardServer]:
    server = RewardServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/rewards"
            status, told = server.reply(body, self.headers.get("Authorization"))
            if status == "reset":
                self.close_connection = True
                return
            text = b"<html>" if status == "page" else json.dumps(told).encode()
            self.send_response(200 if status == "page" else int(status))
            if server.retry_after is not None and status != 200:
                self.send_header("Retry-After", server.retry_after)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
