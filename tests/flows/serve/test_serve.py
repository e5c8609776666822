import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cotfactory
from cotfactory.flows.inspect.grade_recordings import grade_recordings
from cotfactory.flows.serve.served_problems import served_problems
from cotfactory.schemas.errors import InputError, ProblemSourceError
from tests.flows.serve.reward_server import RewardServer, serving

PROBLEMS: list[dict[str, Any]] = [
    {"id": "product", "question": "What is 6 * 7?", "answer": "42", "answer_kind": "math", "domain": "products"},
    {"id": "root", "question": "Simplify.", "answer": r"\frac{\sqrt{2}}{2}", "answer_kind": "math", "domain": "roots"},
    {"id": "prime", "question": "Which is prime?", "choices": ["4", "13"], "answer": "B", "answer_kind": "choice"},
    {"id": "day", "question": "Which day follows Monday?", "answer": "Tuesday", "answer_kind": "text"},
]
ANSWERS = [
    ("product", "So it is \\boxed{42}."),
    ("product", "6 * 7 = 44, so \\boxed{42}."),
    ("product", "So it is \\boxed{41}."),
    ("product", "I do not know."),
    ("product", "<think>6 * 7 is 42, or \\boxed{41}?</think>It is 42."),
    ("product", ""),
    ("root", r"\boxed{\frac{1}{\sqrt{2}}}"),  # equal by algebra only
    ("root", r"\boxed{\sqrt{\frac{1}{2}}}"),
    ("root", r"\boxed{\frac{1}{\sqrt{3}}}"),
    ("prime", "The answer is (B)."),
    ("prime", "The answer is (A)."),
    ("day", "\\boxed{tuesday}"),
    ("day", "\\boxed{Wednesday}"),
]
BOMB = r"\boxed{\int_0^{1} \sin(x^{x^{x}}) e^{\cos(x^{7})} dx}"
"""No worker comes to its end. What is refused before it reaches one would be no bomb."""
BOMB_REASONS = ("unserved", "timeout")


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "problems.jsonl"
    path.write_text("".join(json.dumps(problem) + "\n" for problem in PROBLEMS))
    return path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def server(problems: Path, workspace: Path) -> Iterator[RewardServer]:
    with serving(problems, "--workspace", str(workspace), "--seal-every", "0.2") as running:
        yield running


def verify_body(problem: str, text: str, **more: object) -> dict[str, Any]:
    output = [{"type": "message", "content": [{"type": "output_text", "text": text}]}]
    return {"problem_id": problem, "responses_create_params": {"input": []}, "response": {"output": output}, **more}


def graded(problems: Path, answers: list[tuple[str, str]], folder: Path) -> list[dict[str, Any]]:
    """Return what `cotfactory grade` says of answers."""
    recordings, out = folder / "recordings.jsonl", folder / "grades.jsonl"
    lines = (
        {"problem_id": problem, "question": "Q", "model": "m", "sample": number, "response": text}
        for number, (problem, text) in enumerate(answers)
    )
    recordings.write_text("".join(json.dumps(line) + "\n" for line in lines))
    grade_recordings(problems, recordings, out)
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_rewards_are_what_grade_says(server: RewardServer, problems: Path, tmp_path: Path) -> None:
    expected = graded(problems, ANSWERS, tmp_path)
    reply = server.rewards([problem for problem, _ in ANSWERS], [text for _, text in ANSWERS])
    assert reply["verdicts"] == [grade["verdict"] for grade in expected]
    assert reply["reasons"] == [grade["reason"] for grade in expected]
    assert reply["extracted_answers"] == [grade["extracted_answer"] for grade in expected]
    assert {"correct", "incorrect", "no_answer"} <= set(reply["verdicts"])
    assert reply["rewards"] == [1.0 if verdict == "correct" else 0.0 for verdict in reply["verdicts"]]
    assert reply["wrong_steps"][1] == "6 * 7 = 44"
    for (problem, text), verdict in zip(ANSWERS, reply["verdicts"], strict=True):
        assert server.post("/verify", verify_body(problem, text)).body["verdict"] == verdict


def test_a_problem_is_known_by_its_content_id_too(server: RewardServer) -> None:
    rows = [json.loads(line) for line in server.get("/rows.jsonl").body.splitlines()]
    assert len(rows) == len(PROBLEMS)
    assert "42" not in json.dumps(rows[0])  # the reference answer stays here
    assert "What is 6 * 7?" in rows[0]["responses_create_params"]["input"][0]["content"]
    reply = server.post("/verify", {**rows[0], **verify_body(rows[0]["problem_id"], "\\boxed{42}")}).body
    assert (reply["reward"], reply["agent_ref"]) == (1.0, rows[0]["agent_ref"])


