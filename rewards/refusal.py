"""Refusal: why a request gets no reward, as an HTTP status and a text that says what to do."""

BUSY_S = 1
"""What `Retry-After` says when there is too much in flight: a batch takes about as long."""


class Refusal(Exception):
    """A request that is refused as a whole. `retry_after_s` is told where the same request may go through later."""

    def __init__(self, status: int, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(status, message)
        self.status, self.message, self.retry_after_s = status, message, retry_after_s


def bad_request(message: str) -> Refusal:
    """Return the refusal of a body that breaks the format."""
    return Refusal(400, message)
