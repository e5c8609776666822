"""What is kept is taken for the very same key alone, and whole or not at all."""

from pathlib import Path

import pytest

from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "it's here")


def written(workspace: Workspace, text: str) -> Path:
    path = workspace.staging / "made"
    path.unlink(missing_ok=True)  # as it may be another name of what is kept
    path.write_text(text, "utf-8")
    return path


def taken(kept: Kept, kind: str, key: str, workspace: Workspace) -> str | None:
    found = kept.take(kind, key, workspace.staging)
    return None if found is None else found.read_text("utf-8")


def test_one_file_of_a_kind_is_kept_for_one_key_recipe_and_code(workspace: Workspace) -> None:
    kept = Kept(workspace, "r", "code")
    assert taken(kept, "ids", "k", workspace) is None
    kept.keep("ids", "k", written(workspace, "1"))
    kept.keep("ids-of-others", "k", written(workspace, "2"))
    assert taken(kept, "ids", "k", workspace) == "1"
    assert taken(Kept(workspace, "r", "code", keeps=False), "ids", "k", workspace) == "1"
    others = [Kept(workspace, "r", "other code"), Kept(workspace, "another", "code")]
    assert [taken(other, "ids", "k", workspace) for other in others] == [None, None]
    assert taken(kept, "ids", "other key", workspace) is None
    kept.keep("ids", "other key", written(workspace, "3"))
    assert (taken(kept, "ids", "k", workspace), taken(kept, "ids", "other key", workspace)) == (None, "3")
    assert taken(kept, "ids-of-others", "k", workspace) == "2"
    Kept(workspace, "r", "code", keeps=False).keep("ids", "k", written(workspace, "4"))
    assert taken(kept, "ids", "other key", workspace) == "3"


def test_a_torn_or_damaged_file_is_none(workspace: Workspace) -> None:
    kept = Kept(workspace, "r", "code")
    kept.keep("ids", "k", written(workspace, "all of it"))
    (path,) = (workspace.kept / "r" / "ids").iterdir()
    path.write_text("all of", "utf-8")
    assert taken(kept, "ids", "k", workspace) is None
    kept.keep("ids", "k", written(workspace, "all of it"))
    assert taken(kept, "ids", "k", workspace) == "all of it"


def test_what_the_disk_refuses_is_not_kept(workspace: Workspace) -> None:
    workspace.kept.write_text("no folder", "utf-8")
    kept = Kept(workspace, "r", "code")
    kept.keep("ids", "k", written(workspace, "1"))
    assert taken(kept, "ids", "k", workspace) is None
