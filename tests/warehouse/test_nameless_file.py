"""What is put aside comes back, and leaves nothing in the folder."""

import tempfile
from pathlib import Path

import pytest

from cotfactory.schemas.errors import WorkspaceError
from cotfactory.warehouse.nameless_file import NamelessFile


def test_what_is_put_aside_comes_back(tmp_path: Path) -> None:
    with NamelessFile(tmp_path) as file:
        file.append(b"one\n")
        file.append(b"two\n")
        file.flush()
        assert file.size == 8
        assert file.read(2, 6) == b"e\ntw"
        assert list(file.lines()) == list(file.lines()) == [b"one\n", b"two\n"]
        assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's own full disk stands in for the nameless file."""
    full = Path("/dev/full").open("r+b")  # noqa: SIM115
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full)
    file = NamelessFile(tmp_path)
    file.append(b"x")
    with pytest.raises(WorkspaceError, match="No space left"):
        file.flush()
    full.raw.close()
