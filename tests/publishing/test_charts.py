"""The process that draws pictures may die, hang or talk nonsense: that costs the pictures, not the release."""

import logging
from pathlib import Path

import pytest

from cotfactory.publishing import charts
from cotfactory.publishing.release import ReleaseOutcome
from cotfactory.publishing.release_folder import open_release
from tests.publishing.test_release import mixed, release

FAULTS = {
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with code -9"),
    "an error": ("raise MemoryError('no room')", "ended with code 1: MemoryError: no room"),
    "nothing": ("", "JSONDecodeError"),
    "not our JSON": ("print(1)", "TypeError"),
    "fewer pictures": ("print('[]')", "ValueError"),
    "not base64": ('print(\'[["<svg/>", "a"], ["<svg/>", "a"]]\')', "Error"),
    "hung": ("import time; time.sleep(600)", "not done after"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_release_without_pictures_says_so(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code, said = FAULTS[fault]
    monkeypatch.setattr(charts, "DRAW", code)
    if fault == "hung":
        monkeypatch.setattr(charts, "DRAW_TIMEOUT_S", 0.5)
    with caplog.at_level(logging.WARNING):
        outcome = release(tmp_path, mixed(3))
    (line,) = [record for record in caplog.records if record.name == charts.__name__]
    assert said in vars(line)["error"]
    assert "vl_convert" not in vars(line)["error"]  # the whole script is in a CalledProcessError's own words
    assert not (outcome.path / charts.CHARTS).exists()
    for page in ("README.md", "report.html"):
        assert "The pictures of this release could not be drawn." in (outcome.path / page).read_text("utf-8")
    assert open_release(outcome.path)


def test_a_release_with_pictures_does_not(tmp_path: Path) -> None:
    outcome: ReleaseOutcome = release(tmp_path, mixed(3))
    assert (outcome.path / charts.CHARTS).is_dir()
    assert "could not be drawn" not in (outcome.path / "README.md").read_text("utf-8")
