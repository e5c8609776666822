"""The example environment serves a release to OpenEnv's own client."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.serve.reward_server import serving
from tests.trainers.answers import ANSWERS
from tests.trainers.small_release import SmallRelease, verdicts
from tests.trainers.trainer_environment import TrainerEnvironment, trainer_environment

pytestmark = pytest.mark.docker

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = Path(__file__).with_name("openenv_episodes.py")
START_S = 120.0


@contextmanager
def environment_served(openenv: TrainerEnvironment, release: Path, reward_url: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    started = openenv.started(
        "uvicorn",
        *("openenv_environment:app", "--port", str(port)),
        cwd=EXAMPLES,
        RELEASE=str(release),
        COTFACTORY_REWARD_URL=reward_url,
        COTFACTORY_REWARD_PATIENCE_S="0",
        PYTHONDONTWRITEBYTECODE="1",
    )
    with started as process:
        try:
            deadline = time.monotonic() + START_S
            while not _is_up(url):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()


def _is_up(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def test_an_episode_is_an_answer_that_the_graders_judge(release: SmallRelease, tmp_path: Path) -> None:
    openenv = trainer_environment("openenv")
    ids = {source: problem for problem, source in release.source_ids.items()}
    said = tmp_path / "said.json"
    said.write_text(json.dumps([[ids[problem], text] for problem, text in ANSWERS]))
    with (
        serving(release.folder, "--no-store") as server,
        environment_served(openenv, release.folder, server.url) as url,
    ):
        seen = json.loads(openenv.run("python", SCRIPT, url, said).splitlines()[-1])
        graded = verdicts(release, ANSWERS, tmp_path)
        assert [(step["verdict"], step["reward"], step["done"]) for step in seen] == [
            (verdict, float(verdict == "correct"), True) for verdict in graded
        ]
        assert "What is 6 * 7?" in seen[0]["messages"][0]["content"]
        server.kill()
        (unjudged, *_) = json.loads(openenv.run("python", SCRIPT, url, said).splitlines()[-1])
        assert (unjudged["verdict"], unjudged["reward"], unjudged["done"]) == ("ungraded", None, True)
