"""One request for several samples of a prompt (the API's `n`), where the endpoint really returns several."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cotfactory.generators.teacher.teacher import Request, Teacher
from cotfactory.schemas.errors import TeacherRejected
from cotfactory.schemas.teaching import Completion


class SeveralTeacher(Teacher, Protocol):
    """A teacher that can be asked for several samples of a prompt at once."""

    async def complete_several(self, request: Request, samples: int) -> tuple[Completion, ...]:
        """Return up to `samples` samples of one prompt. Raises a TeacherError."""
        ...


class _PendingSample(NamedTuple):
    request: Request
    answer: asyncio.Future[Completion]


class SharedPrompts:
    """A Teacher that asks for samples of the same prompt together, when they are asked for at the same time.

    Whoever asks still asks for one sample, pays for it and writes it down. What shares a request is what comes within
    one turn of the event loop, `most` at a time: the samples of a problem that its stopping rule wants at once. An
    endpoint that returns fewer than it was asked for, or accepts a prompt only by itself, is asked for one at a time
    from then on, and for those that are missing at once.
    """

    def __init__(self, teacher: SeveralTeacher, most: int) -> None:
        self._teacher = teacher
        self._most = most
        self._gathering: dict[
            int, list[_PendingSample]
        ] = {}  # by the identity of the messages, which the list keeps alive
        self._sending: set[asyncio.Task[None]] = set()

    async def complete(self, request: Request) -> Completion:
        """Return one sample. Raises a TeacherError."""
        loop = asyncio.get_running_loop()
        asked = _PendingSample(request, loop.create_future())
        prompt = id(request.messages)
        gathering = self._gathering.setdefault(prompt, [])
        gathering.append(asked)
        if len(gathering) >= self._most:
            self._send(prompt)
        elif len(gathering) == 1:
            loop.call_soon(self._send, prompt)
        return await asked.answer

    def _send(self, prompt: int) -> None:
        together = self._gathering.pop(prompt, [])
        if together:
            task = asyncio.create_task(self._ask(together))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _ask(self, together: Sequence[_PendingSample]) -> None:
        if len(together) == 1:
            await self._ask_alone(together[0])
            return
        try:
            completions = await self._teacher.complete_several(together[0].request, len(together))
        except TeacherRejected:
            alone = await asyncio.gather(*(self._ask_alone(sample) for sample in together))
            if any(alone):  # it was not the prompt
                self._most = 1
        except Exception as error:
            for sample in together:
                _set_error(sample, error)
        else:
            for sample, completion in zip(together, completions, strict=False):
                _set_answer(sample, completion)
            if len(completions) < len(together):
                self._most = 1
                await asyncio.gather(*(self._ask_alone(sample) for sample in together[len(completions) :]))

    async def _ask_alone(self, sample: _PendingSample) -> bool:
        """Ask for one sample; return whether there is an answer."""
        try:
            _set_answer(sample, await self._teacher.complete(sample.request))
        except Exception as error:
            _set_error(sample, error)
            return False
        return True


def _set_answer(asked: _PendingSample, completion: Completion) -> None:
    if not asked.answer.done():  # whoever asked may have been interrupted
        asked.answer.set_result(completion)


def _set_error(asked: _PendingSample, error: Exception) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)
