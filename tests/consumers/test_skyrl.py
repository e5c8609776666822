"""SkyRL's own code reads the files of `rl` and rewards answers by the environment of docs/trainers/skyrl.md."""

import re
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

skyrl = pytest.importorskip("skyrl.train.dataset.dataset")

PAGE = Path(__file__).parents[2] / "docs" / "trainers" / "skyrl.md"


def test_prompts_go_with_what_their_environment_needs(released: Path, tokenizer: Any) -> None:
    files = sorted(map(str, (released / "rl").glob("train-*.parquet")))
    read = skyrl.PromptDataset(files, tokenizer, max_prompt_length=4096, num_workers=1)
    told = pq.read_table(files[0]).to_pylist()
    assert len(read) == len(told)
    prompt, environment, extra, _ = read[0]
    assert (prompt, environment) == (told[0]["prompt"], told[0]["env_class"])
    assert extra["reward_spec"]["ground_truth"] == told[0]["reward_spec"]["ground_truth"] == told[0]["answer"]


def test_the_environment_of_the_page_rewards_right_answers(
    released: Path, tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "cotfactory_env.py").write_text(code)
    gym = next(folder for entry in sys.path if (folder := Path(entry) / "skyrl-gym").is_dir())  # as its wheel has it
    for folder in (gym, tmp_path, released / "rl"):
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("COTFACTORY_SERVE", f"{Path(sys.executable).parent / 'cotfactory'} serve")
    monkeypatch.setenv("COTFACTORY_ANY_VERSION", "1")  # the made rows name a version of their own
    import cotfactory_env  # type: ignore[import-not-found]  # noqa: F401 - it registers itself
    import skyrl_gym

    files = sorted(map(str, (released / "rl").glob("train-*.parquet")))
    prompt, environment, extra, _ = skyrl.PromptDataset(files, tokenizer, 4096, num_workers=1)[0]
    rewards = []
    for answer in (extra["answer"], "19"):
        episode = skyrl_gym.make(environment, env_config=None, extras=extra)
        episode.init(prompt)
        rewards.append(episode.step(rf"So it is \boxed{{{answer}}}.")["reward"])
    assert rewards == [1.0, 0.0]
