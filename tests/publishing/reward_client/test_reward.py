"""The reward that a release carries, run in the release folder: what it asks, tries again, and never calls a zero."""

import asyncio
import importlib.util
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release import write_release
from cotfactory.publishing.release_folder import open_release
from cotfactory.publishing.reward_client.released_client import reward_client
from cotfactory.schemas.errors import PublishError
from tests.publishing.made_groups import made_facts, made_mixed_group, made_recipe
from tests.publishing.reward_client.reward_server import RELEASED, RewardServer, reward_server

INFO = {"index": 1, "split": "train", "problem_id": "p-1"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with `rl` rows; nobody changes it."""
    place = tmp_path_factory.mktemp("workspace")
    problems = [(made_mixed_group(number),) for number in range(3)]
    recipe, facts = made_recipe("sft", "rl"), made_facts(problems=problems)
    return write_release("ducks", iter(problems), recipe, facts, place / "releases", place / "staging").path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RewardServer]:
    with reward_server() as running:
        monkeypatch.setenv("COTFACTORY_REWARD_URL", f"{running.url}/")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody: a reward server is asked directly
        yield running


@pytest.fixture
def client(release: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file of the release as a module of its own, without its pauses."""
    spec = importlib.util.spec_from_file_location("released_reward", release / "rl" / "reward.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "GRADER_VERSIONS", dict(RELEASED))
    monkeypatch.setattr(module, "_pause_s", lambda attempt, asked: 0.0)
    return module


def score(client: ModuleType, said: str, problem_id: str = "p-1") -> float:
    reward = client.compute_score("lighteval/MATH", said, "42", {**INFO, "problem_id": problem_id}, reward_router=None)
    assert isinstance(reward, float)
    return reward


def grade(client: ModuleType, *said: Any, **columns: Any) -> list[float | None]:
    prompts, ids = ["What is 6 * 7?"] * len(said), ["p-1"] * len(said)
    rewards: list[float | None] = asyncio.run(client.graded(prompts, list(said), ids, **columns))
    return rewards


def test_it_is_a_file_of_the_release(release: Path) -> None:
    manifest = read_manifest(release)

    assert "rl/reward.py" in {file.path for file in manifest.files}
    assert "rl/reward.py" in open_release(release).files
    assert (release / "rl" / "reward.py").read_text().count("\n") <= 150
    assert "reward.py" in (release / "README.md").read_text()


def test_it_names_the_graders_of_its_rows_alone(release: Path) -> None:
    """A server of these rows has no others, and would refuse: here `text` judged something that has no row."""
    judged = {("math", "4"): 1, ("math", "5"): 9, ("text", "3"): 100}

    text = reward_client(sorted((release / "rl").glob("*.parquet")), judged)

    assert 'GRADER_VERSIONS: dict[str, str] = {"math": "5"}' in text


def test_a_changed_reward_does_not_leave(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    subprocess.run(["cp", "-r", release, copy], check=True)
    (copy / "rl" / "reward.py").write_text("def compute_score(*_, **__): return 1.0\n")

    with pytest.raises(PublishError, match=r"rl/reward\.py was changed"):
        open_release(copy)


def test_it_does_not_change_the_rows(release: Path, tmp_path: Path) -> None:
    """A release without `rl` has no reward, and the hash of rows knows nothing of it."""
    problems = [(made_mixed_group(number),) for number in range(3)]
    facts = made_facts(problems=problems)
    place = tmp_path / "releases", tmp_path / "staging"
    made = write_release("plain", iter(problems), made_recipe("sft"), facts, *place)
    again = write_release("ducks", iter(problems), made_recipe("sft", "rl"), facts, *place)

    assert not (made.path / "rl").exists()
    assert again.rows_sha == read_manifest(release).rows_sha


def test_it_runs_where_nothing_is_installed(release: Path, server: RewardServer) -> None:
    server.known = {}
    code = (
        "import asyncio, sys; sys.path.insert(0, '.'); import reward\n"
        "info = {'problem_id': 'p-1'}\n"
        "print(reward.compute_score('x', '42', '42', info), reward.compute_score('x', '41', '42', info))\n"
        "print(asyncio.run(reward.graded(['q'], [[{'role': 'assistant', 'content': '42'}]], problem_id=['p-1'])))\n"
        "print(reward.GRADER_VERSIONS)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code],  # without site-packages
        cwd=release / "rl",
        capture_output=True,
        text=True,
        env={"COTFACTORY_REWARD_URL": server.url},
        check=False,
    )

    assert done.stderr == ""
    scores, rewards, versions = done.stdout.splitlines()
    assert (scores, rewards) == ("1.0 0.0", "[1.0]")
    assert server.bodies[0]["grader_versions"] == eval(versions)
    assert server.bodies[0]["grader_versions"], "the release names no grader"


def test_what_is_asked(client: ModuleType, server: RewardServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTFACTORY_TOKEN", "t")
    said = [{"role": "assistant", "content": "42", "reasoning_content": "6 * 7"}]

    assert grade(client, said, "41", trainer_state=SimpleNamespace(global_step=7), solution=["", ""]) == [1.0, 0.0]
    assert server.bodies == [
        {
            "problem_ids": ["p-1", "p-1"],
            "completions": ["42", "41"],
            "reasonings": ["6 * 7", None],
            "grader_versions": RELEASED,
            "step": 7,
        }
    ]
    assert server.tokens == ["Bearer t"]


def test_large_batches_are_asked_in_parts_and_come_back_in_order(client: ModuleType, server: RewardServer) -> None:
    said = [str(40 + number % 4) for number in range(300)]

    assert grade(client, *said) == [float(text == "42") for text in said]
    assert {len(body["completions"]) for body in server.bodies} == {64, 300 % 64}
    assert grade(client) == []


@pytest.mark.parametrize("failure", [408, 429, 500, 502, 503, 504, "reset", "page"])
def test_what_is_tried_again(client: ModuleType, server: RewardServer, failure: int | str) -> None:
    server.plan = [failure, failure]

    assert score(client, "42") == 1.0
    assert len(server.bodies) == 3


@pytest.mark.parametrize("failure", [503, "reset", "page"])
def test_a_server_that_stays_away_is_no_zero(
    client: ModuleType, server: RewardServer, failure: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", -1.0)
    server.plan = [failure] * 2

    with pytest.raises(client.GradingUnavailable, match="gave no rewards"):
        score(client, "42")
    assert grade(client, "42") == [None]


def test_a_server_that_is_not_there_is_no_zero(client: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", -1.0)
    monkeypatch.setenv("COTFACTORY_REWARD_URL", "http://127.0.0.1:9")

    with pytest.raises(client.GradingUnavailable):
        score(client, "42")
    assert grade(client, "42", "41") == [None, None]


def test_a_wait_that_is_asked_for_is_kept(release: Path, client: ModuleType) -> None:
    spec = importlib.util.spec_from_file_location("unpatched_reward", release / "rl" / "reward.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module._pause_s(0, "7") == 7.0
    assert 0 < module._pause_s(0, "Wed, 21 Oct 2026 07:28:00 GMT") <= 0.25  # a date: as if nothing was asked for
    assert 15 <= module._pause_s(1_000, None) <= 30


def test_ungraded_is_asked_again_and_is_never_a_zero(
    client: ModuleType, server: RewardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.plan = ["null"]
    assert score(client, "42") == 1.0

    with pytest.raises(client.GradingUnavailable, match="p-1 got no reward"):
        score(client, "a bomb")
    assert grade(client, "a bomb", "42") == [None, 1.0]
    monkeypatch.setenv("COTFACTORY_UNGRADED_REWARD", "-0.5")
    assert score(client, "a bomb") == -0.5


def test_other_grader_versions_are_refused(
    client: ModuleType, server: RewardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.known = {"math": "6"}

    with pytest.raises(client.GradingRefused, match=r"HTTP 409: .*other grader versions"):
        score(client, "42")
    with pytest.raises(client.GradingRefused, match="409"):
        grade(client, "42")
    assert len(server.bodies) == 2, "a refusal was tried again"
    monkeypatch.setenv("COTFACTORY_ANY_VERSION", "1")
    assert score(client, "42") == 1.0


def test_its_functions_go_to_another_process_by_value(client: ModuleType, server: RewardServer, tmp_path: Path) -> None:
    """So verl sends them to Ray's processes, where the file is no module: no lock and no socket may be among them."""
    sent = tmp_path / "sent"
    sent.write_bytes(cloudpickle.dumps(client.compute_score))
    load = "import pickle, sys; score = pickle.load(open(sys.argv[1], 'rb'))"
    code = f"{load}; print(score('', '42', '', {{'problem_id': 'p'}}))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(sent)],
        capture_output=True,
        text=True,
        env={**os.environ, "COTFACTORY_REWARD_URL": server.url},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1.0\n", "")


def test_an_unknown_problem_is_refused(client: ModuleType, server: RewardServer) -> None:
    with pytest.raises(client.GradingRefused, match=r"404: .*'unknown'"):
        score(client, "42", "unknown")
    with pytest.raises(client.GradingRefused, match="no problem_id"):
        client.compute_score("lighteval/MATH", "42", "42", None)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Put a program in the place of `cotfactory`; no server is configured."""
    monkeypatch.delenv("COTFACTORY_REWARD_URL", raising=False)

    def install(code: str) -> None:
        program = tmp_path / "program"
        program.write_text(f"#!{sys.executable}\n{code}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("COTFACTORY_SERVE", str(program))

    yield install
    os.environ.pop("COTFACTORY_REWARD_URL", None)  # the client sets it for processes that it starts


def test_it_starts_a_server_of_its_release(release: Path, command: Callable[[str], None], tmp_path: Path) -> None:
    command(
        "import json, os, sys\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        f"open({str(tmp_path / 'told')!r}, 'w').write(json.dumps([os.getpid(), *sys.argv[1:]]))\n"
        "class Handler(BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.answer({})\n"
        "    def do_POST(self): self.rfile.read(int(self.headers['Content-Length'])); self.answer({'rewards': [1.0]})\n"
        "    def answer(self, told):\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps(told).encode())\n"
        "    def log_message(self, *_): pass\n"
        "HTTPServer(('127.0.0.1', int(sys.argv[-1])), Handler).serve_forever()\n"
    )
    code = "import reward; info = {'problem_id': 'p'}; print([reward.compute_score('', '', '', info) for _ in 'ab'])"

    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=release / "rl", capture_output=True, text=True, check=False
    )

    assert done.stdout == "[1.0, 1.0]\n", done.stderr
    process_id, *arguments = json.loads((tmp_path / "told").read_text())
    assert arguments[:2] == [str(release), "--port"]
    assert not Path(f"/proc/{process_id}").exists() or "Z" in Path(f"/proc/{process_id}/stat").read_text().split()[2]


def test_a_server_that_does_not_start_is_told(client: ModuleType, command: Callable[[str], None]) -> None:
    command("raise SystemExit(2)")
    with pytest.raises(client.GradingUnavailable, match="ended with 2"):
        score(client, "42")
    os.environ["COTFACTORY_SERVE"] = "/nowhere/cotfactory"
    with pytest.raises(client.GradingUnavailable, match="COTFACTORY_REWARD_URL"):
        score(client, "42")
