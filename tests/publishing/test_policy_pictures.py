"""Pictures of policies in report.html: their lines, and nothing of a trainer's words but letters and digits."""

import subprocess
from typing import Any

import pytest

from cotfactory.publishing import charts
from cotfactory.publishing import policy_pictures as module
from cotfactory.publishing.policy_pictures import MOST_LINES, OTHERS, policy_pictures
from cotfactory.publishing.release_statistics import ReleaseStatistics
from cotfactory.publishing.report_page import report_page
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.policy_progress import PolicyProgress, RolloutShare, Stretch
from tests.publishing.made_groups import made_facts, made_recipe

HOSTILE = "<script>alert(1)</script>"
ALARM = Alarm(teacher="policy:a", kind="reward_drift", seen=60, samples=100, text="<b>drift")


def share(domain: str, reward: float | None, rollouts: int = 10, **more: Any) -> RolloutShare:
    counts = {"rollouts": rollouts, "rewarded": 0 if reward is None else rollouts, "right": 0, "wrong_steps": 0}
    return RolloutShare(**({"domain": domain, "reward": reward, "characters": 100.0} | counts | more))


def progress(*stretches: Stretch) -> PolicyProgress:
    return PolicyProgress(policy="a", axis="checkpoint", stretches=stretches, alarms=(ALARM,))


def points(found: PolicyProgress) -> list[list[tuple[str, str, float]]]:
    """Return the points of the four pictures: place, line, value."""
    return [
        [(point["at"], point["line"], point["value"]) for point in chart["data"]["values"]]
        for chart in module._specifications(found)
    ]


def test_lines_of_the_pictures() -> None:
    first = Stretch(
        name="0",
        shares=(share("algebra", 0.2, right=2, wrong_steps=1, rules={"boxed": 2}), share("code", None)),
    )
    last = Stretch(name="9", shares=(share("algebra", 0.8, 30, right=8, rules={"boxed": 6, "last_line": 2}),))
    reward, rule, wrong, characters = points(progress(first, last))
    assert reward == [("0", "algebra", 0.2), ("9", "algebra", 0.8)]  # no point where nothing has a reward
    assert rule == [("0", "boxed", 1.0), ("9", "boxed", 0.75), ("9", "last_line", 0.25)]
    assert wrong == [("0", "all rollouts", 0.5), ("9", "all rollouts", 0.0)]
    assert characters == [("0", "all rollouts", 100.0), ("9", "all rollouts", 100.0)]


def test_rare_domains_share_a_line_by_weight() -> None:
    common = [share(f"d{number}", 1.0, 50) for number in range(MOST_LINES)]
    rare = [share("rare", 0.0, 10), share("rarer", 1.0, 30)]
    lines = {line: value for _, line, value in points(progress(Stretch(name="0", shares=(*common, *rare))))[0]}
    assert lines[OTHERS] == 0.75
    assert len(lines) == MOST_LINES + 1


def test_page_shows_them_and_no_word_of_others_is_markup() -> None:
    found = progress(Stretch(name=HOSTILE, shares=(share(HOSTILE, 0.5, right=5, rules={"boxed": 5}),)))
    (shown,) = policy_pictures([found])
    assert (shown.rollouts, shown.right, shown.reward, len(shown.pictures)) == (10, 5, 0.5, 4)
    for picture in shown.pictures:
        assert picture.startswith("<svg")
        assert "<script" not in picture
        assert "alert(" not in picture  # not even escaped


def test_page_without_pictures_tells_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "DRAW", "")
    found = progress(Stretch(name="0", shares=(share("algebra", 0.5, right=5),)))
    facts = made_facts().model_copy(update={"policies": (found,)})
    manifest = Manifest(
        name="ducks",
        version="v1.0.0",
        parent=None,
        rows_sha="0",
        recipe=made_recipe().model_dump_json(),
        rows={},
        files=(),
        contract_sha={},
        facts=facts,
    )
    page = report_page(manifest, ReleaseStatistics(), {}, {})
    assert "<h2>Rollouts of a</h2>" in page
    assert "10 rollouts of problems of this release, 5 right (50.0 %), mean reward 0.500" in page
    assert '<p class="bad">reward_drift: &lt;b&gt;drift</p>' in page
    assert "The pictures of these rollouts could not be drawn." in page


def test_no_process_without_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    assert policy_pictures([]) == []
