"""The commands of a recipe's rounds: one trains and ends, one serves for as long as a student is asked."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from cotfactory.flows.settings import command_words
from cotfactory.generators.local_teachers.started_server import end_of, started, supervised
from cotfactory.generators.teacher.endpoint import NO_KEY, Endpoint
from cotfactory.generators.teacher.loading import wait_until_loaded
from cotfactory.generators.teacher.teacher import OpenAITeacher
from cotfactory.schemas.errors import CotfactoryError, TeacherError, TrainingFailed
from cotfactory.schemas.rounds import PLACEHOLDER
from cotfactory.schemas.teacher_spec import STARTING_S, TeacherSpec


def filled(command: str, values: Mapping[str, str]) -> list[str]:
    """Return the words of a command; a value stays in one word. `{port}` is left as it is. Raises RecipeError."""
    words = command_words(command, "the recipe's `rounds`")
    return [PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), word) for word in words]


async def trained(command: list[str], out: Path, log: Path, folder: Path) -> None:
    """Run a command that fills `out`, which is emptied first; `log` is what it says. Raises TrainingFailed."""
    shutil.rmtree(out, ignore_errors=True)  # of a training that was killed
    out.mkdir(parents=True)
    with supervised(command, log, folder) as process:
        code = await asyncio.to_thread(process.wait)
    if code != 0:
        raise TrainingFailed(
            f"The command that trains ended with code {code}; the end of {log}:\n{end_of(log)}",
            "fix `rounds.train`, or what it says is missing, and run again: only this is done again",
        )
    if not any(out.iterdir()):
        raise TrainingFailed(
            f"The command that trains ended well, but left nothing in {out}",
            "expected a model in the folder that `{out}` of `rounds.train` names",
        )


@asynccontextmanager
async def served(
    command: list[str], spec: TeacherSpec, log: Path, folder: Path, say: Callable[[str], None]
) -> AsyncIterator[TeacherSpec]:
    """Serve a student, wait until it answers, and yield the teacher that asks it. Raises a TeacherError.

    Where the server died, this is what is told of it, and not that it could not be reached.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with started(command, log, folder) as server:
        try:
            wait_s = STARTING_S if spec.wait_for_s is None else spec.wait_for_s
            async with OpenAITeacher(spec, Endpoint(server.base_url, NO_KEY)) as teacher:
                await wait_until_loaded(teacher, wait_s, say, server.failure)
            yield spec.model_copy(update={"base_url": server.base_url})
        except CotfactoryError as error:
            why: TeacherError | None = server.failure()
            if why is None:
                raise
            raise why from error
