import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from cotfactory.generators.local_teachers.local_server import running

pytest.importorskip("torch")

QUESTION = "From left to right: 4+3*2-9+1*5-2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from cotfactory.generators.students.serve_student import student_app
    from cotfactory.generators.students.train_student import train_base

    folder = tmp_path_factory.mktemp("students")
    train_base(folder / "first", seed=1, steps=2)
    with running(partial(student_app, folder)) as base_url:
        yield base_url


def ask(server: str, **changes: Any) -> Any:
    body = {"model": "first", "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 12, "seed": 5}
    request = urllib.request.Request(
        f"{server}/chat/completions", json.dumps(body | changes).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def texts(reply: Any) -> list[str]:
    return [choice["message"]["content"] for choice in reply["choices"]]


def test_a_seed_gives_the_same_answer_beside_whatever_is_sampled_with_it(server: str) -> None:
    several = texts(ask(server, n=4))
    alone = [texts(ask(server, seed=5 + number))[0] for number in range(4)]
    assert several == alone
    assert len(set(several)) == 4


def test_without_warmth_all_answers_are_the_likeliest(server: str) -> None:
    assert len(set(texts(ask(server, n=4, temperature=0)))) == 1


def test_an_answer_at_its_limit_is_cut(server: str) -> None:
    reply = ask(server, n=2, max_tokens=1)
    assert {choice["finish_reason"] for choice in reply["choices"]} <= {"length", "stop"}
    assert len(texts(reply)) == 2


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"model": "another"}, 404),
        ({"model": ".."}, 404),  # no way out of the folder
        ({"messages": [{"role": "user", "content": "What is love?"}]}, 400),
        ({"n": 0}, 400),
        ({"n": 100_000}, 400),
        ({"n": 2, "stream": True}, 400),
        ({"temperature": "warm"}, 400),
    ],
)
def test_what_it_cannot_answer_is_refused(server: str, changes: dict[str, Any], status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(server, **changes)
    assert refused.value.code == status
