"""A teacher on a fixed port of this machine: what a page that rebinds its name, and odd bodies, get of it."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cotfactory.generators.local_teachers.replay_teacher import replaying

RECORDING = {"problem_id": "p", "question": "Q?", "model": "m", "sample": 0, "response": "private"}


def asked(url: str, host: str | None, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.putrequest("POST", f"{parts.path}/chat/completions", skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    reply = connection.getresponse()
    said = reply.read()
    connection.close()
    return reply.status, said


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("localhost", 200),
        ("evil.example:{port}", 421),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:{port}", 421),
        ("localhost.evil.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
def test_a_name_that_is_not_this_machine_s_gets_nothing(tmp_path: Path, host: str, status: int) -> None:
    (tmp_path / "r.jsonl").write_text(json.dumps(RECORDING))
    question = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Q?"}], "seed": 0}).encode()
    with replaying(tmp_path / "r.jsonl") as url:
        got, said = asked(url, host.format(port=urlsplit(url).port), question)
    assert got == status
    assert (b"private" in said) == (status == 200)


ODD = {"lists": b"[" * 100_000, "objects": b'{"a":' * 100_000, "no UTF-8": b"\xff", "nothing": b"", "null": b"null"}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)  # an id is in the environment of what a test starts
def test_odd_bodies_are_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "r.jsonl").write_text(json.dumps(RECORDING))
    with replaying(tmp_path / "r.jsonl") as url:
        assert asked(url, "localhost", body)[0] == 400
