"""Reward responses as verl does: its function that loads the release's reward, in each of its own reward managers.

Runs in verl's environment: `python verl_rewards.py RELEASE SAID.json`, SAID a list of [problem id, response]; prints
{manager: [reward or the name of what was raised]}.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import omegaconf
import pyarrow.parquet as pq
import ray
import torch
from verl import DataProto
from verl.experimental.reward_loop.reward_manager import get_reward_manager_cls
from verl.trainer.ppo.reward import get_custom_reward_fn


class TextTokenizer:
    """What a reward manager uses of a tokenizer: a token is a character."""

    def decode(self, ids: Any, skip_special_tokens: bool = True) -> str:
        return "".join(map(chr, ids.tolist()))


def batch(row: dict[str, Any], response: str) -> Any:
    """Return one rollout in the form in which verl hands it to a reward manager."""
    ids = torch.tensor([[ord(character) for character in response]])
    tensors = {"prompts": torch.tensor([[1]]), "responses": ids}
    tensors["attention_mask"] = torch.ones(1, 1 + ids.shape[1], dtype=torch.long)
    columns = {name: np.array([row[name]], dtype=object) for name in ("data_source", "reward_model", "extra_info")}
    return DataProto.from_dict(tensors=tensors, non_tensors=columns)


async def rewarded(name: str, config: Any, rows: dict[str, Any], said: list[list[str]]) -> list[Any]:
    manager = get_reward_manager_cls(name)(config, TextTokenizer(), get_custom_reward_fn(config))
    found = await asyncio.gather(
        *(manager.run_single(batch(rows[problem], response)) for problem, response in said), return_exceptions=True
    )
    return [type(told).__name__ if isinstance(told, BaseException) else told["reward_score"] for told in found]


def main(release: Path, said: list[list[str]]) -> None:
    files = sorted((release / "rl").glob("*.parquet"))
    rows = {row["problem_id"]: row for file in files for row in pq.read_table(file).to_pylist()}
    reward = {"path": str(release / "rl" / "reward.py"), "name": "compute_score"}
    config = omegaconf.OmegaConf.create({"reward": {"custom_reward_function": reward, "num_workers": 1}})
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    print(json.dumps({name: asyncio.run(rewarded(name, config, rows, said)) for name in ("naive", "remote")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