def test_the_other_wires_answer_in_their_shapes(server: RewardServer) -> None:
    assert server.post("/slime", {"prompt": "Q", "response": "\\boxed{42}", "label": "product"}).body == 1.0
    body = {"query": ["Q\\boxed{42}", "Q\\boxed{1}"], "prompts": ["Q", "Q"], "labels": ["product", "product"]}
    assert server.post("/openrlhf", body).body["rewards"] == [1.0, 0.0]
    for prefix in ("", "/strict"):
        assert server.get(f"{prefix}/reverify_mode").body == "stateless"
        assert server.post(f"{prefix}/seed_session", {"resources_session_id": "s"}).body == {
            "resources_session_id": "s"
        }
        assert server.post(f"{prefix}/close_session", {}).body == {}
        reply = server.post(f"{prefix}/verify", verify_body("product", "\\boxed{42}")).body
        metrics = server.post(f"{prefix}/aggregate_metrics", {"verify_responses": [reply]}).body
        assert metrics["key_metrics"] == {"mean/reward": 1.0, "masked": 0}
    assert "cotfactory_rollouts_total" in server.get("/metrics").body


def test_what_is_ungraded_is_masked_and_strict_clients_are_told_to_come_again(server: RewardServer) -> None:
    # The policy's own server broke it off: nobody knows what it would have said.
    broken = verify_body("product", "\\boxed{4")
    broken["response"]["status"] = "failed"
    reply = server.post("/verify", broken)
    assert (reply.status, reply.body["mask_sample"], reply.body["failure_kind"]) == (200, True, "verifier_error")
    strict = server.post("/strict/verify", broken)
    assert (strict.status, strict.headers["Retry-After"]) == (503, "1")
    assert server.rewards(["product"], ["x"], finish_reasons=["error"])["rewards"] == [None]


@pytest.mark.parametrize(
    ("route", "body", "status", "told"),
    [
        ("/rewards", {"problem_ids": ["nobody's"], "completions": ["1"]}, 404, "nobody's"),
        ("/verify", {"problem_id": "nobody's", "response": {"output": []}}, 404, "nobody's"),
        ("/slime", {"response": "1", "label": "nobody's"}, 404, "nobody's"),
        ("/rewards", b"{", 400, "not JSON"),
        ("/rewards", {"problem_ids": ["product"]}, 400, "`completions`"),
        ("/rewards", {"problem_ids": ["day"] * 2000, "completions": ["1"] * 2000}, 413, "at most 1024"),
        ("/rewards", b" " * (33 * 2**20), 413, "bytes"),
        (
            "/rewards",
            {"problem_ids": ["product"], "completions": ["1"], "grader_versions": {"math": "0"}},
            409,
            "math 0",
        ),
    ],
)
def test_what_cannot_be_rewarded_is_refused_and_told_why(
    server: RewardServer, route: str, body: object, status: int, told: str
) -> None:
    reply = server.post(route, body)
    assert reply.status == status
    assert told in json.dumps(reply.body)
    assert server.get("/health").body["status"] == "ok"


def test_a_page_that_rebinds_its_name_gets_no_rewards(server: RewardServer) -> None:
    body = {"problem_ids": ["product"], "completions": ["42"]}
    assert server.post("/rewards", body, Host="evil.example").status == 421


def test_grader_versions_that_are_ours_are_fine(server: RewardServer) -> None:
    versions = server.get("/health").body["graders"]
    assert server.rewards(["product"], ["\\boxed{42}"], grader_versions=versions)["graders"] == versions


def test_a_bomb_costs_its_own_request_only(server: RewardServer) -> None:
    bombs: list[Any] = []
    answers = [BOMB.replace("7", f"{number + 7}") for number in range(4)]
    asking = [
        threading.Thread(target=lambda text=text: bombs.append(server.rewards(["root"], [text]))) for text in answers
    ]
    for thread in asking:
        thread.start()
    beside = 0
    while any(thread.is_alive() for thread in asking):
        assert server.rewards(["product"], ["\\boxed{42}"])["rewards"] == [1.0]
        beside += 1
    assert beside > 1
    assert [bomb["rewards"] for bomb in bombs] == [[None]] * 4
    assert {bomb["reasons"][0] for bomb in bombs} <= set(BOMB_REASONS)


def test_killed_workers_are_never_a_zero(server: RewardServer) -> None:
    right = [rf"\boxed{{\frac{{{n}}}{{{n}\sqrt{{2}}}}}}" for n in range(2, 40)]
    stop = threading.Event()
    killer = threading.Thread(target=kill_children, args=(server.process.pid, stop))
    killer.start()
    try:
        rewards = [
            reward
            for n in range(0, len(right), 4)
            for reward in server.rewards(["root"] * len(right[n : n + 4]), right[n : n + 4])["rewards"]
        ]
    finally:
        stop.set()
        killer.join()
    assert set(rewards) <= {1.0, None}
    assert server.rewards(["product"], ["\\boxed{42}"])["rewards"] == [1.0]


