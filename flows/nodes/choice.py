"""Nodes: where a run asks, as the command line or the environment says; a recipe never does."""

import re
from dataclasses import dataclass

from cotfactory.schemas.errors import InputError

SMALLEST_SHARD, FEWEST_SHARDS = 16, 16
_ADDRESS = re.compile(r"auto|ray://[^\s/]+:[0-9]{1,5}")


@dataclass(frozen=True)
class Nodes:
    """A Ray cluster by its address (`auto`: the one of this machine), or so many processes of a private one."""

    address: str | None = None
    processes: int = 0

    @property
    def is_private(self) -> bool:
        """Whether all nodes are processes of this machine, started for this run."""
        return self.address is None

    @property
    def is_remote(self) -> bool:
        """Whether this machine does not belong to the cluster, and is connected by Ray's client."""
        return self.address is not None and self.address.startswith("ray://")


def chosen_nodes(address: str | None, processes: int | None, of_environment: str | None = None) -> Nodes | None:
    """Return where a run asks; None for this very process. Raises InputError.

    What the command line says goes before the environment.
    """
    if address is not None and processes is not None:
        raise InputError("--nodes and --processes were both given: expected one of them", "leave one out")
    if processes is not None:
        return Nodes(processes=processes)
    address = address or of_environment or None
    if address is None:
        return None
    if not _ADDRESS.fullmatch(address):
        raise InputError(
            f"The nodes {address!r} cannot be found: expected auto or ray://HOST:PORT",
            "fix --nodes, or the environment variable COTFACTORY_NODES",
        )
    return Nodes(address=address)


def shard_problems(most: int, problems: int) -> int:
    """Return how many problems a shard has on nodes: fewer where there are few, so that every node has some."""
    return min(most, max(SMALLEST_SHARD, -(-problems // FEWEST_SHARDS)))
