import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cotfactory.generators.local_teachers.local_server import running
from cotfactory.generators.local_teachers.replay_teacher import replay_app
from cotfactory.generators.local_teachers.simulated_teacher import simulated_app
from cotfactory.schemas.errors import RecordingError, TeacherUnavailable
from cotfactory.schemas.teacher_spec import StudentShares

EMPTY_TEACHER = partial(simulated_app, (), {"student": StudentShares()})


def answers(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_a_server_answers_inside_its_context_and_is_gone_after_it() -> None:
    with running(EMPTY_TEACHER) as base_url:
        assert base_url.startswith("http://127.0.0.1:")
        assert base_url.endswith("/v1")
        assert answers(base_url)
    assert not answers(base_url)


def test_a_server_is_gone_after_an_error_in_its_context() -> None:
    with pytest.raises(RuntimeError, match="ours"), running(EMPTY_TEACHER) as base_url:
        raise RuntimeError("ours")
    assert not answers(base_url)


def test_two_servers_do_not_meet() -> None:
    with running(EMPTY_TEACHER) as first, running(EMPTY_TEACHER) as second:
        assert first != second
        assert answers(first)
        assert answers(second)


def test_an_error_of_the_app_reaches_the_caller(tmp_path: Path) -> None:
    missing = tmp_path / "missing.jsonl"
    with (
        pytest.raises(RecordingError, match=r"no recordings file .*missing\.jsonl - check the path"),
        running(partial(replay_app, missing)),
    ):
        pass


def test_a_child_that_breaks_is_reported_not_waited_for() -> None:
    with pytest.raises(TeacherUnavailable, match="before it answered"), running(partial(int, "not a port")):  # type: ignore[arg-type]
        pass


PARENT = textwrap.dedent(
    """
    import sys, time
    from functools import partial
    from cotfactory.generators.local_teachers.local_server import running
    from cotfactory.generators.local_teachers.simulated_teacher import simulated_app
    from cotfactory.schemas.teacher_spec import StudentShares

    if __name__ == "__main__":
        with running(partial(simulated_app, (), {"student": StudentShares()})) as base_url:
            print(base_url, flush=True)
            sys.stdin.read()
    """
)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
    ) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        assert answers(base_url)
        parent.send_signal(how)
        parent.wait()
        assert eventually(lambda: not answers(base_url))


SERVE = (
    "from pathlib import Path; import sys; "
    "from cotfactory.generators.local_teachers.replay_teacher import serve_replay; {}"
)


def serve(recordings: Path, port: int) -> "subprocess.Popen[str]":
    call = "serve_replay(Path(sys.argv[1]), int(sys.argv[2]), lambda text: print(text, flush=True))"
    return subprocess.Popen(
        [sys.executable, "-c", SERVE.format(call), str(recordings), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )


RECORDING = '{"problem_id": "p", "question": "How many eggs?", "model": "m", "sample": 0, "response": "A: 3"}\n'


def test_ctrl_c_ends_a_served_replay_cleanly(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(RECORDING)
    with serve(path, 0) as server:
        assert server.stdout is not None
        announced = server.stdout.readline()
        base_url = announced.split(" is served at ")[1].split(" - ")[0]
        assert answers(base_url)
        server.send_signal(signal.SIGINT)
        out, err = server.communicate()
    assert server.returncode == 0
    assert (out, err) == ("", "")


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(RECORDING)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serve(path, port) as server:
            _, err = server.communicate()
    assert server.returncode != 0
    assert f"InputError: port {port} of 127.0.0.1 cannot be had: Address already in use - choose another port" in err
