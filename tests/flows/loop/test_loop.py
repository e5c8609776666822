"""The loop with a student that has no model: killed wherever, it goes on, and ends as one that was left alone."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from cotfactory.flows.build import build
from cotfactory.flows.host.trusted_commands import refuse_untrusted_commands, trust_commands
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.loop.estimates import Estimate
from cotfactory.flows.loop.loop import LoopRequest, loop, why_no_more
from cotfactory.flows.loop.loop_summary import LoopSummary
from cotfactory.flows.loop.run_prove import RoundProgress
from cotfactory.flows.loop.student_commands import filled
from cotfactory.flows.prepare import BuildRequest
from cotfactory.flows.stage_runner import DirectStages, Stage
from cotfactory.schemas.errors import RecipeError, TrainingFailed
from cotfactory.schemas.recipe import Attempts
from cotfactory.schemas.rounds import Rounds

FAKE = f"{sys.executable} {Path(__file__).with_name('fake_student.py')}"
STAGES = ["load problems", "grade stored chains", "ask student from problem 0", "measure", "curate", "release", "train"]
T = TypeVar("T")


@pytest.fixture(scope="module", autouse=True)
def no_pictures() -> Iterator[None]:
    """What draws takes seconds, and is not what these tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        for place in ("cotfactory.flows.loop.curves.drawn", "cotfactory.publishing.charts.drawn"):
            patch.setattr(place, lambda specifications: [("<svg/>", b"")] * len(specifications))
        yield


class Killed(BaseException):
    """What kill -9 is, for a test: nothing that is caught."""


class KillingStages(DirectStages):
    """Runs stages, and dies where the first one of a name begins."""

    def __init__(self, name: str) -> None:
        self.name: str | None = name

    async def run(self, name: str, stage: Stage[T]) -> T:
        if self.name is not None and name.startswith(self.name):
            raise Killed
        return await super().run(name, stage)


def write_recipe(folder: Path, **rounds: Any) -> Path:
    folder.mkdir(exist_ok=True)
    log = folder / "asked.log"
    recipe = {
        "name": "sums",
        "problems": [{"source": "file", "path": "sums.jsonl", "license": "mit"}],
        "rounds": {
            "max": 2,
            "problems_per_round": 6,
            "base": "none",
            "stop_if_falls": "pass_at_1",
            "train": f"{FAKE} train {{release}} {{out}}",
            "serve": f"{FAKE} serve {{out}} {{port}} {log}",
            **rounds,
        },
        "teachers": [
            {
                "name": "student",
                "model": "student",
                "rounds": True,
                "sampling": {"max_tokens": 50, "seed": 0},
                "price": {"input": 1, "output": 1},
            }
        ],
        "attempts": 4,
        "budget": {"usd": 1.0},
        "curation": {"held_out": {"share": 0.3}},
        "release": {"products": ["sft"], "license": "mit"},
    }
    lines = [
        f'{{"id": "s{n}", "question": "What is {n} + {3 * n}?", "answer": "{4 * n}", "answer_kind": "math"}}\n'
        for n in range(24)
    ]
    (folder / "sums.jsonl").write_text("".join(lines))
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def go_round(recipe: Path, runner: DirectStages | None = None) -> LoopSummary:
    request = LoopRequest(load_recipe(recipe), recipe.parent, recipe.parent / "w", "warning")
    return asyncio.run(loop(request, runner or DirectStages(), RoundProgress()))


def asked(recipe: Path) -> Counter[str]:
    return Counter((recipe.parent / "asked.log").read_text().splitlines())


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LoopSummary]:
    recipe = write_recipe(tmp_path_factory.mktemp("loop"))
    return recipe, go_round(recipe)


def test_a_student_learns_and_every_round_has_its_release(left_alone: tuple[Path, LoopSummary]) -> None:
    recipe, summary = left_alone
    first, second, third = summary.rounds
    assert (first.release, second.release, third.release) == (None, "v0.1.0", "v0.2.0")
    assert second.model.startswith(f"student+{(second.rows_sha or '')[:16]}.")
    assert len({first.model, second.model, third.model}) == 3
    assert first.measured.valid.value < second.measured.valid.value
    assert second.ahead_of_last is not None
    assert second.ahead_of_last.low > 0
    assert second.kept < third.kept  # both rounds' chains are in the second release
    calls = sum(asked(recipe).values())
    assert summary.cost_usd == pytest.approx(calls * 30e-6)
    assert "valid pass@1" in Path(summary.page or "").read_text()
    assert (recipe.parent / "w" / "rounds" / "sums" / "1" / "train.log").read_text() == "learned\n"


def test_what_is_held_out_is_never_learned_from(left_alone: tuple[Path, LoopSummary]) -> None:
    """Each held-out question is asked of all three students, each other one of one of them alone, or of none."""
    recipe, summary = left_alone
    students: dict[str, set[str]] = {}
    for line in asked(recipe):
        model, a, _, _ = line.split()
        students.setdefault(a, set()).add(model)
    assert Counter(map(len, students.values())) == {3: summary.rounds[0].measured.problems, 1: 12}


def test_a_loop_that_is_done_asks_and_trains_nothing(left_alone: tuple[Path, LoopSummary]) -> None:
    recipe, summary = left_alone
    before, trained = asked(recipe), (recipe.parent / "w/rounds/sums/2/trained.json").stat().st_mtime_ns
    assert go_round(recipe) == summary
    assert asked(recipe) == before
    assert (recipe.parent / "w/rounds/sums/2/trained.json").stat().st_mtime_ns == trained


