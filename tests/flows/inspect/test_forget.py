"""A recipe is taken out of a workspace that another one shares: its data goes, the other's stays, money is counted."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from cotfactory.flows.inspect.doctor import back_up_workspace, examine_workspace
from cotfactory.flows.inspect.forget import forget_recipe
from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.warehouse import file_changes
from cotfactory.warehouse.books import all_books, books_of
from cotfactory.warehouse.file_changes import is_changing
from cotfactory.warehouse.workspace import Workspace
from cotfactory.warehouse.workspace_lock import exclusive
from tests.flows.counting_teacher import CountingTeacher, counting_teacher
from tests.flows.test_build import ask, run

CHAINS = "SELECT recipe, count(*), count(DISTINCT candidate_id) FROM candidates GROUP BY ALL ORDER BY ALL"


@pytest.fixture(scope="module")
def teacher() -> Iterator[CountingTeacher]:
    with counting_teacher() as running:
        yield running


@pytest.fixture(scope="module")
def shared(teacher: CountingTeacher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two recipes and a workspace: `big` bought 4 x 3 chains, of which `small` uses 2 x 2."""
    folder = tmp_path_factory.mktemp("shared")
    lines = [
        {"id": f"sum-{n}", "question": f"What is {n} + {n + 1}?", "answer": str(2 * n + 1), "answer_kind": "math"}
        for n in range(4)
    ]
    (folder / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    spec = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"max_tokens": 50, "seed": 0}}
    for name, limit, attempts in (("big", 4, 3), ("small", 2, 2)):
        recipe: dict[str, Any] = {
            "name": name,
            "problems": [{"source": "file", "path": "sums.jsonl", "license": "mit", "limit": limit}],
            "teachers": [{**spec, "price": {"input": 1.0, "output": 1000.0}}],
            "attempts": attempts,
            "budget": {"usd": 9.0},
            "release": {"license": "mit"},
            "shard_problems": 1,
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(recipe))
        run(folder / f"{name}.yaml", folder / "w")
    return folder


@pytest.fixture
def workspace(shared: Path, tmp_path: Path) -> Path:
    """A copy of that workspace."""
    return Path(shutil.copytree(shared / "w", tmp_path / "w"))


def files(workspace: Path) -> dict[str, bytes]:
    """Return what lies in a workspace, but for what is written anew by whoever looks."""
    found = {path.relative_to(workspace): path for path in workspace.rglob("*") if path.is_file()}
    return {
        str(name): path.read_bytes()
        for name, path in found.items()
        if name.parts[0] not in ("catalog.duckdb", "run.lock")
    }


def test_what_goes_is_told_first_and_then_goes(shared: Path, workspace: Path, teacher: CountingTeacher) -> None:
    back_up_workspace(workspace, workspace.with_name("backup"))
    before, books = files(workspace), books_of(Workspace(workspace), "big")
    small_rows = ask(workspace, "FROM decisions WHERE recipe = 'small' ORDER BY ALL")
    told = forget_recipe(str(shared / "big.yaml"), workspace, yes=False)
    assert files(workspace) == before
    assert (told.is_done, told.shared, told.rows["candidates"], told.rows["grades"]) == (False, 4, 8, 8)
    assert {"releases/big", "made_of/big.json", "metrics/big.prom"} <= {*told.paths}
    assert "nothing was changed: --yes does it" in told.text()

    done = forget_recipe("big", workspace, yes=True)
    assert done.model_copy(update={"is_done": False}) == told
    assert examine_workspace(workspace).faults == ()
    assert examine_workspace(workspace).left == ()
    assert ask(workspace, CHAINS) == [("big", 4, 4)]
    assert ask(workspace, "SELECT DISTINCT recipe FROM runs UNION SELECT recipe FROM decisions") == [("small",)]
    assert ask(workspace, "SELECT name FROM releases") == [("small",)]
    assert ask(workspace, "FROM decisions WHERE recipe = 'small' ORDER BY ALL") == small_rows
    # Chains of other problems are nowhere any more, whatever the kind of file.
    assert not [name for name, content in files(workspace).items() if b"What is 3 + 4" in content]
    # Money that was spent stays spent, and a settlement goes on from there.
    assert books_of(Workspace(workspace), "big") == books
    assert {line.budget for line in all_books(Workspace(workspace))} == {"big"}
    # The other recipe has all that it had; this one buys only what went.
    asked = teacher.calls
    assert run(shared / "small.yaml", workspace).teacher_calls == 0
    again = run(shared / "big.yaml", workspace)
    assert (again.teacher_calls, teacher.calls - asked) == (8, 8)
    assert again.release is not None
    assert again.release.version == "v1.0.0"
    assert books_of(Workspace(workspace), "big").spent_usd == pytest.approx(books.spent_usd * 20 / 12)

    # A backup does not keep what was to be forgotten, though it keeps chains that were lost.
    copied = back_up_workspace(workspace, workspace.with_name("backup"))
    assert copied.kept == ()
    assert examine_workspace(workspace.with_name("backup")).faults == ()


