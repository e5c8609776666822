"""HoldsSamples: what asks for something beside the chains of a recipe, and holds the samples of that open."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.wanted_file import WantedSample
from cotfactory.warehouse.workspace import Workspace


class HoldsSamples:
    """A context manager that lets go of the samples which it has opened."""

    def __init__(self) -> None:
        self._held = ExitStack()

    def _opened(
        self, workspace: Workspace, samples: Iterable[WantedSample], decisions: Sequence[Path] | None = None
    ) -> WantedSamples:
        """Open samples until the end; where that fails, all that were opened before are let go."""
        try:
            return self._held.enter_context(WantedSamples(workspace, samples, decisions))
        except BaseException:
            self._held.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()
