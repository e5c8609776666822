"""A release is whole, checked and the same again; a failing contract or a full disk leaves nothing."""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars
import pytest
from pydantic import TypeAdapter

from cotfactory.data_contracts.report import ContractReport, Subject
from cotfactory.publishing.diff import diff_releases
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release import ReleaseOutcome, write_release
from cotfactory.schemas.decontamination import Decontamination
from cotfactory.schemas.errors import ContractFailed, WorkspaceError
from cotfactory.schemas.group import Group
from cotfactory.schemas.manifest import ReleaseFacts
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product
from tests.publishing.made_groups import (
    KEY,
    contaminated,
    in_split,
    made_candidate,
    made_facts,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_recipe,
)

REPORTS: TypeAdapter[dict[Subject, ContractReport]] = TypeAdapter(dict[Subject, ContractReport])


TEN_MIXED: dict[Product, int] = {
    "sft": 20,
    "sft_chat_reasoning_content": 20,
    "sft_chat_no_reasoning": 10,  # two chains of a problem differ in their thinking alone
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
"""The rows of ten mixed groups."""


def mixed(*numbers: int) -> list[tuple[Group, ...]]:
    return [(made_mixed_group(number),) for number in numbers]


def release(
    workspace: Path,
    problems: Sequence[Sequence[Group]],
    recipe: Recipe | None = None,
    facts: ReleaseFacts | None = None,
) -> ReleaseOutcome:
    chosen = recipe or made_recipe("sft")
    told = facts or made_facts(problems=problems)
    return write_release(chosen.name, iter(problems), chosen, told, workspace / "releases", workspace / "staging")


def visible(workspace: Path) -> list[str]:
    """Return what a reader of the workspace can see, and what staging left."""
    return sorted(
        path.relative_to(workspace).as_posix()
        for folder in ("releases", "staging")
        for path in (workspace / folder).rglob("*")
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one release of ten problems; nobody changes it."""
    workspace = tmp_path_factory.mktemp("workspace")
    release(workspace, mixed(*range(10)), made_recipe())
    return workspace


@pytest.fixture(scope="module")
def released(workspace: Path) -> Path:
    return workspace / "releases" / "ducks" / "v1.0.0"


def test_manifest_lists_every_file_as_it_is(released: Path) -> None:
    manifest = read_manifest(released)
    on_disk = {path.relative_to(released).as_posix(): path for path in released.rglob("*") if path.is_file()}
    on_disk.pop("manifest.json")
    assert {file.path for file in manifest.files} == set(on_disk)
    for file in manifest.files:
        content = on_disk[file.path].read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    counted = {file.path: file.rows for file in manifest.files if file.rows is not None}
    assert counted == {f"{product}/train-00000-of-00001.parquet": rows for product, rows in TEN_MIXED.items()}
    assert manifest.rows == TEN_MIXED
    assert manifest.funnel[-1].model_dump() == {"stage": "rows", "count": 220}
    assert (manifest.version, manifest.parent) == ("v1.0.0", None)


def test_contract_report_is_in_the_folder(released: Path) -> None:
    reports = REPORTS.validate_json((released / "contract.json").read_bytes())
    assert list(reports) == [*TEN_MIXED, "release"]
    assert all(report.passed for report in reports.values())


def held_out(*numbers: int) -> list[tuple[Group, ...]]:
    return [(in_split(made_mixed_group(number), "test"),) for number in numbers]


def test_held_out_problems_have_files_of_their_own(tmp_path: Path) -> None:
    outcome = release(tmp_path, [*mixed(1, 2, 3), *held_out(4)], made_recipe("sft", "rl"))
    files = {file.path: file.rows for file in read_manifest(outcome.path).files if file.rows}
    assert files == {
        "rl/test-00000-of-00001.parquet": 1,
        "rl/train-00000-of-00001.parquet": 3,
        "sft/test-00000-of-00001.parquet": 2,
        "sft/train-00000-of-00001.parquet": 6,
    }
    assert outcome.rows == {"sft": 8, "rl": 4}
    kept_apart = duckdb.read_parquet(f"{outcome.path}/sft/test-*.parquet").project("problem_id").distinct().fetchall()
    assert kept_apart == [(made_mixed_group(4).problem.problem_id,)]


def test_moving_a_problem_to_the_other_side_is_a_change(tmp_path: Path) -> None:
    first = release(tmp_path, mixed(1, 2))
    moved = release(tmp_path, [*mixed(1), *held_out(2)])
    assert (moved.unchanged, moved.rows) == (False, {"sft": 4})
    assert moved.rows_sha != first.rows_sha


def test_split_group_on_both_sides_stops_the_release(tmp_path: Path) -> None:
    here, there = made_mixed_group(1), in_split(made_mixed_group(2), "test")
    problem = there.problem.model_copy(update={"split_group": here.problem.split_group})
    twin = there.model_copy(update={"problem": problem})
    with pytest.raises(ContractFailed, match="no split group on both sides of the split"):
        release(tmp_path, [(here,), (twin,)])
    assert visible(tmp_path) == []


def test_contaminated_chain_that_was_kept_all_the_same_stops_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [(contaminated(made_mixed_group(1), 1),)]
    assert release(tmp_path / "careful", groups, made_recipe("preference", "all_graded")).rows["preference"] == 0
    monkeypatch.setattr("cotfactory.publishing.products.who_may_appear.may_leave", lambda graded, decision: True)
    compared = Decontamination(benchmarks=(), planted=(), clean=0, false_alarms={})
    facts = made_facts(problems=groups).model_copy(update={"decontamination": compared})
    with pytest.raises(ContractFailed, match="nothing contaminated is published"):
        release(tmp_path / "careless", groups, made_recipe("preference", "all_graded"), facts)


def test_grader_that_was_fooled_stops_the_release(tmp_path: Path) -> None:
    facts = made_facts(problems=mixed(1)).model_copy(update={"mutants": MutantCheck(chains=1, made=1, accepted=1)})
    with pytest.raises(ContractFailed, match="no grader accepted a falsified answer"):
        release(tmp_path, mixed(1), facts=facts)
    assert visible(tmp_path) == []


def test_same_recipe_that_loses_most_of_its_rows_stops(tmp_path: Path) -> None:
    release(tmp_path, mixed(1, 2, 3))
    with pytest.raises(ContractFailed, match=r"rows_lost_share = 0\.667"):
        release(tmp_path, mixed(1))
    # Another recipe may ask for less.
    assert release(tmp_path, mixed(1), facts=made_facts(recipe_id="other", problems=mixed(1))).version == "v2.0.0"


def test_nothing_is_left_in_staging(workspace: Path) -> None:
    assert [path for path in visible(workspace) if path.startswith("staging/")] == []


def test_duckdb_and_polars_read_the_folder(released: Path) -> None:
    turns = duckdb.read_parquet(f"{released}/sft/*.parquet").project("messages[-1].role AS role")
    assert turns.fetchall() == [("assistant",)] * 20
    frame = polars.scan_parquet(f"{released}/rl/*.parquet").collect()
    assert frame["reward_model"].struct.field("ground_truth").to_list() == ["18"] * 10


def test_same_rows_and_recipe_are_no_new_release(tmp_path: Path) -> None:
    first = release(tmp_path, mixed(1, 2, 3))
    before = visible(tmp_path)
    again = release(tmp_path, mixed(3, 1, 2))  # the order of arrival does not matter
    assert (again.unchanged, again.path, again.version) == (True, first.path, "v1.0.0")
    assert (again.rows_sha, again.rows) == (first.rows_sha, first.rows)
    assert visible(tmp_path) == before


def test_order_of_arrival_leaves_no_trace_in_the_files(tmp_path: Path) -> None:
    first = release(tmp_path / "one", mixed(1, 2, 3))
    second = release(tmp_path / "two", mixed(3, 2, 1))
    assert first.rows_sha == second.rows_sha
    for path in sorted(first.path.rglob("*.*")):
        assert path.read_bytes() == (second.path / path.relative_to(first.path)).read_bytes(), path.name


def test_versions_follow_from_what_changed(tmp_path: Path) -> None:
    made = [
        release(tmp_path, mixed(1, 2)),
        release(tmp_path, mixed(1, 2, 3)),  # rows came
        release(
            tmp_path, mixed(1, 2, 3), facts=made_facts(recipe_id="other", problems=mixed(1, 2, 3))
        ),  # the recipe alone
        release(tmp_path, mixed(2, 3), facts=made_facts(recipe_id="other", problems=mixed(2, 3))),  # rows went
    ]
    assert [outcome.version for outcome in made] == ["v1.0.0", "v1.1.0", "v1.1.1", "v2.0.0"]
    assert [read_manifest(outcome.path).parent for outcome in made] == [None, "v1.0.0", "v1.1.0", "v1.1.1"]
    assert made[1].rows_sha == made[2].rows_sha
    pages = [(outcome.path / "CHANGELOG.md").read_text() for outcome in made]
    assert [page.count("\n## v") for page in pages] == [1, 2, 3, 4]
    diff = diff_releases(made[0].path, made[1].path)
    assert (diff.before, diff.after) == ("ducks v1.0.0", "ducks v1.1.0")
    assert {product: (each.added, each.removed, each.changed) for product, each in diff.products.items()} == {
        "sft": (2, 0, 0)
    }


def test_more_samples_change_rows_without_withdrawing_any(tmp_path: Path) -> None:
    group = made_mixed_group(1)
    fewer = made_group(group.problem, group.candidates[:2])
    release(tmp_path, [(fewer,)], made_recipe("rl"))
    assert release(tmp_path, [(group,)], made_recipe("rl")).version == "v1.1.0"
    diff = diff_releases(*sorted((tmp_path / "releases" / "ducks").iterdir())).products
    assert (diff["rl"].added, diff["rl"].removed, diff["rl"].changed) == (0, 0, 1)


@pytest.fixture
def bad_groups() -> dict[str, list[tuple[Group, ...]]]:
    """Groups that no run should have kept, by what is wrong with them."""
    problem, unlicensed = made_problem(50), made_problem(51, licence=None)
    bad = {
        "wrong verdict": made_group(problem, [made_graded(made_candidate(problem), "incorrect")], kept=[True]),
        "truncated": made_group(problem, [made_graded(made_candidate(problem, finish_reason="length"))]),
        "no licence": made_group(unlicensed, [made_graded(made_candidate(unlicensed))]),
        "key": made_group(problem, [made_graded(made_candidate(problem, response=f"It is {KEY}."))]),
        "no reasoning": made_group(problem, [made_graded(made_candidate(problem, reasoning=None))]),
        "no answer": made_group(problem, [made_graded(made_candidate(problem), found=None)]),
    }
    return {name: [*mixed(1), (group,)] for name, group in bad.items()} | {"twice": mixed(1, 2, 1)}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong verdict", "sft: graded correct: expect_column_values_to_be_in_set(verdict) failed for 1 of 3"),
        ("truncated", "sft: not cut short or broken off:"),
        ("no licence", "sft: license is told:"),
        ("key", "sft: no key-like string in any text:"),
        ("no answer", "sft: final_answer is told:"),
        ("twice", "sft: no row twice: expect_column_values_to_be_unique(row_id) failed for 2 of 6"),
    ],
)
def test_failing_contract_leaves_nothing(
    tmp_path: Path, bad_groups: dict[str, list[tuple[Group, ...]]], name: str, said: str
) -> None:
    with pytest.raises(ContractFailed) as caught:
        release(tmp_path, bad_groups[name])
    lines = [line for line in caught.value.message.splitlines() if line.startswith(said)]
    assert lines, caught.value.message
    assert ", such as " in lines[0]
    assert KEY not in str(caught.value)
    assert caught.value.exit_code == 3
    assert visible(tmp_path) == []  # not even an empty releases/ducks


def test_reasoning_is_demanded_where_the_recipe_demands_it(
    tmp_path: Path, bad_groups: dict[str, list[tuple[Group, ...]]]
) -> None:
    demanding = made_recipe("sft", require_reasoning=True)
    with pytest.raises(ContractFailed, match="reasoning present, as the recipe demands"):
        release(tmp_path, bad_groups["no reasoning"], demanding)
    assert not release(tmp_path, bad_groups["no reasoning"]).unchanged


def test_failing_contract_leaves_earlier_releases_alone(
    tmp_path: Path, bad_groups: dict[str, list[tuple[Group, ...]]]
) -> None:
    release(tmp_path, mixed(1))
    before = visible(tmp_path)
    with pytest.raises(ContractFailed):
        release(tmp_path, bad_groups["truncated"])
    assert visible(tmp_path) == before


@pytest.mark.parametrize("nothing", ["no problems", "no rows"])
def test_no_rows_are_no_release(tmp_path: Path, nothing: str) -> None:
    problem = made_problem(answer=" ")
    groups = [(made_group(problem, [made_graded(made_candidate(problem), "no_answer")]),)]
    with pytest.raises(ContractFailed, match="Nothing to release"):
        release(tmp_path, groups if nothing == "no rows" else [], made_recipe("sft", "preference", "rl"))
    assert visible(tmp_path) == []


def test_product_without_rows_is_left_out(tmp_path: Path) -> None:
    problem = made_problem()
    groups = [(made_group(problem, [made_graded(made_candidate(problem))]),)]
    outcome = release(tmp_path, groups, made_recipe("sft", "preference"))
    assert outcome.rows == {"sft": 1, "preference": 0}
    assert read_manifest(outcome.path).rows == {"sft": 1}  # `datasets` refuses to load a split of none
    assert sorted(path.name for path in outcome.path.iterdir() if path.is_dir()) == ["charts", "index", "sft"]


def test_product_that_lost_all_rows_makes_a_major_version(tmp_path: Path) -> None:
    group = made_mixed_group(1)
    right = [each for each in group.candidates if each.grade.verdict == "correct"]
    release(tmp_path, [(group,)], made_recipe("sft", "preference"))
    groups = [(made_group(group.problem, right),)]
    facts = made_facts(recipe_id="other", problems=groups)
    assert release(tmp_path, groups, made_recipe("sft", "preference"), facts).version == "v2.0.0"


def test_key_in_the_recipe_is_not_published(tmp_path: Path) -> None:
    recipe = made_recipe("sft")
    teacher = recipe.teachers[0].model_copy(update={"model": KEY})
    with pytest.raises(ContractFailed, match=r"README\.md: . key-like strings") as caught:
        release(tmp_path, mixed(1), recipe.model_copy(update={"teachers": (teacher,)}))
    assert KEY not in str(caught.value)
    assert visible(tmp_path) == []


def test_left_over_of_a_dead_run_is_swept(tmp_path: Path) -> None:
    (tmp_path / "staging" / "ducks" / "out" / "v1.0.0").mkdir(parents=True)
    assert release(tmp_path, mixed(1)).version == "v1.0.0"
    assert [path for path in visible(tmp_path) if path.startswith("staging/")] == []


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "releases").write_text("a file where a folder is expected")
    with pytest.raises(WorkspaceError, match="Cannot write the release of ducks"):
        release(tmp_path, mixed(1))


FULL_DISK = """
import resource, sys
from pathlib import Path
from cotfactory.publishing.release import write_release
from cotfactory.schemas.errors import WorkspaceError
from tests.publishing.made_groups import made_facts, made_mixed_group, made_recipe

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
workspace, groups = Path(sys.argv[1]), [(made_mixed_group(1),)]
try:
    write_release("ducks", groups, made_recipe("sft"), made_facts(), workspace / "releases", workspace / "staging")
except WorkspaceError as error:
    print(error.message)
"""


@pytest.mark.parametrize("most_bytes", [100, 3_000])  # too small for the rows, and for the shard
def test_file_that_does_not_fit_is_told(tmp_path: Path, most_bytes: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(most_bytes)],
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith("Cannot write the release of ducks: "), told.stderr
    assert "too large" in told.stdout
    assert visible(tmp_path) == []


def test_damaged_parent_is_told(tmp_path: Path) -> None:
    outcome = release(tmp_path, mixed(1))
    (outcome.path / "manifest.json").unlink()
    with pytest.raises(WorkspaceError, match=r"v1\.0\.0 is not a release"):
        release(tmp_path, mixed(1, 2))
