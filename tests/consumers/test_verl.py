"""verl reads the RL files themselves, and its scorers read the answers that the prompts ask for."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("verl")
omegaconf = pytest.importorskip("omegaconf")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(("split", "problems"), [("train", 8), ("test", 2)])
def test_rlhf_dataset_reads_the_files(
    released: Path, tmp_path: Path, tokenizer: Any, split: str, problems: int
) -> None:
    from verl.utils.dataset.rl_dataset import RLHFDataset

    files = [str(path) for path in (released / "rl").glob(f"{split}-*.parquet")]
    config = omegaconf.OmegaConf.create({"cache_dir": str(tmp_path), "max_prompt_length": 512})
    dataset = RLHFDataset(files, tokenizer, config)
    assert len(dataset) == problems
    row = dataset[0]
    assert row["raw_prompt"][-1]["role"] == "user"
    assert row["extra_info"]["split"] == split
    assert row["index"] == row["extra_info"]["index"]


@pytest.mark.parametrize(("said", "score"), [(r"So \boxed{18}.", 1.0), (r"So \boxed{17}.", 0.0)])
def test_scorer_reads_the_ground_truth(released: Path, tmp_path: Path, tokenizer: Any, said: str, score: float) -> None:
    from verl.utils.dataset.rl_dataset import RLHFDataset
    from verl.utils.reward_score import default_compute_score

    files = [str(path) for path in (released / "rl").glob("train-*.parquet")]
    config = omegaconf.OmegaConf.create({"cache_dir": str(tmp_path), "max_prompt_length": 512})
    row = RLHFDataset(files, tokenizer, config)[0]
    truth = row["reward_model"]["ground_truth"]
    assert default_compute_score(row["data_source"], said, truth, row["extra_info"]) == score
