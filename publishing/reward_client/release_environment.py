"""The environment that a release carries: its `rl` prompts and their reward as a package that verifiers runs."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from cotfactory.rewards.gym_wire import gym_row
from cotfactory.schemas.teaching import Message

ENVIRONMENT = "rl/environment"
"""Where it lies in a release that has rows of `rl`."""
ROWS = "rows.jsonl"
BATCH = 512
_TASKSET = Path(__file__).with_name("taskset.py")

PYPROJECT = """\
[project]
name = "{package}"
version = "{version}"
description = "The rl rows of {name} v{version} as an environment; the graders that made them are the reward."
requires-python = ">=3.11"
dependencies = ["verifiers>=0.4,<0.5"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""

README = """\
# {package}

The `rl` rows of {name} v{version} as an environment of verifiers 0.4. The reward is what the graders say that made the
rows; they are asked over HTTP, and their answers are not in this package.

```sh
cotfactory serve RELEASE --port 8800                  # the folder of this release, or NAME@v{version}
pip install ./environment
export COTFACTORY_REWARD_URL=http://127.0.0.1:8800
vf-eval {package} --no-push -r 4 --env.agent.runtime.type subprocess \\
    --model MODEL --client.base-url http://127.0.0.1:8000/v1 --client.api-key-var MY_KEY
```

`--env.taskset.split test` asks what is kept aside. A rollout that nobody could grade is errored and has no reward.
`{module}/rows.jsonl` is a data set of NeMo-Gym too. What can be set in the process environment stands at the top of
`{module}/reward.py`.
"""


def package_name(release: str) -> str:
    """Return the name that the environment of a release is installed by: `cotfactory-my-first`."""
    return "cotfactory-" + re.sub(r"[^a-z0-9]+", "-", release.lower()).strip("-")


def write_environment(staged: Path, name: str, version: str, rl_shards: Sequence[Path], client: str) -> list[Path]:
    """Write the package into a staged release and return its files; `client` is the text of its reward client."""
    package = package_name(name)
    module = package.replace("-", "_")
    home = staged / ENVIRONMENT
    (home / module).mkdir(parents=True)
    names = {"package": package, "module": module, "name": name, "version": version.removeprefix("v")}
    texts = {
        home / "pyproject.toml": PYPROJECT.format(**names),
        home / "README.md": README.format(**names),
        home / module / "__init__.py": _TASKSET.read_text("utf-8"),
        home / module / "reward.py": client,
    }
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    rows = home / module / ROWS
    with rows.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(rl_shards))
    return [*texts, rows]


def _rows(shards: Sequence[Path]) -> Iterator[dict[str, object]]:
    """Yield the prompts as rows of NeMo-Gym, with their split; in bounded memory."""
    for shard in shards:
        split = shard.name.partition("-")[0]
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(BATCH, columns=["problem_id", "prompt"]):
                for row in batch.to_pylist():
                    messages = [Message.model_validate(message) for message in row["prompt"]]
                    yield {**gym_row(row["problem_id"], messages), "split": split}
