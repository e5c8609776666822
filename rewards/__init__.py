"""REWARDS: what trainers call over HTTP - rollouts in, rewards out. Grades nothing itself: `flows` hands that in.

`from cotfactory.rewards import compute_score` is the way without HTTP, for math, choice and text.
"""

from importlib import import_module
from typing import Any

__all__ = ["compute_score"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'cotfactory.rewards' has no attribute {name!r}: expected compute_score")
    return getattr(import_module("cotfactory.flows.serve.in_process"), name)