def kill_children(parent: int, stop: threading.Event) -> None:
    """Kill whatever the server has forked, again and again."""
    while not stop.wait(0.3):
        for child in descendants(parent):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue


def descendants(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(ppid) for pid, ppid in (line.split() for line in listed.splitlines())}
    found = [parent]
    for pid in found:
        found += [child for child, of in parents.items() if of == pid]
    return found[1:]


def test_what_was_answered_for_survives_kill_9_and_is_asked_about_meanwhile(problems: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    answered = 0
    for lifetime in range(3):
        with serving(problems, "--workspace", str(workspace), "--policy", "qwen", "--seal-every", "3600") as server:
            for step in range(3):
                server.rewards(
                    ["product", "day"], [f"\\boxed{{{step}}}", "\\boxed{Tuesday}"], step=step, checkpoint="c"
                )
                answered += 2
            if lifetime < 2:
                server.kill()
    (step,) = {row["training_step"] for row in cotfactory.sql(workspace, "policy-by-step").to_pylist()} - {0, 1}
    assert step == 2
    question = """SELECT teacher, training_step, checkpoint, problem_id, sample_index, verdict, reward
                  FROM candidates JOIN grades USING (candidate_id, problem_id) JOIN rewards USING (candidate_id)"""
    rows = cotfactory.sql(workspace, question).to_pylist()
    assert len(rows) == answered
    assert {row["teacher"] for row in rows} == {"policy:qwen"}
    assert {row["checkpoint"] for row in rows} == {"c"}
    assert sorted(row["training_step"] for row in rows) == sorted([0, 1, 2] * 6)
    assert all((row["reward"] == 1.0) == (row["verdict"] == "correct") for row in rows)
    assert sum(row["verdict"] == "correct" for row in rows) == 9
    assert len({(row["problem_id"], row["sample_index"]) for row in rows}) == answered


def test_sql_answers_while_it_goes_on(server: RewardServer, workspace: Path) -> None:
    server.rewards(["day"], ["\\boxed{Tuesday}"], step=77, policy="other")
    question = "SELECT count(*) AS n FROM candidates JOIN rewards USING (candidate_id) WHERE training_step = 77"
    for _ in range(200):
        if cotfactory.sql(workspace, question).to_pylist() == [{"n": 1}]:
            return
        threading.Event().wait(0.1)
    pytest.fail("the rollout was not sealed")


def test_without_a_store_nothing_is_kept(problems: Path, tmp_path: Path) -> None:
    with serving(problems, "--workspace", str(tmp_path / "w"), "--no-store") as server:
        assert server.rewards(["product"], ["\\boxed{42}"])["rewards"] == [1.0]
    assert not (tmp_path / "w").exists()


def test_options_weigh_verdicts(problems: Path) -> None:
    with serving(problems, "--no-store", "--no-answer", "-0.1", "--require-steps") as server:
        reply = server.rewards(["product"] * 3, ["I do not know.", "6 * 7 = 44, so \\boxed{42}", "\\boxed{42}"])
        assert reply["rewards"] == [-0.1, 0.0, 1.0]


def test_a_token_is_asked_for_where_it_is_set(problems: Path) -> None:
    with serving(problems, "--no-store", COTFACTORY_TOKEN="s3cret") as server:
        assert server.get("/health").status == 200
        body = {"problem_ids": ["product"], "completions": ["\\boxed{42}"]}
        assert server.post("/rewards", body).status == 401
        assert server.post("/rewards", body, Authorization="Bearer s3cre").status == 401
        assert server.get("/rows.jsonl").status == 401
        assert server.post("/rewards", body, Authorization="Bearer s3cret").body["rewards"] == [1.0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--host", "0.0.0.0"], "COTFACTORY_TOKEN"),
        (["--policy", "a b"], "--policy"),
        (["--host", "203.0.113.1"], "COTFACTORY_TOKEN"),
    ],
)
def test_what_cannot_be_served_is_one_message(problems: Path, options: list[str], told: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COTFACTORY_TOKEN"}
    words = [sys.executable, "-m", "cotfactory", "serve", str(problems), "--no-store", *options]
    ended = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_told(problems: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = [sys.executable, "-m", "cotfactory", "serve", str(problems), "--no-store", "--port", port]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, f"port {port}" in ended.stderr) == (2, True)


def test_what_is_not_there_is_told_as_what_it_was_to_be(tmp_path: Path) -> None:
    with pytest.raises(ProblemSourceError, match=r"Problem file .*sums\.jsonl\.gz does not exist"):
        served_problems("sums.jsonl.gz", tmp_path)
    with pytest.raises(InputError, match="'sums' is no release"):
        served_problems("sums", tmp_path)
