"""Requests go out in batches and every one of them ends as a completion or as an error of the right kind, paid once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cotfactory.generators.batch.batch_api import BatchApi
from cotfactory.generators.batch.batch_teacher import BatchTeacher
from cotfactory.generators.teacher.endpoint import Endpoint
from cotfactory.generators.teacher.teacher import Request
from cotfactory.schemas.errors import (
    TeacherBadReply,
    TeacherError,
    TeacherRateLimited,
    TeacherRefused,
    TeacherRejected,
    TeacherUnavailable,
)
from cotfactory.schemas.teacher_spec import TeacherSpec
from cotfactory.schemas.teaching import Completion, Message
from tests.generators.batch_server import BatchServer, Becomes, Line, batch_server, right

T = TypeVar("T")


def spec_of(requests: int = 100, **limits: Any) -> TeacherSpec:
    return TeacherSpec.model_validate(
        {
            "name": "t",
            "model": "m",
            "sampling": {"max_tokens": 100, "seed": 10},
            "batch": {"requests": requests, "poll_s": 0.02},
            "limits": {"timeout_s": 5, "retries": 2, **limits},
        }
    )


def asking(number: int) -> Request:
    message = Message(role="user", content=f"question {number}: \u2211 \U0001f600")
    return Request(f"{number:032x}", (message,), spec_of().sampling, number, tokens=100)


class Book:
    """Keeps in memory what a book on disk would hold, and the order of what happened."""

    def __init__(self) -> None:
        self.open: dict[str, list[str]] = {}
        self.told: list[tuple[str, ...]] = []
        self.unanswered: list[str] = []
        self.reason: Exception | None = None

    def intend(self, intent: str, file_id: str, requests: Sequence[str]) -> None:
        self.open[intent] = list(requests)
        self.told.append(("intend", intent))

    def submitted(self, intent: str, batch_id: str) -> None:
        self.told.append(("submitted", intent, batch_id))

    def over(self, intent: str, unanswered: Sequence[str]) -> None:
        self.unanswered += unanswered
        del self.open[intent]

    def drop(self, intent: str) -> None:
        self.told.append(("drop", intent))
        del self.open[intent]

    def stopped(self) -> Exception | None:
        return self.reason


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with batch_server() as running:
        yield running


def with_teacher(
    server: BatchServer,
    scratch: Path,
    work: Callable[[BatchTeacher, Book], Awaitable[T]],
    spec: TeacherSpec | None = None,
) -> T:
    async def run() -> T:
        book = Book()
        endpoint = Endpoint(server.base_url, "secret")
        async with BatchTeacher(spec or spec_of(), endpoint, book, scratch, lambda _: None) as teacher:
            return await asyncio.wait_for(work(teacher, book), 30)

    found = asyncio.run(run())
    assert not list(scratch.iterdir())
    return found


def ask(
    server: BatchServer, scratch: Path, count: int, spec: TeacherSpec | None = None
) -> list[Completion | TeacherError]:
    """Return what became of requests 0 to `count`."""

    async def work(teacher: BatchTeacher, book: Book) -> list[Completion | TeacherError]:
        outcomes = await asyncio.gather(*(teacher.complete(asking(n)) for n in range(count)), return_exceptions=True)
        assert all(isinstance(outcome, Completion | TeacherError) for outcome in outcomes), outcomes
        return outcomes  # type: ignore[return-value]

    return with_teacher(server, scratch, work, spec)


def number_of(line: Line) -> int:
    return int(line["custom_id"], 16)


def test_everybody_gets_their_own_answer(server: BatchServer, tmp_path: Path) -> None:
    outcomes = ask(server, tmp_path, 25, spec_of(requests=10))
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, Completion)
        assert f"question {number}: \u2211 \U0001f600 is" in outcome.content
        assert (outcome.model, outcome.latency_ms) == ("m", 60_000)
        assert outcome.usage is not None
        assert outcome.usage.output_tokens == 5
    assert [len(lines) for lines in server.sent] == [10, 10, 5]
    lines = [line for batch in server.sent for line in batch]  # which batch comes first is a matter of the load
    assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
    assert sorted(line["body"]["seed"] for line in lines) == list(range(10, 35))
    assert server.keys == {"Bearer secret"}
    assert set(server.paid.values()) == {1}


def test_a_batch_is_written_down_before_it_is_made_and_before_it_is_polled(server: BatchServer, tmp_path: Path) -> None:
    events: list[str] = []
    server.on_call = lambda method, path, done: None if done else events.append(f"{method} {path.split('/')[2]}")

    async def work(teacher: BatchTeacher, book: Book) -> list[tuple[str, ...]]:
        book.intend = noting(book.intend, "intend")  # type: ignore[method-assign]
        book.submitted = noting(book.submitted, "submitted")  # type: ignore[method-assign]
        await teacher.complete(asking(0))
        return book.told

    def noting(call: Callable[..., None], name: str) -> Callable[..., None]:
        def noted(*arguments: Any) -> None:
            events.append(name)
            call(*arguments)

        return noted

    with_teacher(server, tmp_path, work)
    assert events[1:6] == ["POST files", "intend", "POST batches", "submitted", "GET batches"]


ERRORS: list[tuple[Becomes, type[TeacherError], bool]] = [
    (429, TeacherRateLimited, False),
    (500, TeacherUnavailable, False),
    (400, TeacherRejected, False),  # this request alone: too long, say
    (404, TeacherRejected, False),  # no provider for this one, or the model is not there for any of them
    (None, TeacherBadReply, True),  # neither an answer nor an error: nobody knows what was billed
    (b'{"custom_id": "000000\n', TeacherBadReply, True),  # cut short
    (b"\xff\xfe\n", TeacherBadReply, True),  # no text at all
    (b"[" * 100_000 + b"\n", TeacherBadReply, True),  # nested deeper than the parser goes
    (b"[]\n7\nnull\n{}\n", TeacherBadReply, True),  # JSON, but no results
    (b'{"custom_id": [1]}\n', TeacherBadReply, True),
    ({"response": {"status_code": 200, "body": {"choices": []}}}, TeacherBadReply, True),
    ({"response": {"status_code": "?", "body": {}}}, TeacherBadReply, True),
    ({"response": 7}, TeacherBadReply, True),
    ({"error": {"code": "batch_expired", "message": "too late"}}, TeacherUnavailable, False),
    ({"error": {"code": "batch_cancelled", "message": "stopped"}}, TeacherRefused, False),
    ({"error": {"code": "server_error", "message": "oops"}}, TeacherUnavailable, False),
]


@pytest.mark.parametrize(("becomes", "kind", "maybe_billed"), ERRORS)
def test_one_line_that_fails_is_nobody_elses(
    server: BatchServer, tmp_path: Path, becomes: Becomes, kind: type[TeacherError], maybe_billed: bool
) -> None:
    server.answer = lambda line: becomes if number_of(line) == 1 else right(line)
    first, failed, last = ask(server, tmp_path, 3)
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)
    assert type(failed) is kind
    assert failed.maybe_billed == maybe_billed


def test_of_two_answers_the_first_counts_and_strangers_are_left_out(server: BatchServer, tmp_path: Path) -> None:
    def twice(line: Line) -> Becomes:
        names = (line["custom_id"], "f" * 32, line["custom_id"])
        texts = (right(line), "nobody asked for this", "the second answer")
        lines = [server._became({"custom_id": name}, text)[0] for name, text in zip(names, texts, strict=True)]
        return b"".join(lines)

    server.answer = twice
    for outcome in ask(server, tmp_path, 3):
        assert isinstance(outcome, Completion)
        assert outcome.content.startswith("The answer to")


@pytest.mark.parametrize(
    ("ends", "kind"), [("expired", TeacherUnavailable), ("cancelled", TeacherRefused), ("completed", TeacherBadReply)]
)
def test_what_was_answered_before_the_end_is_kept(
    server: BatchServer, tmp_path: Path, ends: str, kind: type[TeacherError]
) -> None:
    server.ends = ends
    server.answer = lambda line: right(line) if number_of(line) % 2 else None
    outcomes = ask(server, tmp_path, 6)
    assert [type(outcome) for outcome in outcomes] == [kind, Completion] * 3
    assert "batch_0" in str(outcomes[0])


def test_a_file_that_is_refused_as_a_whole_says_why(server: BatchServer, tmp_path: Path) -> None:
    server.faults = lambda _: [{"code": "model_not_found", "message": "no model secret", "line": None}]
    outcomes = ask(server, tmp_path, 3)
    assert {type(outcome) for outcome in outcomes} == {TeacherRefused}
    assert "no model *** (model_not_found)" in str(outcomes[0])
    assert len(server.sent) == 1


def test_lines_at_fault_do_not_take_the_others_down(server: BatchServer, tmp_path: Path) -> None:
    def faults(lines: Sequence[Line]) -> list[Line]:
        bad = [place for place, line in enumerate(lines, 1) if number_of(line) in (1, 4)]
        return [{"code": "invalid_request", "message": "too long", "line": place} for place in bad]

    server.faults = faults
    outcomes = ask(server, tmp_path, 6)
    assert [number for number, outcome in enumerate(outcomes) if isinstance(outcome, TeacherRejected)] == [1, 4]
    assert sum(isinstance(outcome, Completion) for outcome in outcomes) == 4
    assert server.paid.total() == 4


def test_a_full_queue_at_the_endpoint_makes_batches_smaller(server: BatchServer, tmp_path: Path) -> None:
    full = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None}
    server.faults = lambda lines: [full] if len(lines) > 5 else []
    outcomes = ask(server, tmp_path, 20)
    assert all(isinstance(outcome, Completion) for outcome in outcomes)
    sizes = [len(lines) for lines in server.sent]
    assert (sizes[0], sizes[1]) == (20, 10)
    assert sum(size for size in sizes if size <= 5) == 20
    assert set(server.paid.values()) == {1}


def test_one_request_that_never_finds_room_fails(server: BatchServer, tmp_path: Path) -> None:
    server.faults = lambda _: [{"code": "token_limit_exceeded", "message": "full", "line": None}]
    assert [type(outcome) for outcome in ask(server, tmp_path, 1)] == [TeacherRateLimited]


@pytest.mark.parametrize("call", [("POST", "files"), ("POST", "batches"), ("GET", "batches/batch"), ("GET", "files")])
@pytest.mark.parametrize("how", [429, 500, "reset", "lost"])
def test_trouble_on_the_way_costs_nothing(
    server: BatchServer, tmp_path: Path, call: tuple[str, str], how: int | str
) -> None:
    """`lost`: the call was dealt with, its reply never came; the batch that was made then is found and taken over."""
    server.trouble.append((*call, how))
    assert all(isinstance(outcome, Completion) for outcome in ask(server, tmp_path, 5))
    assert not server.trouble
    assert set(server.paid.values()) == {1}
    assert len(server.paid) == 5


def test_an_endpoint_that_refuses_every_batch_is_down(server: BatchServer, tmp_path: Path) -> None:
    server.trouble.extend([("POST", "batches", 429)] * 3)
    outcomes = ask(server, tmp_path, 4)
    assert {type(outcome) for outcome in outcomes} == {TeacherRefused}
    assert "could not be made" in str(outcomes[0])
    assert not server.batches


def test_a_batch_that_cannot_be_followed_is_never_asked_again(server: BatchServer, tmp_path: Path) -> None:
    server.trouble.append(("GET", "batches/batch", 403))

    async def work(teacher: BatchTeacher, book: Book) -> list[BaseException]:
        errors = [await caught(teacher, 0), await caught(teacher, 0), await caught(teacher, 1)]
        assert len(book.open) == 1  # for the next run
        return errors

    for error in with_teacher(server, tmp_path, work):
        assert isinstance(error, TeacherRefused)
        assert "run again" in error.hint
    assert len(server.batches) == 1


async def caught(teacher: BatchTeacher, number: int) -> BaseException:
    (outcome,) = await asyncio.gather(teacher.complete(asking(number)), return_exceptions=True)
    assert isinstance(outcome, BaseException)
    return outcome


def test_who_is_sent_away_by_a_stop_waits_for_the_same_batch_when_they_come_again(
    server: BatchServer, tmp_path: Path
) -> None:
    server.polls = 10

    async def work(teacher: BatchTeacher, book: Book) -> Completion:
        first = asyncio.create_task(caught(teacher, 0))
        while not any(entry[0] == "submitted" for entry in book.told):
            await asyncio.sleep(0.01)
        book.reason = RuntimeError("stopped")
        assert await first is book.reason
        assert await caught(teacher, 1) is book.reason  # no new batch is made
        book.reason = None
        return await teacher.complete(asking(0))

    assert isinstance(with_teacher(server, tmp_path, work), Completion)
    assert server.paid == {f"{0:032x}": 1}


def test_two_who_want_the_same_are_not_put_into_one_file(server: BatchServer, tmp_path: Path) -> None:
    async def work(teacher: BatchTeacher, book: Book) -> list[Completion]:
        return await asyncio.gather(*(teacher.complete(asking(n // 2)) for n in range(4)))

    assert len(with_teacher(server, tmp_path, work)) == 4
    assert all(len({line["custom_id"] for line in lines}) == len(lines) for lines in server.sent)


def test_a_request_of_which_nobody_waits_any_more_is_not_sent(server: BatchServer, tmp_path: Path) -> None:
    async def work(teacher: BatchTeacher, book: Book) -> Completion:
        gone = asyncio.create_task(teacher.complete(asking(0)))
        await asyncio.sleep(0)
        gone.cancel()
        return await teacher.complete(asking(1))

    with_teacher(server, tmp_path, work)
    assert [number_of(line) for lines in server.sent for line in lines] == [1]


def test_a_batch_on_its_way_when_its_maker_died_can_never_begin(server: BatchServer, tmp_path: Path) -> None:
    """The request to make it arrives after the one who resumes has looked for it, and must not cost anything."""

    async def run() -> None:
        server.slow_to_make = asyncio.Event()
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()

        def seen(method: str, path: str, done: bool) -> None:
            if (method, path, done) == ("POST", "/v1/batches", False):
                loop.call_soon_threadsafe(arrived.set)

        server.on_call = seen
        lines = tmp_path / "lines"
        lines.write_bytes(json.dumps({"custom_id": "x", "body": {"messages": [{"content": "?"}]}}).encode())
        async with BatchApi(spec_of(), Endpoint(server.base_url, "k")) as api:
            file_id = await api.upload(lines)
            dying = asyncio.create_task(api.create(file_id, "mine"))
            await arrived.wait()
            assert await api.made_or_never("mine", file_id) is None
            server.loop.call_soon_threadsafe(server.slow_to_make.set)
            assert (await dying).status == "failed"
        assert not server.paid

    asyncio.run(run())


def test_a_batch_is_found_by_our_name_for_it_on_any_page(server: BatchServer, tmp_path: Path) -> None:
    async def run() -> list[str | None]:
        lines = tmp_path / "lines"
        lines.write_bytes(b"")
        async with BatchApi(spec_of(), Endpoint(server.base_url, "k")) as api:
            for number in range(5):
                await api.create(await api.upload(lines), f"intent {number}")
            server.batches["batch_3"]["metadata"] = None  # somebody else's
            found = [await api.find(f"intent {number}") for number in range(6)]
        return [batch.batch_id if batch else None for batch in found]

    assert asyncio.run(run()) == ["batch_0", "batch_1", "batch_2", None, "batch_4", None]


def test_an_endpoint_without_batches_is_told_apart_before_anything_is_sent(server: BatchServer, tmp_path: Path) -> None:
    server.trouble.append(("GET", "batches", 404))
    with pytest.raises(TeacherRefused, match="404"):
        ask(server, tmp_path, 1)
    assert not server.files
