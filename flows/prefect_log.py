"""Our log lines in the log of a Prefect run, so that they are read where operators look."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.logging.handlers import APILogHandler

from cotfactory.flows.host.run_log import place_now
from cotfactory.schemas.printable import printable
from cotfactory.schemas.secrets import masked

MOST_LINES = 1_000
"""So many lines of a run are sent to the server: an endpoint that fails all night logs one a request. The workspace's
own log has all of them."""


@contextmanager
def told_to_prefect(flow_run_id: str, secrets: frozenset[str]) -> Iterator[None]:
    """Send what is logged meanwhile to the log of this run, without any of the `secrets`."""
    handler = _FlowRunLines(UUID(flow_run_id), secrets)
    logger = logging.getLogger("cotfactory")
    before, propagates = logger.level, logger.propagate
    logger.propagate = False  # Prefect's own handler would say it on the terminal too, beside the progress
    logger.setLevel(min(before or logging.INFO, logging.INFO))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        logger.propagate = propagates


class _FlowRunLines(APILogHandler):
    def __init__(self, flow_run_id: UUID, secrets: frozenset[str]) -> None:
        super().__init__(logging.INFO)
        self._flow_run_id, self._secrets, self._left = flow_run_id, secrets, MOST_LINES

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line; of threads that Prefect does not know too."""
        self._left -= 1
        if self._left < 0:
            return
        record.flow_run_id = self._flow_run_id
        super().emit(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return where in the run it happened, what did, and the error, if there was one."""
        parts = (place_now().get("stage"), record.getMessage(), vars(record).get("error"))
        line = printable(masked(": ".join(str(part) for part in parts if part), self._secrets))
        return line if self._left else f"{line} (the last line here: all are in the workspace's logs)"

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Let the line go: the workspace's log has it."""
