"""Curves of estimates round by round with their intervals, and the page that shows them: it loads and runs nothing."""

import subprocess
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from cotfactory.flows.loop.estimates import Estimate
from cotfactory.publishing.charts import chart, drawn

STYLE = """
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto;
padding: 0 1rem } table { border-collapse: collapse; font-size: 14px } th, td { padding: .25rem .5rem; text-align:
right; white-space: nowrap; border-bottom: 1px solid #8884 } th:first-child, td:first-child { text-align: left }
.soft { color: #808080 } .bad { color: #c0392b; font-weight: 600 } .good { color: #2a9d8f; font-weight: 600 }
figure { margin: 1rem 0 } svg { max-width: 100%; height: auto }
"""
COLOURS = ("#2a9d8f", "#e9a23b", "#5b7db1", "#e07a5f", "#8e6bbf")
Curves = Mapping[str, Sequence[Estimate]]
"""By name, the estimates after 0, 1, 2, ... rounds."""


def page(title: str, body: str) -> str:
    """Return a whole page."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{STYLE}</style></head><body>
{body}</body></html>
"""


def pictures(panels: Mapping[str, Curves]) -> str:
    """Return one picture for each title; a line that says so where they cannot be drawn."""
    try:
        found = drawn([_panel(curves, title) for title, curves in panels.items()])
    except (OSError, subprocess.SubprocessError, TypeError, ValueError):
        return '<p class="soft">The pictures could not be drawn; the tables hold the same.</p>'
    return "".join(f"<figure>{svg}</figure>" for svg, _ in found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of texts."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{names}</tr>{lines}</table>"


def _panel(curves: Curves, title: str) -> dict[str, Any]:
    rows = [
        {"name": name, "round": number, **_percents(found)}
        for name, estimates in curves.items()
        for number, found in enumerate(estimates)
    ]
    names = list(curves)
    scale = {"domain": names, "range": COLOURS[: len(names)]}
    colour = {"field": "name", "type": "nominal", "title": None, "sort": names, "scale": scale}
    across = {"field": "round", "type": "quantitative", "title": "rounds learned", "axis": {"tickMinStep": 1}}
    up = {"type": "quantitative", "title": "%", "scale": {"domain": [0, 100]}}
    specification = chart(rows, {"type": "line", "point": True}, {"x": across, "y": {"field": "value", **up}}, title)
    line = {"mark": specification.pop("mark"), "encoding": {**specification.pop("encoding"), "color": colour}}
    band = {
        "mark": {"type": "area", "opacity": 0.18},
        "encoding": {"x": across, "y": {"field": "low", **up}, "y2": {"field": "high"}, "color": colour},
    }
    return {**specification, "layer": [band, line]}


def _percents(found: Estimate) -> dict[str, float]:
    return {"value": 100 * found.value, "low": 100 * found.low, "high": 100 * found.high}
