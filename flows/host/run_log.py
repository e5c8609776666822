"""The log of a run: one JSON object a line in `workspace/logs/RUN_ID.jsonl`, for whoever asks afterwards what happened.

Modules log with the standard library under their own names (`cotfactory.generators.teacher.teacher`, ...) and pass what
a line is about as `extra`; where in the run it happened (stage, shard) is added here. A line:

    {"time": "2026-11-28T06:12:01.204+00:00", "level": "warning", "logger": "cotfactory.generators.teacher.teacher",
     "message": "request failed, another try follows", "stage": "ask r1 from problem 0", "shard": "5f0c2e9a1b7d",
     "teacher": "r1", "request_id": "9e...", "attempt": 1, "error": "... answered 500 ..."}
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from cotfactory.schemas.errors import InputError
from cotfactory.schemas.secrets import masked

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
KEPT = 100
"""Logs of so many runs are kept in a workspace; older ones are deleted."""
FIELDS = ("teacher", "request_id", "attempt", "wait_s", "error", "seconds", "latency_ms", "output_tokens")
"""What a line may be about, beside its message and the place in the run."""

_place: ContextVar[Mapping[str, str]] = ContextVar("_place", default=MappingProxyType({}))


def log_level(name: str) -> int:
    """Return the level that a user named. Raises InputError."""
    if name not in LEVELS:
        raise InputError(f"Unknown log level {name!r}: expected one of {', '.join(LEVELS)}", "fix --log-level")
    return LEVELS[name]


@contextmanager
def place_in_run(**place: str) -> Iterator[None]:
    """Add `stage=...` or `shard=...` to all lines that are logged in this context, its tasks and threads included."""
    token = _place.set({**_place.get(), **place})
    try:
        yield
    finally:
        _place.reset(token)


def place_now() -> Mapping[str, str]:
    """Return where in the run this is called: its stage and shard, if any."""
    return _place.get()


@contextmanager
def run_log(folder: Path, run_id: str, level: int, secrets: frozenset[str]) -> Iterator[Path]:
    """Write what is logged meanwhile to `folder/RUN_ID.jsonl`, and yield its path; the file is made by the first line.

    None of the `secrets` is ever in it. A disk that is full costs lines, never the run.
    """
    path = folder / f"{run_id}.jsonl"
    _forget_old(folder)
    handler = _Lines(path, secrets)
    handler.setLevel(level)
    logger = logging.getLogger("cotfactory")
    before = logger.level
    logger.setLevel(min(level, before or level))
    logger.addHandler(handler)
    try:
        yield path
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()


class _Lines(logging.FileHandler):
    def __init__(self, path: Path, secrets: frozenset[str]) -> None:
        super().__init__(path, encoding="utf-8", delay=True, errors="backslashreplace")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_place.get(),
            **{name: vars(record)[name] for name in FIELDS if name in vars(record)},
        }
        if record.exc_info:
            line["error"] = logging.Formatter().formatException(record.exc_info)
        return json.dumps({name: self._masked(value) for name, value in line.items()}, ensure_ascii=False)

    def _masked(self, value: object) -> object:
        if isinstance(value, int | float):
            return value
        return masked(str(value), self._secrets)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or let it go where the file cannot be opened."""
        with suppress(OSError):
            super().emit(record)

    def close(self) -> None:
        """Close the file; what a full disk did not take is lost."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Let the line go: the standard library would print a traceback for each, and nobody could do anything."""


def _forget_old(folder: Path) -> None:
    for path in sorted(folder.glob("*.jsonl"))[: -(KEPT - 1)]:  # run ids begin with their time
        path.unlink(missing_ok=True)