def test_killed_at_each_stage_it_ends_the_same_and_nothing_is_paid_twice(
    left_alone: tuple[Path, LoopSummary], tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "k", max=1)
    (recipe.parent / "w" / "rounds" / "sums").mkdir(parents=True)
    (recipe.parent / "w" / "rounds" / "sums" / "half").touch()
    for stage in STAGES:
        with pytest.raises(Killed):
            go_round(recipe, KillingStages(stage))
    with pytest.raises(TrainingFailed, match="code"):  # it was killed itself, and has left half a model behind
        go_round(recipe)
    summary = go_round(recipe)
    assert [done.rows_sha for done in summary.rounds] == [done.rows_sha for done in left_alone[1].rounds[:2]]
    assert max(asked(recipe).values()) == 1
    assert asked(recipe).keys() <= asked(left_alone[0]).keys()


@pytest.mark.parametrize(
    ("number", "ahead", "chosen", "says"),
    [
        (2, (-0.2, -0.3, -0.1), 6, "round 1 made pass_at_1 worse, by -20.0 (-30.0 to -10.0) points"),
        (2, (-0.2, -0.4, 0.1), 6, None),  # it may be luck
        (2, None, 6, None),  # nothing is watched
        (3, (-0.2, -0.3, -0.1), 0, "round 2 made"),  # the last one is told, too
        (3, (0.2, 0.1, 0.3), 0, None),
        (2, (0.2, 0.1, 0.3), 0, "no problems are left for round 2"),
    ],
)
def test_why_there_is_no_further_round(
    number: int, ahead: tuple[float, float, float] | None, chosen: int, says: str | None
) -> None:
    rounds = Rounds(
        max=2, problems_per_round=6, train="t {release} {out}", serve="s {out} {port}", stop_if_falls="pass_at_1"
    )
    estimate = None if ahead is None else Estimate(value=ahead[0], low=ahead[1], high=ahead[2])
    why = why_no_more(rounds, number, estimate, frozenset(map(str, range(chosen))))
    assert (why or "").startswith(says) if says else why is None


@pytest.mark.slow
def test_a_round_that_made_it_worse_is_the_last_one(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "f", base="good", train=f"{FAKE} forget {{release}} {{out}}")
    (recipe.parent / "good").mkdir()
    (recipe.parent / "good" / "rows").write_text("50")
    summary = go_round(recipe)
    assert [done.round for done in summary.rounds] == [0, 1]
    assert "round 1 made pass_at_1 worse" in (summary.stopped or "")


def test_commands_of_a_stranger_are_not_started(tmp_path: Path) -> None:
    """What was trusted is the words in this folder: neither another command nor the same one elsewhere."""
    here = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    recipe, folder = load_recipe(write_recipe(tmp_path / "s")), tmp_path / "s"
    with pytest.raises(RecipeError, match=r"starts commands of its own.*fake_student.*--trust-commands"):
        refuse_untrusted_commands(recipe, folder, here)
    trust_commands(recipe, folder, said=False, ask=lambda question: "fake_student" not in question, environment=here)
    with pytest.raises(RecipeError, match="--trust-commands"):
        refuse_untrusted_commands(recipe, folder, here)
    trust_commands(recipe, folder, said=True, ask=None, environment=here)
    refuse_untrusted_commands(recipe, folder, here)
    with pytest.raises(RecipeError, match="--trust-commands"):
        refuse_untrusted_commands(recipe, tmp_path, here)
    other = load_recipe(write_recipe(tmp_path / "s", train="sh other.sh {release} {out}"))
    with pytest.raises(RecipeError, match=r"other\.sh"):
        refuse_untrusted_commands(other, folder, here)


def test_a_recipe_with_rounds_is_no_single_run(tmp_path: Path) -> None:
    recipe = load_recipe(write_recipe(tmp_path / "r"))
    with pytest.raises(RecipeError, match="cotfactory loop"):
        asyncio.run(build(BuildRequest(recipe, tmp_path / "w"), DirectStages(), RoundProgress()))


def test_the_same_recipe_may_not_become_another_between_rounds(left_alone: tuple[Path, LoopSummary]) -> None:
    recipe, _ = left_alone
    changed = load_recipe(recipe).model_copy(update={"attempts": Attempts(max=3)})
    request = LoopRequest(changed, recipe.parent, recipe.parent / "w", "warning")
    with pytest.raises(RecipeError, match=r"sums@v0\.1\.0, the release of round 1, was made by another recipe"):
        asyncio.run(loop(request, DirectStages(), RoundProgress()))


@pytest.mark.parametrize(
    ("rounds", "says"),
    [
        ({"train": "sh train.sh {out}"}, "{release}"),
        ({"serve": "sh serve.sh {out}"}, "{port}"),
        ({"train": "sh train.sh {release} {out} {outt}"}, "placeholders"),
        ({"train": "sh train.sh {release} {out} {from}", "base": None}, "rounds.base"),
        ({"restart_from": "last"}, "{from}"),
        ({"train": "sh '{release} {out}"}, "no command"),
    ],
)
def test_commands_that_cannot_work_are_refused_when_the_recipe_is_read(
    rounds: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=re.escape(says)):
        load_recipe(write_recipe(tmp_path / "c", **rounds))


@pytest.mark.parametrize("name", ["student", "gpu"])
def test_the_examples_are_recipes(name: str) -> None:
    assert load_recipe(Path(__file__).parents[3] / "examples" / "loop" / f"{name}.yaml").rounds is not None


def test_a_value_of_a_command_stays_one_word() -> None:
    words = filled("sh train.sh {release} --out={out} {port}", {"release": "a b; rm", "out": "$(x) {release}"})
    assert words == ["sh", "train.sh", "a b; rm", "--out=$(x) {release}", "{port}"]
