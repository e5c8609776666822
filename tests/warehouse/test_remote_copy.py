"""What is sealed goes to an object storage and comes home as it was, whatever is there, was cut short or merged."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.warehouse import remote_copy
from cotfactory.warehouse.catalog import build_catalog, query_catalog
from cotfactory.warehouse.compact import compact
from cotfactory.warehouse.remote_copy import CopiedFile, Storage, bring, latest_copy, open_storage, send
from cotfactory.warehouse.tables import seed_tables, write_table
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive
from tests.builders import a_candidate

SERVER = os.environ.get("COTFACTORY_TEST_STORAGE")
"""URL of a bucket to test against as well, as `s3://bucket?endpoint_override=127.0.0.1:5000&scheme=http`."""


@pytest.fixture(params=["folder", pytest.param("server", marks=pytest.mark.skipif(SERVER is None, reason="no server"))])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/there")
    bucket, _, options = str(SERVER).partition("?")
    return open_storage(f"{bucket}/{uuid4()}?{options}")


def seal(workspace: Workspace, name: str, chains: list[str]) -> None:
    rows = [{**a_candidate(candidate_id=chain).model_dump(), "recipe": "r", "run_id": name} for chain in chains]
    write_table(workspace, "candidates", name, rows)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = open_workspace(tmp_path / "here")
    seed_tables(workspace)
    for number in range(3):
        seal(workspace, f"shard-{number}", [f"{number}-{row}" for row in range(2)])
    released = workspace.releases / "r" / "v1.0.0"
    released.mkdir(parents=True)
    (released / "manifest.json").write_text("{}")
    (workspace.ledger / "unconfirmed.jsonl").write_text("a line\n")
    (workspace.ledger / "shard-9-run.journal").write_text("open\n")
    return workspace


def chains(workspace: Workspace) -> list[tuple[str]]:
    build_catalog(workspace)
    return query_catalog(workspace, "SELECT candidate_id FROM candidates ORDER BY ALL")[1]


def brought(storage: Storage, folder: Path) -> Workspace:
    home = open_workspace(folder)
    bring(latest_copy(storage), storage, home)
    return home


def test_what_is_sealed_comes_home(workspace: Workspace, storage: Storage, tmp_path: Path) -> None:
    send(workspace, storage)
    home = brought(storage, tmp_path / "home")
    assert chains(home) == chains(workspace)
    assert (home.ledger / "unconfirmed.jsonl").read_text() == "a line\n"
    assert (home.releases / "r" / "v1.0.0" / "manifest.json").read_text() == "{}"
    assert not list(home.ledger.glob("*.journal"))
    assert bring(latest_copy(storage), storage, home) == 0


def test_a_copy_is_of_one_workspace_and_comes_home_to_an_empty_one(
    workspace: Workspace, storage: Storage, tmp_path: Path
) -> None:
    send(workspace, storage)
    other = open_workspace(tmp_path / "other")
    seal(other, "shard-7", ["7-0"])
    with pytest.raises(InputError, match="holds copies of another workspace"):
        send(other, storage)
    with pytest.raises(WorkspaceError, match="which is not in the latest copy"):
        bring(latest_copy(storage), storage, other)
    assert chains(other) == [("7-0",)]


def test_a_copy_is_not_in_what_it_copies(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="lies in the workspace"):
        send(workspace, open_storage(f"file://{workspace.root}/copy"))


def test_only_what_is_new_is_copied(workspace: Workspace, storage: Storage, tmp_path: Path) -> None:
    """A file that grows is kept as it was in the copies that were made before."""
    first = send(workspace, storage)
    assert send(workspace, storage) == type(first)(first.copy, 0, 0, first.files)
    seal(workspace, "shard-3", ["3-0"])
    (workspace.ledger / "unconfirmed.jsonl").write_text("a line\nanother\n")
    assert send(workspace, storage).files == 3  # the table's file, its sum, and the books
    assert len(storage.names("copies")) == 2
    assert len(chains(brought(storage, tmp_path / "home"))) == 7


def test_a_copy_that_was_cut_short_is_gone_on_with(
    workspace: Workspace, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not listed yet is in no copy, and is not sent twice."""
    written: list[str] = []

    def fails(storage: Storage, name: str, pieces: Iterator[bytes]) -> None:
        if len(written) == 3:
            raise OSError("the line is dead")
        written.append(name)
        write(storage, name, pieces)

    write = remote_copy._write
    monkeypatch.setattr(remote_copy, "_write", fails)
    with pytest.raises(WorkspaceError, match="could not be copied"):
        send(workspace, storage)
    with pytest.raises(WorkspaceError, match="no copy of a workspace"):
        latest_copy(storage)
    monkeypatch.undo()
    sent = send(workspace, storage)
    assert sent.already_there == 3
    assert len(chains(brought(storage, tmp_path / "home"))) == 6


def test_files_that_were_merged_are_in_no_later_copy(workspace: Workspace, storage: Storage, tmp_path: Path) -> None:
    before = chains(workspace)
    send(workspace, storage)
    with exclusive(workspace):
        build_catalog(workspace)
        assert compact(workspace)
    send(workspace, storage)
    home = brought(storage, tmp_path / "home")
    assert len(list(home.table("candidates").glob("shard-*.parquet"))) < 3
    assert chains(home) == before


def test_nothing_there_is_written_over(workspace: Workspace, storage: Storage, tmp_path: Path) -> None:
    """Somebody else's file has the name of ours: it stays, and ours is found by its content."""
    if storage.system.type_name == "local":
        storage.system.create_dir(storage.at("releases/r/v1.0.0"))
    with storage.system.open_output_stream(storage.at("releases/r/v1.0.0/manifest.json")) as stream:
        stream.write(b"[]")
    send(workspace, storage)
    with storage.system.open_input_stream(storage.at("releases/r/v1.0.0/manifest.json")) as read:
        assert read.read() == b"[]"
    home = brought(storage, tmp_path / "home")
    assert (home.releases / "r" / "v1.0.0" / "manifest.json").read_text() == "{}"


def test_what_does_not_fit_is_told(workspace: Workspace, storage: Storage, tmp_path: Path) -> None:
    send(workspace, storage)
    copy = latest_copy(storage)
    used = brought(storage, tmp_path / "used")
    (used.ledger / "unconfirmed.jsonl").write_text("gone on with\n")
    with pytest.raises(WorkspaceError, match="is other than in the copy"):
        bring(copy, storage, used)
    damaged = next(file for file in copy.files if file.path.endswith("shard-1.parquet"))
    with storage.system.open_output_stream(storage.at(damaged.object)) as stream:
        stream.write(b"x" * damaged.size)
    with pytest.raises(WorkspaceError, match="is not as it was sent"):
        brought(storage, tmp_path / "home")
    assert not (tmp_path / "home" / damaged.path).exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("bucket/prefix", "expected a URL"),
        ("s3://key:secret@bucket/prefix", "without credentials"),
        ("ftp://host/prefix", "cannot be used"),
    ],
)
def test_what_is_no_storage(url: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        open_storage(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("path", ["../x", "tables/../../x", "/etc/passwd", "tables//x", "x", ".ssh/authorized_keys"])
def test_a_copy_cannot_name_files_outside_of_a_workspace(path: str) -> None:
    with pytest.raises(ValueError, match="lies outside"):
        CopiedFile(path=path, object="objects/a", size=1, sha256="a")
