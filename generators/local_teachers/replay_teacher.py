"""The replay teacher: a local server that answers from recorded completions of the question asked.

A request's sample is its `seed`, or how many answers were already given to the same prompt. Sample n is the n-th
recorded completion of the question, in `sample` order: of the model asked for where that model was recorded, of
all models together otherwise. It is sent as it was recorded, whatever `max_tokens` says.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from cotfactory.generators.local_teachers.chat_server import ChatRefusal, ChatReply, ChatRequest, chat_app
from cotfactory.generators.local_teachers.local_server import running, serve_until_interrupted
from cotfactory.generators.local_teachers.question_index import QuestionIndex
from cotfactory.generators.local_teachers.recordings import count_recordings, replayable
from cotfactory.schemas.recording import Recording


@contextmanager
def replaying(path: Path) -> Iterator[str]:
    """Serve a file of recordings in a process of its own; yield the base URL (ends in `/v1`).

    Raises RecordingError for a file that cannot be read, TeacherUnavailable when the server does not start.
    """
    with running(partial(replay_app, path)) as base_url:
        yield base_url


def serve_replay(path: Path, port: int, announce: Callable[[str], None] = print) -> None:
    """Serve a file of recordings on 127.0.0.1 until Ctrl-C; port 0 takes a free one.

    `announce` is told where, once it answers. Raises RecordingError, and InputError when the port is taken.
    """
    serve_until_interrupted(
        replay_app(path), port, lambda base_url: announce(f"{path} is served at {base_url} - Ctrl-C to stop")
    )


def replay_app(path: Path) -> web.Application:
    """Return the web application that replays a file; it holds all recordings in memory.

    Raises RecordingError as `read_recordings`.
    """
    counts = count_recordings(path)
    recorded: defaultdict[str, list[Recording]] = defaultdict(list)
    for recording in replayable(path):
        recorded[recording.question.strip()].append(recording)
    for completions in recorded.values():
        completions.sort(key=lambda completion: (completion.sample, completion.model))
    index = QuestionIndex(recorded)

    def answer(request: ChatRequest) -> ChatReply:
        question = index.find(request.prompt)
        if question is None:
            raise _no_recording(f"no question recorded in {path.name} is in the prompt")
        if question in counts.ambiguous:
            raise _no_recording(f"{path.name} has this question under several problem ids, told apart by no prompt")
        completions = recorded[question]
        if request.model in counts.models:
            completions = [completion for completion in completions if completion.model == request.model]
        if not 0 <= request.sample < len(completions):
            raise _no_recording(
                f"sample {request.sample} of {request.model!r} was not recorded: {path.name} has "
                f"{len(completions)} for this question, counted from 0"
            )
        found = completions[request.sample]
        return ChatReply(found.model, found.response, found.reasoning, found.finish_reason)

    return chat_app(counts.models, answer)


def _no_recording(message: str) -> ChatRefusal:
    return ChatRefusal(404, "no_recording", message)
