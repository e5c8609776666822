"""A module that never gets ready: its `prepare` waits for what does not come."""

import threading


def prepare() -> None:
    threading.Event().wait()


def double(value: int) -> int:
    return 2 * value
