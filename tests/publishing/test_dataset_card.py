"""The card parses, loads with its own lines, and shows hostile names as they are, without letting them act."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import datasets
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.publishing.dataset_card import cell
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release import write_release
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.decontamination import METHODS, BenchmarkShare, Decontamination, PlantedRecall, Planting
from cotfactory.schemas.grade import Decision
from cotfactory.schemas.group import Group
from cotfactory.schemas.manifest import ReleaseFacts, StrengthOfTests
from cotfactory.schemas.recipe import Attempts, Recipe
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from tests.publishing.made_groups import (
    KEY,
    PRODUCTS,
    in_split,
    made_candidate,
    made_facts,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_recipe,
    made_tools_group,
)

TEN_MIXED: dict[Product, int] = {
    "sft": 20,
    "sft_chat_reasoning_content": 20,
    "sft_chat_no_reasoning": 10,
    "preference": 10,
    "preference_conversations": 10,
    "preference_text": 10,
    "kto": 30,
    "kto_text": 30,
    "rl": 10,
    "self_correction": 10,
    "all_graded": 40,
    "steps": 20,
}


def release_of(workspace: Path, recipe: Recipe, facts: ReleaseFacts) -> Path:
    groups = ((made_mixed_group(number),) for number in range(10))
    return write_release(recipe.name, groups, recipe, facts, workspace / "releases", workspace / "staging").path


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release_of(tmp_path_factory.mktemp("workspace"), made_recipe(), made_facts())


@pytest.fixture(scope="module")
def card(released: Path) -> str:
    return (released / "README.md").read_text("utf-8")


def front_matter(card: str) -> Any:
    return yaml.safe_load(card.split("---\n")[1])


@pytest.mark.parametrize("product", PRODUCTS)
def test_folder_loads_as_it_is(released: Path, tmp_path: Path, product: Product) -> None:
    loaded = datasets.load_dataset(str(released), product, cache_dir=str(tmp_path))
    assert set(loaded) == {"train"}
    assert loaded["train"].num_rows == TEN_MIXED[product]
    assert loaded["train"].column_names == ROW_SCHEMAS[product].names
    # What the card says of the columns is what the library finds in the files.
    assert loaded["train"].features == datasets.Features.from_arrow_schema(ROW_SCHEMAS[product])


def test_chains_with_calls_load_with_their_calls(tmp_path: Path) -> None:
    recipe = made_recipe("sft_tools")
    groups = [(made_tools_group(number),) for number in range(3)]
    told = made_facts(problems=groups).model_copy(update={"kept_with_calls": 3})
    path = write_release(recipe.name, groups, recipe, told, tmp_path / "releases", tmp_path / "staging").path
    row = datasets.load_dataset(str(path), "sft_tools", split="train", cache_dir=str(tmp_path / "cache"))[0]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert row["messages"][1]["tool_calls"][0]["function"] == {"name": "python", "arguments": {"code": "9 + 9"}}
    assert json.loads(row["tools"])[0]["function"]["name"] == "python"
    assert "`tools` goes to the chat template" in (path / "README.md").read_text("utf-8")


def test_chains_are_loaded_by_default(released: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(released), split="train", cache_dir=str(tmp_path))
    row = loaded[0]
    assert row["messages"][-1]["content"].endswith(row["response"])


def test_held_out_split_loads_by_its_name(tmp_path: Path) -> None:
    groups = [(made_mixed_group(number),) for number in range(4)]
    groups.append((in_split(made_mixed_group(4), "test"),))
    recipe = made_recipe()
    folders = tmp_path / "releases", tmp_path / "staging"
    path = write_release(recipe.name, groups, recipe, made_facts(problems=groups), *folders).path
    for product in PRODUCTS:
        loaded = datasets.load_dataset(str(path), product, cache_dir=str(tmp_path / "cache"))
        assert list(loaded) == ["train", "test"]
        assert set(loaded["test"]["split"]) == {"test"}
        assert set(loaded["train"]["split_group"]).isdisjoint(loaded["test"]["split_group"])


def test_verl_reads_the_rl_files(released: Path, tmp_path: Path) -> None:
    # As verl's RLHFDataset does: the Parquet files themselves, through `datasets`.
    files = [str(path) for path in (released / "rl").glob("*.parquet")]
    frame = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))["train"]
    for row in frame:
        assert row["prompt"][-1]["role"] == "user"
        assert row["reward_model"] == {"style": "rule", "ground_truth": "18"}
        assert isinstance(row["extra_info"]["index"], int)
        assert row["data_source"] == "lighteval/MATH"
        assert row["ability"] == "math"


def test_front_matter_is_what_the_hub_reads(card: str, released: Path) -> None:
    told = front_matter(card)
    assert told["license"] == "mit"
    assert {"synthetic", "reasoning"} <= set(told["tags"])
    assert told["size_categories"] == ["n<1K"]
    assert [(config["config_name"], config.get("default")) for config in told["configs"]] == [
        (product, True if product == "sft" else None) for product in PRODUCTS
    ]
    for info in told["dataset_info"]:
        shards = list((released / info["config_name"]).glob("*.parquet"))
        assert info["download_size"] == sum(path.stat().st_size for path in shards)
        features = datasets.Features._from_yaml_list(info["features"])
        assert features.arrow_schema.remove_metadata() == ROW_SCHEMAS[info["config_name"]]


def test_card_says_what_a_reader_asks(card: str) -> None:
    for said in (
        "| problems | 10 |  |",
        "| rows | 220 |  |",
        "| asked | 40 |  |",
        "| answered | 30 | 75.0 % |",
        "| correct | 20 | 50.0 % |",
        "| ungraded | 10 |",
        "| incorrect | 10 |",
        "| owl | owl-7b | `solve` | apache-2.0 | permissive |",
        "| owl | 40 | 20 | 20 | 100.0 % | 400 | 120 | 26 | 0.5000 | 0.025000 |",
        "| `final_answer` | string | no |",
        "| graded correct | verdict | `expect_column_values_to_be_in_set` | 20 | 0 |",
        "| no grader accepted a falsified answer | mutants\\_accepted | `expect_column_values_to_be_between` | 0 |",
        "cotfactory run ducks.yaml",
        "0.1.0+abc",
    ):
        assert said in card


def test_recipe_on_the_card_is_the_recipe(card: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", card, re.DOTALL)
    recipe = made_recipe()
    told = Recipe.model_validate(yaml.safe_load(block))
    assert told.teachers == recipe.teachers
    assert told.release == recipe.release
    assert "/somewhere/else" not in card  # no folder of the machine that made it


def test_repository_gives_lines_to_copy(tmp_path: Path) -> None:
    recipe = made_recipe("sft", "rl", repo="org/ducks")
    card = (release_of(tmp_path, recipe, made_facts()) / "README.md").read_text("utf-8")
    assert 'load_dataset("org/ducks", "sft", split="train", revision="v1.0.0")' in card
    assert 'polars.scan_parquet("hf://datasets/org/ducks@v1.0.0/rl/*.parquet")' in card


def found_out_group() -> Group:
    """Return two kept chains with labels, one that repeats the other and one with a wrong step that holds a key."""
    problem = made_problem(0)
    chains = [made_candidate(problem, index, reasoning=f"Way {index}.") for index in range(3)]
    group = made_group(problem, [*map(made_graded, chains), made_graded(made_candidate(problem, 3))])
    first, second, repeat, wrong = group.decisions
    decisions = (
        first.model_copy(update={"flags": ("answer_first", "wrong_step"), "detail": "3 * 4 = 13"}),
        second.model_copy(update={"flags": ("answer_first",)}),
        dropped(repeat, "near_duplicate", f"of {first.candidate_id}"),
        dropped(wrong, "wrong_step", f"2 + 2 = 5|{KEY}"),
    )
    return group.model_copy(update={"decisions": decisions})


def dropped(decision: Decision, reason: str, detail: str) -> Decision:
    return decision.model_copy(update={"kept": False, "reason": reason, "detail": detail})


def test_card_and_page_tell_what_the_run_found(tmp_path: Path) -> None:
    """Labels, what decisions rest on, problems outside the band, agreement, alarms, the strength of tests."""
    problem = made_problem(1)
    wrong = [made_graded(made_candidate(problem, n, model="elk"), "incorrect", found="17") for n in range(5)]
    elk = made_group(problem, wrong, model="elk").model_copy(update={"teacher": "elk"})
    owl = made_group(problem, [made_graded(made_candidate(problem, n), "incorrect", found="17") for n in range(5)])
    groups = [(found_out_group(),), (owl, elk)]
    alarm = Alarm(teacher="owl", kind="truncated", seen=3, samples=9, text="3 of 9 samples | were cut")
    facts = made_facts(problems=groups).model_copy(update={"alarms": (alarm,)})
    recipe = made_recipe("sft", "rl", "all_graded").model_copy(
        update={"attempts": Attempts(mode="band", band=(0.3, 1.0))}
    )
    folders = tmp_path / "releases", tmp_path / "staging"
    strength = StrengthOfTests(problems=4, mutants=40, noticed=30, fifths=(1, 0, 0, 0, 3))
    path = write_release(recipe.name, groups, recipe, facts, *folders, strength=lambda: strength).path
    card, page = (path / "README.md").read_text("utf-8"), (path / "report.html").read_text("utf-8")
    for said in (
        r"| answer\_first | 2 | 100.0 % |",
        r"| wrong\_step | 1 | 50.0 % |",
        "`all_graded` has them row by row",
        "| outside\\_band | 1 |",
        "| kept | correct (equal); 3 \\* 4 = 13; answer\\_first; wrong\\_step |",
        f"| dropped: near\\_duplicate | correct (equal); of {str(groups[0][0].decisions[0].candidate_id)[:8]}... |",
        "(withheld: this chain holds what looks like a key)",
        "all of these agree on 1; on 1 of them on the same wrong answer, where the reference may be at fault",
        r"- owl, `truncated`: 3 of 9 samples \| were cut",
        "30 of 40 simple mutants of the reference solutions of\n4 problems are noticed",
        "| 1 | 0 | 0 | 0 | 3 |",
        "A program that passes is as right as its tests are strong",
    ):
        assert said in card
    for said in ("outside_band", "answer_first", "3 of 9 samples | were cut", "Reference answers to look at"):
        assert said in page
    assert KEY not in card + page
    assert read_manifest(path).without_rl == {"outside_band": 1}
    plain = made_recipe("sft")
    without = write_release(plain.name, groups, plain, facts, tmp_path / "other", tmp_path / "staging").path
    assert read_manifest(without).without_rl == {}


def test_long_tables_are_folded_and_still_tables(card: str) -> None:
    assert card.count("<details>") == card.count("</details>") == 2 * len(PRODUCTS)
    # Markdown begins again only after an empty line.
    assert len(re.findall(r"<details><summary>[^\n]+</summary>\n\n", card)) == 2 * len(PRODUCTS)
    assert len(re.findall(r"\n\n</details>\n\n", card)) == 2 * len(PRODUCTS)


def test_hostile_names_do_not_act(tmp_path: Path) -> None:
    facts = made_facts()
    hostile = "m`|<script>alert(1)</script>\n---\n# [x](http://x) ```"
    teacher = facts.teachers[0].model_copy(update={"model": hostile, "license": "a: [b"})
    recipe = made_recipe("sft")
    specs = (recipe.teachers[0].model_copy(update={"model": hostile}),)
    card = (
        release_of(
            tmp_path,
            recipe.model_copy(update={"teachers": specs}),
            facts.model_copy(update={"teachers": (teacher,)}),
        )
        / "README.md"
    ).read_text("utf-8")
    outside_recipe = card[: card.index("## How it was made")]
    assert "<script>" not in outside_recipe
    assert "\n# [x]" not in outside_recipe
    row, _gave = [line for line in outside_recipe.splitlines() if line.startswith("| owl |")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6  # five cells
    assert front_matter(card)["pretty_name"] == "ducks"
    # The fence around the recipe is longer than any run of backticks in it.
    (block,) = re.findall(r"^````yaml\n(.*?)^````$", card, re.DOTALL | re.MULTILINE)
    assert Recipe.model_validate(yaml.safe_load(block)).teachers[0].model == hostile


@given(st.text())
def test_cell_is_one_line_that_ends_no_cell(text: str) -> None:
    shown = cell(text)
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(\\\\)*[|`*_\[\]<>]", shown)


def test_card_says_how_well_decontamination_works(tmp_path: Path) -> None:
    methods = [*METHODS, "any"]
    planted = tuple(
        PlantedRecall(planting=planting, method=method, found=found, planted=40)
        for planting in get_args(Planting)
        for found, method in enumerate(methods, 34)
    )
    share = BenchmarkShare(benchmark="aime|.jsonl", texts=30, problems=2, candidates=1)
    alarms = dict.fromkeys(methods, 3)
    found = Decontamination(benchmarks=(share,), planted=planted, clean=500, false_alarms=alarms)
    facts = made_facts().model_copy(update={"decontamination": found})
    card = (release_of(tmp_path, made_recipe(), facts) / "README.md").read_text("utf-8")
    assert r"| aime\|.jsonl | 30 | 2 | 1 |" in card
    header, line, *rows = card[card.index("| planted |") :].splitlines()[: 2 + len(get_args(Planting)) + 1]
    assert header == "| planted | texts | exact | words_8 | words_13 | masked_8 | covered_7 | characters | any |"
    assert line == "|---|---:|" + "---:|" * len(methods)
    assert rows[1] == "| digits swapped | 40 | 85.0 % | 87.5 % | 90.0 % | 92.5 % | 95.0 % | 97.5 % | 100.0 % |"
    assert rows[-1] == "| false alarms | 500 | 3 | 3 | 3 | 3 | 3 | 3 | 3 |"


def test_a_release_that_was_compared_with_no_benchmark_says_so_and_promises_nothing(released: Path, card: str) -> None:
    assert "Not checked against any benchmark" in card
    assert "Not checked against any benchmark" in (released / "report.html").read_text("utf-8")
    for told in (card, (released / "contract.json").read_text("utf-8")):
        assert "nothing contaminated is published" not in told
    checked = made_facts().model_copy(
        update={"decontamination": Decontamination(benchmarks=(), planted=(), clean=0, false_alarms={})}
    )
    other = release_of(released.parents[3] / "compared", made_recipe(), checked)
    assert "Not checked against any benchmark" not in (other / "README.md").read_text("utf-8")
    assert "nothing contaminated is published" in (other / "contract.json").read_text("utf-8")
