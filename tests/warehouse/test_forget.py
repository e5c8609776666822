"""Which chains of a recipe stay because others use them, in a made workspace: a row for each way to use one."""

from datetime import timedelta
from pathlib import Path

import pytest

from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.checksums import check_sealed
from cotfactory.warehouse.compact import compact
from cotfactory.warehouse.forget import STAYS, forget, what_goes
from cotfactory.warehouse.seal import write_problems
from cotfactory.warehouse.tables import seed_tables, write_table
from cotfactory.warehouse.workspace import TABLES, Workspace, open_workspace
from tests.builders import AT, a_candidate, a_problem
from tests.reviewing.made_reviews import a_review

PROBLEMS: list[Problem] = [a_problem(f"What is {number} + 1?", str(number + 1), row=str(number)) for number in range(3)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """`mine` has four chains: a draft, what goes on from it, and two more; all of the first problem but the last."""
    workspace = open_workspace(tmp_path / "w")
    seed_tables(workspace)
    ids = [problem.problem_id for problem in PROBLEMS]
    chains = [("draft", None, 0), ("revised", "draft", 0), ("other", None, 0), ("elsewhere", None, 1)]
    rows = [
        {
            **a_candidate(candidate_id=name, problem=ids[problem], parent_id=parent).model_dump(),
            "recipe": "mine",
            "run_id": "r",
        }
        for name, parent, problem in chains
    ]
    write_table(workspace, "candidates", "s-r", rows)
    write_problems(workspace, "mine", PROBLEMS[:2])
    return workspace


def decide(workspace: Workspace, output: str, chain: str) -> None:
    row = {"candidate_id": chain, "kept": True, "problem_id": "p", "recipe": output, "decided_at": AT}
    write_table(workspace, "decisions", output, [row])


def left(workspace: Workspace) -> set[str]:
    forget(workspace, "mine")
    build_catalog(workspace)
    return {row[0] for row in query_catalog(workspace, "SELECT candidate_id FROM candidates")[1]}


def test_what_nobody_else_uses_goes(workspace: Workspace) -> None:
    decide(workspace, "mine", "revised")
    decide(workspace, "mine-first-20", "other")  # a trial of its own
    (workspace.rounds / "mine" / "round-1").mkdir(parents=True)
    (workspace.rounds / "mine" / "round-1" / "weights").write_bytes(b"x")
    assert what_goes(workspace, "mine").rows["decisions"] == 2
    assert left(workspace) == set()
    assert query_catalog(workspace, "FROM problems")[1] == []
    assert not (workspace.rounds / "mine").exists()


def test_a_decided_chain_of_another_stays_with_what_it_goes_on_from(workspace: Workspace) -> None:
    decide(workspace, "theirs", "revised")
    assert left(workspace) == {"draft", "revised"}
    assert len(query_catalog(workspace, "FROM problems")[1]) == 1  # a chain is never without its problem


def test_a_recipe_of_that_name_is_no_trial(workspace: Workspace) -> None:
    decide(workspace, "mine-first-20", "other")
    write_table(workspace, "runs", "r9", [{"run_id": "r9", "recipe": "mine-first-20"}])
    assert left(workspace) == {"other"}


def test_a_released_or_reviewed_chain_of_another_stays(workspace: Workspace) -> None:
    row = {"recipe": "theirs", "version": "v1.0.0", "problem_id": "p", "candidate_id": "other"}
    write_table(workspace, "released", "theirs-v1.0.0", [row])
    review = a_review(recipe="theirs", candidate_id="elsewhere", reviewed_at=AT + timedelta(hours=1))
    write_table(workspace, "reviews", "single-r", [review.model_dump()])
    assert left(workspace) == {"other", "elsewhere"}


def test_a_chain_that_goes_on_from_one_keeps_it(workspace: Workspace) -> None:
    theirs = a_candidate(candidate_id="theirs", parent_id="other").model_dump()
    write_table(workspace, "candidates", "s-t", [{**theirs, "recipe": "theirs", "run_id": "t"}])
    assert left(workspace) == {"other", "theirs"}


def test_a_recipe_that_was_stopped_before_it_decided_keeps_the_chains_of_its_problems(workspace: Workspace) -> None:
    write_problems(workspace, "theirs", PROBLEMS[:1])
    assert left(workspace) == {"draft", "revised", "other"}


def test_every_table_is_looked_at() -> None:
    assert {*STAYS} == {*TABLES}


def test_what_was_merged_with_chains_of_others_goes_alone(workspace: Workspace) -> None:
    theirs = a_candidate(candidate_id="theirs", parent_id="other").model_dump()
    write_table(workspace, "candidates", "s-t", [{**theirs, "recipe": "theirs", "run_id": "t"}])
    assert [(merged.before, merged.after) for merged in compact(workspace)] == [(2, 1)]
    assert left(workspace) == {"other", "theirs"}
    check_sealed(workspace)
