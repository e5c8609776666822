"""The small student behind the OpenAI protocol: requests that come within 20 ms are sampled together.

`python -m cotfactory.generators.students.serve_student FOLDER PORT`. A model `NAME` is the student in FOLDER/NAME where
there is one, else the one in FOLDER itself.
"""

import asyncio
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from aiohttp import web

from cotfactory.generators.local_teachers.chat_server import ChatRefusal, ChatReply, ChatRequest, several_choices_app
from cotfactory.generators.local_teachers.local_server import serve_until_interrupted
from cotfactory.generators.students.signs import END_ID, LONGEST, read_question, written
from cotfactory.generators.students.student_model import StudentModel, load_student, sample
from cotfactory.generators.students.train_student import WEIGHTS

WINDOW_S = 0.02
MOST_ROWS = 512
KEPT_MODELS = 8
Answer = list[list[int]]


@dataclass(frozen=True)
class _Asked:
    request: ChatRequest
    prompt: tuple[int, ...]
    answer: "asyncio.Future[Answer]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def alike(self) -> tuple[str, int, float, int]:
        """What those share that can be sampled in one go."""
        most = self.request.max_tokens or LONGEST
        return self.request.model, len(self.prompt), self.request.temperature, most


class _Sampler:
    """Samples what was asked within a window, one model after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._models: OrderedDict[str, StudentModel] = OrderedDict()
        self._waiting: list[_Asked] = []
        self._work: asyncio.Task[None] | None = None

    async def answer(self, request: ChatRequest) -> Sequence[ChatReply]:
        """Return the student's answers. Raises ChatRefusal for a model that is not there, and for no expression."""
        ids = read_question(request.prompt)
        if ids is None or len(ids) >= LONGEST:
            raise ChatRefusal(400, "invalid_request", "the last message holds no expression such as 4+3*2-9")
        if self._weights(request.model) is None:
            raise ChatRefusal(404, "model_not_found", f"there is no student {request.model!r} here")
        asked = _Asked(request, tuple(ids))
        self._waiting.append(asked)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._sample_what_waits())
        return [
            ChatReply(request.model, written(said), None, "stop" if END_ID in said else "length")
            for said in await asked.answer
        ]

    async def _sample_what_waits(self) -> None:
        while self._waiting:
            await asyncio.sleep(WINDOW_S)
            together: dict[tuple[str, int, float, int], list[_Asked]] = defaultdict(list)
            for asked in self._waiting:
                together[asked.alike].append(asked)
            self._waiting = []
            for batch in together.values():
                try:
                    said = await asyncio.to_thread(self._sampled, batch)
                except Exception as error:  # whoever asked is told
                    for asked in batch:
                        asked.answer.set_exception(error)
                    continue
                for asked in batch:
                    with suppress(asyncio.InvalidStateError):  # who asked may have gone
                        asked.answer.set_result([said.pop(0) for _ in range(asked.request.samples)])

    def _sampled(self, batch: Sequence[_Asked]) -> Answer:
        model = self._model(batch[0].request.model)
        rows = [
            (asked.prompt, asked.request.sample + number) for asked in batch for number in range(asked.request.samples)
        ]
        _, _, temperature, most = batch[0].alike
        said: Answer = []
        for start in range(0, len(rows), MOST_ROWS):
            prompts, seeds = zip(*rows[start : start + MOST_ROWS], strict=True)
            said += sample(model, prompts, seeds, temperature, most)
        return said

    def _weights(self, name: str) -> Path | None:
        own = self._folder / name / WEIGHTS if "/" not in name and name != ".." else None
        return next((path for path in (own, self._folder / WEIGHTS) if path is not None and path.is_file()), None)

    def _model(self, name: str) -> StudentModel:
        if name not in self._models:
            path = self._weights(name)
            assert path is not None
            self._models[name] = load_student(path).double().eval()
            if len(self._models) > KEPT_MODELS:
                self._models.popitem(last=False)
        return self._models[name]


def student_app(folder: Path) -> web.Application:
    """Return the web application that serves the students in `folder`."""
    torch.set_num_threads(1)
    names = [path.parent.name for path in sorted(folder.glob(f"*/{WEIGHTS}"))]
    return several_choices_app(names or ["student"], _Sampler(folder).answer)


def main(words: Sequence[str]) -> None:
    """Serve a folder on a port until SIGINT or SIGTERM."""
    folder, port = words
    serve_until_interrupted(student_app(Path(folder)), int(port), lambda url: print(url, flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])
