"""Where imports come from: a dataset of the Hub at one commit, with all of its columns, and what is not there."""

from pathlib import Path

import pytest

from cotfactory.generators.imports.import_source import source_rows
from cotfactory.generators.problems.hub_source import HubAccess
from cotfactory.schemas.errors import ProblemSourceError
from tests.generators.imports.rows import openr1_row
from tests.generators.problems.test_hub_source import push_rows
from tests.publishing.hub_server import HubServer

ROWS = [openr1_row("42", "41", uuid=f"u-{number}") for number in range(3)]


def test_a_dataset_is_read_with_all_its_columns(hub_server: HubServer, tmp_path: Path) -> None:
    push_rows(hub_server, ROWS, tag="v1")
    push_rows(hub_server, ROWS[:1], tag="v2")
    hub = HubAccess(cache_folder=tmp_path)

    found = list(source_rows("org/sums", "v1", "train", hub))

    assert [where for where, _ in found] == [f"row {number} of org/sums, split train" for number in range(3)]
    assert [row for _, row in found] == ROWS


def test_what_is_not_there_is_named(hub_server: HubServer, tmp_path: Path) -> None:
    hub = HubAccess(cache_folder=tmp_path / "hub")
    (tmp_path / "empty").mkdir()

    with pytest.raises(ProblemSourceError, match="org/nothing"):
        list(source_rows("org/nothing", "main", "train", hub))
    with pytest.raises(ProblemSourceError, match="does not exist"):
        list(source_rows(str(tmp_path / "none.jsonl"), "main", "train", hub))
    with pytest.raises(ProblemSourceError, match="holds no file with rows"):
        list(source_rows(str(tmp_path / "empty"), "main", "train", hub))
