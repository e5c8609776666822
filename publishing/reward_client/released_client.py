"""The reward client of one release: the shipped file, with the versions of the graders that judged its rows."""

import json
from collections.abc import Mapping
from pathlib import Path

REWARD = "rl/reward.py"
"""Where it lies in a release that has rows of `rl`."""
_CLIENT = Path(__file__).with_name("reward.py")
_VERSIONS = "GRADER_VERSIONS: dict[str, str] = {}"


def reward_client(graders: Mapping[tuple[str, str], int]) -> str:
    """Return the file; `graders` counts the grades of the release by grader and version.

    Where a grader judged in two versions, the one that judged more is named.
    """
    versions = dict(sorted(graders, key=lambda grader: graders[grader]))
    before, found, after = _CLIENT.read_text("utf-8").partition(_VERSIONS)
    assert found, f"{_CLIENT} has no line {_VERSIONS!r}"
    return f"{before}GRADER_VERSIONS: dict[str, str] = {json.dumps(versions, sort_keys=True)}{after}"
