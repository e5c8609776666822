"""The reward client of one release: the shipped file, with the versions of the graders that judged its rows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

REWARD = "rl/reward.py"
"""Where it lies in a release that has rows of `rl`."""
_CLIENT = Path(__file__).with_name("reward.py")
_VERSIONS = "GRADER_VERSIONS: dict[str, str] = {}"


def reward_client(rl_shards: Sequence[Path], graders: Mapping[tuple[str, str], int]) -> str:
    """Return the file; `graders` counts the grades of the release by grader and version.

    It names the graders of the rows of `rl`, since a server of these rows has no others; where one judged in two
    versions, the one that judged more.
    """
    asked_of = {
        name for shard in rl_shards for name in pq.read_table(shard, columns=["grader"])["grader"].unique().to_pylist()
    }
    versions = {name: version for name, version in sorted(graders, key=graders.__getitem__) if name in asked_of}
    before, found, after = _CLIENT.read_text("utf-8").partition(_VERSIONS)
    assert found, f"{_CLIENT} has no line {_VERSIONS!r}"
    return f"{before}GRADER_VERSIONS: dict[str, str] = {json.dumps(versions, sort_keys=True)}{after}"
