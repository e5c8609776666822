"""A student without a model: how many rows it has seen is all that it knows.

`train RELEASE OUT`, `forget RELEASE OUT`, `serve OUT PORT LOG`.

It answers `What is A + B?`, the better the more rows it has seen, and notes each question that it has answered.
"""

import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def train(release: Path, out: Path) -> None:
    """Write down how many rows there were to learn from; the first time, leave half of it and die."""
    half = out.parent.parent / "half"
    if half.exists():
        half.unlink()
        (out / "rows").write_text("9")
        os.kill(os.getpid(), signal.SIGKILL)
    manifest = json.loads((release / "manifest.json").read_text())
    (out / "rows").write_text(str(manifest["rows"]["sft"]))
    print("learned", flush=True)


class Student(BaseHTTPRequestHandler):
    """Answers one request."""

    rows, log = 0, ""

    def do_GET(self) -> None:
        self._say({"data": [{"id": "student", "object": "model"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question, seed = asked["messages"][-1]["content"], asked.get("seed") or 0
        a, b = map(int, re.findall(r"\d+", question)[:2])
        with Path(self.log).open("a") as log:
            log.write(f"{asked['model'].partition('.')[0]} {a} {b} {seed}\n")
        total = a + b if (7 * seed + a) % 5 < (2 if self.rows == 0 else 4) else a + b + 1
        said = f"<think>Way {seed} {self.rows}: {a} + {b} = {total}</think>The answer is \\boxed{{{total}}}."
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
        self._say(
            {"id": "x", "object": "chat.completion", "model": asked["model"], "choices": [choice], "usage": usage}
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""

    def _say(self, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    if sys.argv[1] == "forget":
        Path(sys.argv[3], "rows").write_text("0")
    elif sys.argv[1] == "train":
        train(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        known = Path(sys.argv[2]) / "rows"
        Student.rows, Student.log = int(known.read_text()) if known.exists() else 0, sys.argv[4]
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Student).serve_forever()
