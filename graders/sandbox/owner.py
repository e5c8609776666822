"""Who a container belongs to, as its label says, and whether that process is gone for good.

A process id alone would not do: it is used again, and another container with the host's name and the same engine has
processes of its own under the same numbers.
"""

import re
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")
_OWNER = re.compile(r"(?P<place>.{1,200})/(?P<pid>[1-9][0-9]{0,9})/(?P<started>[0-9]{1,20})")


def owner_label(pid: int) -> str:
    """Return `PLACE/PID/STARTED` of a process that is alive: `STARTED` in clock ticks since boot."""
    return f"{place()}/{pid}/{_started(pid) or 0}"


@cache
def place() -> str:
    """Return where process ids mean what they mean here: host name, boot and PID namespace."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (PROC / "self/ns/pid").readlink().name
    except OSError:  # not Linux
        boot = namespace = "-"
    return f"{socket.gethostname()}/{boot}/{namespace}"


def is_gone(label: str) -> bool:
    """Whether the owner that a label names was a process here and is no more; False for any other label.

    >>> is_gone("elsewhere/boot/pid:[1]/1/1"), is_gone(owner_label(os.getpid())), is_gone("of somebody else's making")
    (False, False, False)
    """
    owner = _OWNER.fullmatch(label)
    return (
        owner is not None and owner["place"] == place() and (_started(int(owner["pid"])) or 0) != int(owner["started"])
    )


def _started(pid: int) -> int | None:
    try:
        after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return int(after_name[19])  # field 22 of proc(5), counted from the state, which is the third
