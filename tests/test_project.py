"""What the project promises about itself: a complete tree, no forbidden names, no path of anybody's machine."""

import importlib.util
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("captioned_tree", ROOT / "scripts" / "captioned_tree.py")
assert _spec is not None
assert _spec.loader is not None
captioned_tree = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(captioned_tree)


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_a_page_shows_every_module() -> None:
    shown = (ROOT / "docs" / "files.md").read_text("utf-8")
    assert captioned_tree.page() == shown, "run: python scripts/captioned_tree.py --write"


def test_every_module_has_a_caption_that_fits_its_line() -> None:
    lines = captioned_tree.tree().splitlines()[1:-1]
    assert [line for line in lines if not line[30:].strip()] == []
    assert [line for line in lines if len(line) > 150] == []


def test_no_file_says_nothing_about_itself() -> None:
    names = {path.stem for path in files()}
    assert not names & {"utils", "helpers", "common", "misc"}


def test_no_path_of_a_machine_and_nothing_of_the_shared_folder() -> None:
    suspicious = re.compile(r"/work/(main|shared|scratch)|/root/|files\.pythonhosted|pypi\.org|deb\.debian")
    found = [
        path.name
        for path in files()
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".sh", ".lock", ".j2"} and path != Path(__file__)
        if suspicious.search(path.read_text("utf-8"))
    ]
    assert found == []
