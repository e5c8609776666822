"""A tiny teacher in a process of its own: `python serve_sums.py PORT`.

It answers `What is A + B?` rightly after a while, notes each question that it has answered, and may take its time to
load (503), or not start at all.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from aiohttp import web


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--load-s", type=float, default=0.0)
    parser.add_argument("--answer-s", type=float, default=0.0)
    parser.add_argument("--log")
    parser.add_argument("--die", type=int)
    parser.add_argument("--worker", action="store_true", help="start a process that would outlive this one")
    options = parser.parse_args()
    print(f"serving on {options.port} as {os.getpid()}", flush=True)
    if options.die is not None:
        print("CUDA out of memory", flush=True)
        sys.exit(options.die)
    if options.worker:
        worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(f"worker {worker.pid}", flush=True)
    loaded_at = time.monotonic() + options.load_s
    samples = 0

    def still_loading() -> web.Response | None:
        if time.monotonic() >= loaded_at:
            return None
        return web.json_response({"error": {"code": 503, "message": "Loading model"}}, status=503)

    async def models(_: web.Request) -> web.Response:
        return still_loading() or web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def complete(request: web.Request) -> web.Response:
        nonlocal samples
        body = await request.json()
        if (loading := still_loading()) is not None:
            return loading
        await asyncio.sleep(options.answer_s)
        found = re.search(r"What is (\d+) \+ (\d+)\?", str(body["messages"]))
        assert found is not None
        samples += 1
        if options.log:
            with Path(options.log).open("a") as log:
                log.write(f"{found[0]}\n")
        said = f"<think>Way {os.getpid()}-{samples}.</think>The answer is \\boxed{{{int(found[1]) + int(found[2])}}}."
        message = {"role": "assistant", "content": said}
        return web.json_response(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 30, "completion_tokens": 60, "total_tokens": 90},
            }
        )

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/models", models)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None)


if __name__ == "__main__":
    main()
