"""How the policies that rolled out a release's problems fared: their pictures in report.html.

Domains and checkpoints are words of data sets and trainers: what of them reaches a picture is letters and digits.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cotfactory.publishing.charts import chart, drawn_if_possible, inline_svg
from cotfactory.schemas.policy_progress import PolicyProgress, RolloutShare

MOST_LINES = 6
"""Domains, or rules of extraction, that have a line of their own; the others share one."""
OTHERS = "others"
MOST_LABEL_CHARACTERS = 24
WIDTH, HEIGHT = 300, 150
Point = dict[str, Any]


@dataclass(frozen=True)
class PolicyPictures:
    """One policy: its progress, sums over all of it, and four pictures (none where they could not be drawn)."""

    progress: PolicyProgress
    rollouts: int
    right: int
    reward: float | None
    pictures: tuple[Markup, ...]


def policy_pictures(policies: Sequence[PolicyProgress]) -> list[PolicyPictures]:
    """Return the pictures of each policy, by the order of its training; no process is started where there is none."""
    if not policies:
        return []
    specifications = [_specifications(progress) for progress in policies]
    svgs = iter([svg for svg, _ in drawn_if_possible([each for four in specifications for each in four])])
    return [
        _with_sums(progress, tuple(inline_svg(svg) for _, svg in zip(four, svgs, strict=False)))
        for progress, four in zip(policies, specifications, strict=True)
    ]


def _with_sums(progress: PolicyProgress, pictures: tuple[Markup, ...]) -> PolicyPictures:
    shares = [share for stretch in progress.stretches for share in stretch.shares]
    rollouts, right = sum(share.rollouts for share in shares), sum(share.right for share in shares)
    return PolicyPictures(progress, rollouts, right, _mean_reward(shares), pictures)


def _mean_reward(shares: Sequence[RolloutShare]) -> float | None:
    rewarded = sum(share.rewarded for share in shares)
    return sum((share.reward or 0.0) * share.rewarded for share in shares) / rewarded if rewarded else None


def _specifications(progress: PolicyProgress) -> list[dict[str, Any]]:
    return [
        _lines(progress, "mean reward, by domain", _reward_by_domain(progress)),
        _lines(progress, "right answers, by rule of extraction", _right_by_rule(progress), ".0%"),
        _lines(progress, "right answers with a wrong step", _of_all(progress, _wrong_step_share), ".0%"),
        _lines(progress, "characters of a rollout", _of_all(progress, _mean_characters)),
    ]


def _lines(progress: PolicyProgress, title: str, points: Sequence[Point], number: str = "~s") -> dict[str, Any]:
    names = list(dict.fromkeys(_label(stretch.name) for stretch in progress.stretches))
    return chart(
        list(points),
        {"type": "line", "point": True},
        {
            "x": {"field": "at", "type": "ordinal", "title": progress.axis, "sort": names},
            "y": {"field": "value", "type": "quantitative", "title": None, "axis": {"format": number}},
            "color": {"field": "line", "type": "nominal", "title": None},
        },
        title[:1].upper() + title[1:],
    ) | {"width": WIDTH, "height": HEIGHT}


def _reward_by_domain(progress: PolicyProgress) -> list[Point]:
    counted = Counter[str]()
    for stretch in progress.stretches:
        for share in stretch.shares:
            counted[share.domain] += share.rollouts
    own = _with_a_line(counted)
    points = []
    for stretch in progress.stretches:
        by_line: dict[str, list[RolloutShare]] = {}
        for share in stretch.shares:
            by_line.setdefault(_label(share.domain) if share.domain in own else OTHERS, []).append(share)
        points += [_point(stretch.name, line, _mean_reward(shares)) for line, shares in by_line.items()]
    return [point for point in points if point["value"] is not None]


def _right_by_rule(progress: PolicyProgress) -> list[Point]:
    rules = [sum((Counter(share.rules) for share in stretch.shares), Counter[str]()) for stretch in progress.stretches]
    own = _with_a_line(sum(rules, Counter[str]()))
    points = []
    for stretch, counted in zip(progress.stretches, rules, strict=True):
        lines = Counter[str]()
        for rule, right in counted.items():
            lines[_label(rule) if rule in own else OTHERS] += right
        points += [_point(stretch.name, line, right / counted.total()) for line, right in lines.items()]
    return points


def _of_all(progress: PolicyProgress, value: Callable[[Sequence[RolloutShare]], float | None]) -> list[Point]:
    points = [_point(stretch.name, "all rollouts", value(stretch.shares)) for stretch in progress.stretches]
    return [point for point in points if point["value"] is not None]


def _wrong_step_share(shares: Sequence[RolloutShare]) -> float | None:
    right = sum(share.right for share in shares)
    return sum(share.wrong_steps for share in shares) / right if right else None


def _mean_characters(shares: Sequence[RolloutShare]) -> float:
    return sum(share.characters * share.rollouts for share in shares) / sum(share.rollouts for share in shares)


def _point(at: str, line: str, value: float | None) -> Point:
    return {"at": _label(at), "line": line, "value": value}


def _with_a_line(counted: Counter[str]) -> frozenset[str]:
    return frozenset(name for name, _ in counted.most_common(MOST_LINES))


def _label(text: str) -> str:
    """Return a word of somebody else's as a picture shows it.

    >>> _label("<b>algebra</b>")
    '?b?algebra??b?'
    """
    return re.sub(r"[^\w .+-]", "?", text[:MOST_LABEL_CHARACTERS])
