"""The reward of this release's `rl` rows, asked of the graders that made them. Standard library only.

verl: `reward.custom_reward_function.path=rl/reward.py reward.custom_reward_function.name=compute_score`.
TRL: `GRPOTrainer(reward_funcs=graded, ...)`. The environment says the rest:
COTFACTORY_REWARD_URL: where `cotfactory serve RELEASE` listens; without it COTFACTORY_SERVE (`cotfactory serve`, with
options) is run on COTFACTORY_RELEASE (where this file lies), for as long as this process lives.
COTFACTORY_TOKEN: what the server asks for. COTFACTORY_ANY_VERSION=1: take verdicts of other grader versions too.
COTFACTORY_UNGRADED_REWARD: what `compute_score` returns where there is no verdict, instead of raising.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import random
import shlex
import socket
import subprocess
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GRADER_VERSIONS: dict[str, str] = {}  # of the graders that judged what this release holds
BATCH, UNGRADED_TRIES, RETRIED, TIMEOUT_S, START_S = 64, 3, {408, 429, 500, 502, 503, 504}, 300.0, 60.0
PATIENCE_S = float(os.environ.get("COTFACTORY_REWARD_PATIENCE_S", "120"))  # while the server is busy or away


class GradingUnavailable(RuntimeError):
    """Nobody could say whether an answer is right: that is no reward of 0, and no fault of the policy."""


class GradingRefused(RuntimeError):
    """The server refuses: other grader versions (409), an unknown problem (404), a missing token (401)."""


def compute_score(data_source: str, solution_str: str, ground_truth: Any, extra_info: Any = None, **_: Any) -> float:
    """Return a completion's reward for verl; `extra_info` is the row's. Raises GradingUnavailable, GradingRefused."""
    problem_id = (extra_info or {}).get("problem_id")
    if not isinstance(problem_id, str):
        raise GradingRefused("extra_info has no problem_id: expected that of a row of this release")
    for attempt in range(UNGRADED_TRIES):
        reward: float | None = ask([problem_id], [solution_str])["rewards"][0]
        if reward is not None:
            return reward
        time.sleep(_pause_s(attempt, None))
    if "COTFACTORY_UNGRADED_REWARD" in os.environ:
        return float(os.environ["COTFACTORY_UNGRADED_REWARD"])
    raise GradingUnavailable(f"an answer to problem {problem_id} got no reward in {UNGRADED_TRIES} tries")


async def graded(prompts: Any, completions: Any, problem_id: Any, **columns: Any) -> list[float | None]:
    """Return a batch's rewards for TRL, None where there is no verdict: it leaves those out. Raises GradingRefused."""
    said = [_said(completion) for completion in completions]
    step = getattr(columns.get("trainer_state"), "global_step", None)
    batches = [slice(start, start + BATCH) for start in range(0, len(said), BATCH)]
    asked = [asyncio.to_thread(_ask_or_none, list(problem_id[batch]), said[batch], step) for batch in batches]
    return [reward for rewards in await asyncio.gather(*asked) for reward in rewards]


def ask(ids: list[str], completions: list[str], *, reasonings: Any = (), **more: Any) -> dict[str, list[Any]]:
    """Return `{rewards, verdicts, ...}` in the order given, None for what is ungraded; `more`: finish_reasons, step."""
    body = {"problem_ids": ids, "completions": completions, "reasonings": reasonings if any(reasonings) else None}
    body |= more | {"grader_versions": None if os.environ.get("COTFACTORY_ANY_VERSION") == "1" else GRADER_VERSIONS}
    sent = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
    attempt, deadline = 0, time.monotonic() + PATIENCE_S
    while True:
        wait: str | None = None
        try:
            status, wait, said = _http(_server(), "/rewards", sent, TIMEOUT_S)
            failure = f"HTTP {status}: {said[:500].decode('utf-8', 'replace')}"
            if status == 200 and len((reply := json.loads(said))["rewards"]) == len(ids):
                return dict(reply)
            if status != 200 and status not in RETRIED:
                raise GradingRefused(failure)
        except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
            failure = f"{type(error).__name__}: {error}"
        pause_s = _pause_s(attempt, wait)
        if time.monotonic() + pause_s > deadline:
            raise GradingUnavailable(f"{_server()} gave no rewards for {PATIENCE_S:g} s: {failure}")
        time.sleep(pause_s)
        attempt += 1


def _ask_or_none(ids: list[str], said: list[tuple[str, str | None]], step: Any) -> list[float | None]:
    try:
        return ask(ids, [text for text, _ in said], reasonings=[thought for _, thought in said], step=step)["rewards"]
    except GradingUnavailable:
        return [None for _ in said]


def _said(completion: Any) -> tuple[str, str | None]:
    """Return the text and, where it stands apart, the thinking of a completion: a text or a list of messages."""
    if isinstance(completion, str):
        return completion, None
    return completion[-1].get("content") or "", completion[-1].get("reasoning_content")


def _http(url: str, path: str, body: bytes | None, timeout_s: float) -> tuple[int, str | None, bytes]:
    """Return status, Retry-After and content. The server is near: no proxy is asked."""
    token, place = os.environ.get("COTFACTORY_TOKEN"), urlsplit(url)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    connect = HTTPSConnection if place.scheme == "https" else HTTPConnection
    with closing(connect(place.netloc, timeout=timeout_s)) as connection:
        connection.request("GET" if body is None else "POST", place.path + path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.headers["Retry-After"], reply.read()


def _pause_s(attempt: int, asked: str | None) -> float:
    pause_s: float = min(30.0, 0.25 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
    return max(pause_s, float(asked)) if asked and asked.isdecimal() else pause_s


def _server() -> str:
    # The lock is not this module's: verl sends functions to its processes by value, and no lock can be sent.
    with vars(threading).setdefault("_cotfactory_starting", threading.Lock()):
        if not os.environ.get("COTFACTORY_REWARD_URL"):
            os.environ["COTFACTORY_REWARD_URL"] = _started()  # also for processes that this one starts
        return os.environ["COTFACTORY_REWARD_URL"].rstrip("/")


def _started() -> str:
    """Serve the release that this file lies in, and return where. Raises GradingUnavailable."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    release = os.environ.get("COTFACTORY_RELEASE", str(Path(__file__).absolute().parents[1]))
    program = shlex.split(os.environ.get("COTFACTORY_SERVE", "cotfactory serve"))
    url, command = f"http://127.0.0.1:{port}", [*program, release, "--port", str(port)]
    try:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603
    except OSError as error:
        raise GradingUnavailable(f"{command[0]} cannot be started: {error} - set COTFACTORY_REWARD_URL") from error
    atexit.register(server.terminate)
    for _ in range(int(START_S * 10)):
        try:
            _http(url, "/health", None, 5.0)
            return url
        except (OSError, HTTPException):
            if server.poll() is not None:
                raise GradingUnavailable(f"`{' '.join(command)}` ended with {server.returncode}") from None
            time.sleep(0.1)
    raise GradingUnavailable(f"`{' '.join(command)}` did not answer within {START_S:g} s")
