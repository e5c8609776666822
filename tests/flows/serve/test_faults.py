"""What fails while rewards are served: the server itself, killed in the middle of batches; the Docker engine."""

import json
import tempfile
import threading
import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from tests.flows.serve.reward_server import RewardServer, serving
from tests.graders.sandbox.engine_line import engine_line

BATCH = 16
LIFETIMES = 5
PRODUCT = {"id": "product", "question": "What is 6 * 7?", "answer": "42", "answer_kind": "math"}
DOUBLE = {
    "id": "double",
    "question": "Write f(n), the double of n.",
    "answer": "",
    "answer_kind": "code",
    "tests": {"kind": "calls", "entry_point": "f", "cases": [{"args": [4], "expected": 8}]},
}
NEAR = {
    "id": "near",
    "question": "Write a class Pair and kind(x), the name of the class of x.",
    "answer": "",
    "answer_kind": "code",
    "tests": {"kind": "assert", "code": "assert kind(Pair()) == 'Pair'"},
}
"""Its tests need the program's own class: they run beside the program, which could forge what they say."""
PAIR = "```python\nclass Pair: pass\ndef kind(x):\n    return type(x).__name__\n```"
RIGHT, WRONG = "```python\ndef f(n):\n    return 2 * n\n```", "```python\ndef f(n):\n    return n\n```"


def written(folder: Path, *problems: dict[str, Any]) -> Path:
    path = folder / "problems.jsonl"
    path.write_text("".join(json.dumps(problem) + "\n" for problem in problems))
    return path


def post_until_it_dies(server: RewardServer, name: str, answered: list[str], enough: threading.Event) -> None:
    """Post batches, and note the texts of those that were answered for."""
    number = 0
    while True:
        texts = [f"{name}-{number + place}: \\boxed{{{42 + place % 2}}}" for place in range(BATCH)]
        number += BATCH
        try:
            reply = server.post("/rewards", {"problem_ids": ["product"] * BATCH, "completions": texts})
        except (OSError, urllib.error.URLError, HTTPException):
            return
        assert reply.status == 200
        assert reply.body["rewards"] == [1.0, 0.0] * (BATCH // 2)
        answered += texts
        if len(answered) >= 20 * BATCH:
            enough.set()


def test_what_was_answered_for_is_there_once_after_five_kills_in_the_middle_of_batches(tmp_path: Path) -> None:
    problems, workspace = written(tmp_path, PRODUCT), tmp_path / "w"
    answered: list[str] = []
    for lifetime in range(LIFETIMES):
        with serving(problems, "--workspace", str(workspace), "--seal-every", "0.3") as server:
            here: list[str] = []
            enough = threading.Event()
            clients = [
                threading.Thread(target=post_until_it_dies, args=(server, f"{lifetime}-{client}", here, enough))
                for client in range(3)
            ]
            for client in clients:
                client.start()
            assert enough.wait(120)
            server.kill()
            for client in clients:
                client.join()
            answered += here
    with serving(problems, "--workspace", str(workspace)):
        pass  # what the last one left is sealed and graded
    rows = cotfactory.sql(
        workspace,
        """SELECT response, candidate_id, verdict, reward FROM candidates
           JOIN grades USING (candidate_id, problem_id) JOIN rewards USING (candidate_id, problem_id)""",
    ).to_pylist()
    kept = Counter(row["response"] for row in rows)
    assert [text for text in answered if text not in kept] == []
    assert [text for text, count in kept.items() if count > 1] == []
    assert len({row["candidate_id"] for row in rows}) == len(rows)
    assert len(answered) <= len(rows) <= len(answered) + LIFETIMES * 3 * BATCH  # and what was on its way
    assert all(row["reward"] == (1.0 if "{42}" in row["response"] else 0.0) for row in rows)


@pytest.mark.docker
def test_programs_are_served_and_without_an_engine_nothing_is_a_zero(tmp_path: Path) -> None:
    problems = written(tmp_path, PRODUCT, DOUBLE, NEAR)
    # Not under tmp_path: the path of a socket may have 107 bytes.
    options = ("--no-store", "--wait-for-programs", "10")
    with (
        tempfile.TemporaryDirectory(prefix="cotf-") as home,
        engine_line(Path(home)) as line,
        serving(problems, *options, DOCKER_HOST=line.url) as server,
    ):
        reply = server.rewards(["double", "double", "product"], [RIGHT, WRONG, "\\boxed{42}"])
        assert reply["rewards"] == [1.0, 0.0, 1.0]
        weak = server.rewards(["near"], [PAIR])
        assert (weak["rewards"], weak["verdicts"], weak["reasons"]) == ([None], ["correct"], ["weak_check"])
        assert server.post("/slime", {"response": PAIR, "label": "near"}).status == 422  # not 503: it would stay so
        line.cut()
        asked = (  # all at once: each waits as long as --wait-for-programs says
            (
                "/rewards",
                {"problem_ids": ["double", "double", "product"], "completions": [RIGHT, WRONG, "\\boxed{42}"]},
            ),
            ("/slime", {"response": RIGHT, "label": "double"}),
            ("/verify", {"problem_id": "double", "response": {"output": [{"type": "message", "content": RIGHT}]}}),
        )
        with ThreadPoolExecutor(len(asked)) as clients:
            batch, strict, verified = clients.map(lambda route_and_body: server.post(*route_and_body), asked)
        assert batch.body["rewards"] == [None, None, 1.0]
        assert batch.body["verdicts"][:2] == ["ungraded"] * 2
        assert (strict.status, strict.headers["Retry-After"]) == (503, "1")
        masked = verified.body
        assert (masked["mask_sample"], masked["failure_kind"]) == (True, "provider_unavailable")
        assert (masked["instance_config"]["mask_sample"], masked["_ng_failure_class"]) == (True, "judge_failed")
