"""Wait for a model that is still loading: nobody listens yet, or the server answers that it is not ready."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from cotfactory.schemas.errors import TeacherError, TeacherUnavailable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0


class AsksModels(Protocol):
    """Who can ask the free question."""

    async def ask_models(self) -> tuple[str, ...]:
        """Ask once which models there are. Raises a TeacherError."""
        ...


async def wait_until_loaded(
    teacher: AsksModels,
    wait_s: float,
    say: Callable[[str], None],
    failure: Callable[[], TeacherError | None] = lambda: None,
) -> None:
    """Return once the endpoint answers, whatever it answers, or when `wait_s` has passed.

    What is waited for is said once. Raises what `failure` returns: that nothing will ever answer.
    """
    until, pause_s, is_told = time.monotonic() + wait_s, FIRST_PAUSE_S, False
    while True:
        try:
            await teacher.ask_models()
            return
        except TeacherUnavailable as error:
            if (why := failure()) is not None:
                raise why from None
            left_s = until - time.monotonic()
            if left_s <= 0:
                return
            if not is_told:
                say(f"waiting up to {wait_s:g} s for a model to load: {error.message}")
                is_told = True
        except TeacherError:
            return
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(LONGEST_PAUSE_S, 1.5 * pause_s)
