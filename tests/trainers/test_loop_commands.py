"""The shipped `train.sh` of the loop: TRL learns from a release, and leaves a model that can be trained on."""

import shlex
from pathlib import Path

import pytest

from cotfactory.publishing.release import write_release
from tests.publishing.made_groups import made_facts, made_mixed_group, made_recipe
from tests.trainers.trainer_environment import trainer_environment

TRAIN = Path(__file__).parents[2] / "examples" / "loop" / "train.sh"
TINY = Path(__file__).with_name("tiny_model.py")


@pytest.mark.slow
def test_train_sh_leaves_a_model_that_the_next_round_goes_on_from(tmp_path: Path) -> None:
    trl = trainer_environment("trl")
    recipe, groups = made_recipe("sft"), [(made_mixed_group(number),) for number in range(8)]
    folders = tmp_path / "releases", tmp_path / "staging"
    release = write_release(recipe.name, groups, recipe, made_facts(problems=groups), *folders).path
    base, once, twice = (tmp_path / name for name in ("base", "once", "twice"))
    trl.run("python", TINY, base)
    for begin, out in ((base, once), (once, twice)):
        words = shlex.join(map(str, ("sh", TRAIN, release, out, begin)))
        trl.run("python", "-c", f"import subprocess; subprocess.run({words!r}, shell=True, check=True)")
        assert (out / "model.safetensors").read_bytes() != (begin / "model.safetensors").read_bytes()
        assert (out / "tokenizer.json").exists()