def test_with_the_last_recipe_all_goes(workspace: Path) -> None:
    forget_recipe("small", workspace, yes=True)
    forget_recipe("big", workspace, yes=True)
    assert examine_workspace(workspace).faults == ()
    assert ask(workspace, "SELECT (SELECT count(*) FROM candidates) + (SELECT count(*) FROM problems)") == [(0,)]
    assert not list(workspace.glob("releases/*"))
    with pytest.raises(InputError, match="nothing of 'big'"):
        forget_recipe("big", workspace, yes=True)


def lasting(workspace: Path) -> dict[str, bytes]:
    """Return the same without sums, of which a replaced file has two, and without the id of a forgetting."""
    found = {name: content for name, content in files(workspace).items() if not name.endswith(".sha256")}
    line = json.loads(found["ledger/forgotten.jsonl"])
    return {**found, "ledger/forgotten.jsonl": json.dumps({**line, "forgetting_id": ""}).encode()}


class KilledError(BaseException):
    """Stands for kill -9 between two steps."""


def killed_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have a forgetting end after so many steps, -1: before it is decided; return where its steps are noted."""
    done: list[str] = []

    def until_killed(step: Callable[[Workspace, str], None], workspace: Workspace, path: str) -> None:
        if len(done) == steps:
            raise KilledError
        done.append(path)
        step(workspace, path)

    def undecided(*_: object) -> None:
        raise KilledError

    if steps < 0:
        monkeypatch.setattr("cotfactory.warehouse.forget.make_changes", undecided)
    for name in ("_remove", "_put"):
        monkeypatch.setattr(file_changes, name, partial(until_killed, getattr(file_changes, name)))
    return done


def test_cut_short_anywhere_it_is_all_there_or_done_by_the_next(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the decision nothing has changed; after it the next command that holds the workspace does the rest."""
    before, whole = files(workspace), Path(shutil.copytree(workspace, tmp_path / "whole"))
    with monkeypatch.context() as patched:
        done = killed_after(1_000, patched)
        forget_recipe("big", whole, yes=True)
    expected, steps = lasting(whole), len(done)
    assert steps > 10
    for last in (-1, 0, 1, steps // 2, steps - 1):
        place = Path(shutil.copytree(workspace, tmp_path / f"killed-{last}"))
        with monkeypatch.context() as patched:
            killed_after(last, patched)
            with pytest.raises(KilledError):
                forget_recipe("big", place, yes=True)
        assert is_changing(Workspace(place)) == (last >= 0)
        if last == 1:  # whoever reads the tables does the rest
            back_up_workspace(place, tmp_path / "backup-of-killed")
            assert not is_changing(Workspace(place))
        with exclusive(Workspace(place)):  # whatever the next command is
            pass
        assert examine_workspace(place).faults == ()
        if last < 0:
            assert files(place) == before
        else:
            assert lasting(place) == expected


def test_what_is_at_work_is_not_forgotten(workspace: Path) -> None:
    with exclusive(Workspace(workspace)), pytest.raises(WorkspaceError, match="in use"):
        forget_recipe("big", workspace, yes=True)
    for name in ("nobody", "bi", "big-first-1", "%"):
        with pytest.raises(InputError, match=f"nothing of '{name}'"):
            forget_recipe(name, workspace, yes=True)
