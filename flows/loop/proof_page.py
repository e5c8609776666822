"""prove.html: the curves of all arms with their intervals, what is claimed beside what is true, and the numbers."""

import subprocess
from collections.abc import Sequence
from html import escape
from typing import Any, Literal

from cotfactory.flows.loop.estimates import Estimate
from cotfactory.flows.loop.proof import Proof
from cotfactory.publishing.charts import chart, drawn

PANELS: dict[Literal["valid", "claimed", "pass_at_8"], str] = {
    "valid": "True: right answer, and every step holds (valid pass@1)",
    "claimed": "Claimed: right answer, whatever the steps (pass@1)",
    "pass_at_8": "At least one valid chain in eight (pass@8)",
}
STYLE = """
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto;
padding: 0 1rem } table { border-collapse: collapse } th, td { padding: .25rem .8rem; text-align: right; border-bottom:
1px solid #8884 } th:first-child, td:first-child { text-align: left } .soft { color: #808080 } .bad { color: #c0392b;
font-weight: 600 } .good { color: #2a9d8f; font-weight: 600 } figure { margin: 1rem 0 } svg { max-width: 100%; height:
auto }
"""
COLOURS = ("#2a9d8f", "#e9a23b", "#5b7db1", "#e07a5f", "#8e6bbf")


def proof_page(proof: Proof) -> str:
    """Return the page: it loads nothing, runs nothing, and goes without pictures where none can be drawn."""
    broken = proof.broken()
    verdict = (
        "".join(f'<p class="bad">{escape(line)}</p>' for line in broken)
        or '<p class="good">The proof stands: what was kept teaches, what was not does not.</p>'
    )
    ahead = "".join(
        f"<li>strict is ahead of {escape(name)} by {found.percent()} points</li>"
        for name, found in proof.strict_ahead_of.items()
    )
    kept = "".join(f"<li><b>{escape(name)}</b>: {escape(means)}</li>" for name, means in proof.means.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>cotfactory prove</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{STYLE}</style></head><body>
<h1>What this filter does to a student</h1>
{verdict}<ul>{ahead}</ul>
<p>Every arm begins with the same student and asks the same {proof.problems_per_round} problems a round,
{proof.attempts} chains each, with the same seeds; it learns from as many rows as the others, of the same problems, and
differs in nothing but what it may learn from. Percent on held-out problems, 95 % intervals over problems,
{proof.seeds} {"seed" if proof.seeds == 1 else "seeds"}.</p><ul>{kept}</ul>
{_pictures(proof)}
<h2>Valid pass@1, round by round</h2>{_rounds(proof)}
<h2>After the last round</h2>{_last(proof)}
<p class="soft">{proof.seconds:,.0f} s in all.</p></body></html>
"""


def _pictures(proof: Proof) -> str:
    try:
        pictures = drawn([_panel(proof, measure, title) for measure, title in PANELS.items()])
    except (OSError, subprocess.SubprocessError, TypeError, ValueError):
        return '<p class="soft">The pictures could not be drawn; the tables hold the same.</p>'
    return "".join(f"<figure>{svg}</figure>" for svg, _ in pictures)


def _panel(proof: Proof, measure: Literal["valid", "claimed", "pass_at_8"], title: str) -> dict[str, Any]:
    rows = [
        {"arm": name, "round": done.round, **_percents(getattr(done.measured, measure))}
        for name, rounds in proof.rounds.items()
        for done in rounds
    ]
    names = list(proof.rounds)
    scale = {"domain": names, "range": COLOURS[: len(names)]}
    colour = {"field": "arm", "type": "nominal", "title": None, "sort": names, "scale": scale}
    across = {"field": "round", "type": "quantitative", "title": "rounds learned", "axis": {"tickMinStep": 1}}
    up = {"type": "quantitative", "title": "% of chains", "scale": {"domain": [0, 100]}}
    specification = chart(rows, {"type": "line", "point": True}, {"x": across, "y": {"field": "value", **up}})
    line = {"mark": specification.pop("mark"), "encoding": {**specification.pop("encoding"), "color": colour}}
    band = {
        "mark": {"type": "area", "opacity": 0.18},
        "encoding": {"x": across, "y": {"field": "low", **up}, "y2": {"field": "high"}, "color": colour},
    }
    return {**specification, "layer": [band, line], "title": {"text": title, "color": "#808080", "anchor": "start"}}


def _percents(found: Estimate) -> dict[str, float]:
    return {"value": 100 * found.value, "low": 100 * found.low, "high": 100 * found.high}


def _rounds(proof: Proof) -> str:
    count = max(len(rounds) for rounds in proof.rounds.values())
    return _table(
        ["round", *proof.rounds],
        [
            [str(number), *(rounds[number].measured.valid.percent() for rounds in proof.rounds.values())]
            for number in range(count)
        ],
    )


def _last(proof: Proof) -> str:
    rows = []
    for name, rounds in proof.rounds.items():
        last = rounds[-1].measured
        learned = f"{sum(done.rows for done in rounds):,}"
        shown = [last.valid, last.claimed, last.pass_at_8]
        rows.append([name, learned, *(found.percent() for found in shown), f"{last.problems:,}"])
    return _table(["arm", "rows learned", "true", "claimed", "pass@8", "held-out problems"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{names}</tr>{lines}</table>"
