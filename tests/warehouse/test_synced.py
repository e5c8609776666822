"""Files that a power cut finds whole or not at all, and lines that it finds in their order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cotfactory.warehouse.synced import append_line, rename, write_lines


def test_a_file_that_cannot_be_finished_is_never_seen(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "first"
        raise OSError("No space left on device")

    write_lines(tmp_path / "a.txt", ["before"])
    with pytest.raises(OSError, match="No space"):
        write_lines(tmp_path / "a.txt", lines())
    assert (tmp_path / "a.txt").read_text("utf-8") == "before\n"


def test_lines_stand_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_lines(path, ["é", ""])
    append_line(path, "last")
    assert path.read_bytes() == "é\n\nlast\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_takes_the_name_and_place_of_another(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new", "utf-8")
    (tmp_path / "old").write_text("old", "utf-8")
    rename(tmp_path / "new", tmp_path / "old")
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [("old", "new")]
