"""Standard error without a reader: what is written there is let go, and never fails a run."""

import io
import os
import sys
from contextlib import suppress

from rich.console import Console


class StandardError(io.TextIOBase):
    """Standard error for as long as somebody reads it: a worker that was killed or a closed ssh ends no run."""

    def write(self, text: str) -> int:
        """Write a text, or let it go."""
        try:
            return sys.stderr.write(text)
        except OSError:
            let_go_of_stderr()
            return len(text)

    def flush(self) -> None:
        """Have all that was written be read."""
        try:
            sys.stderr.flush()
        except OSError:
            let_go_of_stderr()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return sys.stderr.isatty()

    def fileno(self) -> int:
        """Return its number."""
        return sys.stderr.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """How it writes text."""
        return sys.stderr.encoding


def outlive_readers() -> None:
    """Have all of rich's consoles in this process, Prefect's too, go on when nobody reads them any more.

    They would leave the program: a run that has bought everything would end with the worker that was killed beside it.
    """

    def go_on(self: Console) -> None:
        let_go_of_stderr()

    Console.on_broken_pipe = go_on  # type: ignore[method-assign]


def let_go_of_stderr() -> None:
    """Send what this process writes to standard error from now on nowhere, that of libraries in C included."""
    with suppress(OSError, ValueError):  # closed already, or no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
