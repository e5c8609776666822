"""Pictures of a release: how often problems are solved, how long chains are. Drawn by Vega-Lite, offline.

The specifications are written here, and hold numbers and our own words only, so that the SVG is safe to inline. The
card shows PNG: the Hub serves an SVG as text or as an image by who asks, and a browser may keep the wrong one
(huggingface/hub-docs#1481).
"""

import base64
import json
import logging
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cotfactory.publishing.failed_process import why_it_failed
from cotfactory.publishing.release_counts import PASS_RATE_BINS, ReleaseCounts

logger = logging.getLogger(__name__)

CHARTS = "charts"
GREY = "#808080"
"""Words and lines in this grey, on no ground, can be read on a light and on a dark page."""
DRAW = """
import base64, json, vl_convert
drawn = []
for chart in json.load(sys.stdin):
    png = vl_convert.vegalite_to_png(chart, vl_version="6.4", scale=2)
    drawn.append([vl_convert.vegalite_to_svg(chart, vl_version="6.4"), base64.b64encode(png).decode()])
json.dump(drawn, sys.stdout)
"""
"""A process of its own draws: the JavaScript engine inside keeps 80 MB for as long as its process lives."""
DRAW_TIMEOUT_S = 300.0
COLOURS = {"correct": "#2a9d8f", "other": "#e07a5f"}


@dataclass(frozen=True)
class Chart:
    """One picture, for the page and for a file, and what it shows."""

    shows: str
    svg: str
    png: bytes


def draw_charts(counts: ReleaseCounts) -> dict[str, Chart]:
    """Return the pictures by the path of their PNG in the release folder; none where the process that draws them fails.

    It is the hungriest of a run, the first that is killed where memory is short, and no release is to be lost with it.
    """
    shown = {
        f"{CHARTS}/pass_rates.png": "How often a teacher solves a problem",
        f"{CHARTS}/lengths.png": "How long chains are, correct and other",
    }
    pictures = drawn_if_possible([_pass_rates(counts), _lengths(counts)])
    return {path: Chart(shows, *picture) for (path, shows), picture in zip(shown.items(), pictures, strict=False)}


def drawn_if_possible(specifications: Sequence[Mapping[str, Any]]) -> list[tuple[str, bytes]]:
    """Return the SVG and the PNG of each picture; none at all where the process that draws them fails."""
    try:
        return drawn(specifications)
    except (OSError, subprocess.SubprocessError, TypeError, ValueError) as error:
        logger.warning(
            "the release goes without pictures: they could not be drawn", extra={"error": why_it_failed(error)}
        )
        return []


def inline_svg(svg: str) -> Markup:
    """Return a picture for a page, without its names of XML vocabularies, which HTML does not need and look like links.

    It is drawn here, from numbers and our own words: nothing in it is escaped.
    """
    return Markup(re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg))  # noqa: S704


def drawn(specifications: Sequence[Mapping[str, Any]]) -> list[tuple[str, bytes]]:
    """Return the SVG and the PNG of each picture. Raises what a process that fails raises, and ValueError."""
    done = subprocess.run(  # noqa: S603 - this interpreter, with code written here
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{DRAW}"],
        input=json.dumps(specifications).encode(),
        capture_output=True,
        timeout=DRAW_TIMEOUT_S,
        check=True,
    )
    pairs = zip(specifications, json.loads(done.stdout), strict=True)
    return [(svg, base64.b64decode(png)) for _, (svg, png) in pairs]


def _pass_rates(counts: ReleaseCounts) -> dict[str, Any]:
    rows = [{"share": name, "groups": counts.pass_rates[name]} for name in PASS_RATE_BINS]
    return chart(
        rows,
        {"type": "bar", "color": COLOURS["correct"]},
        {
            "x": _axis("share", "correct answers, of a teacher's answers to one problem", PASS_RATE_BINS),
            "y": {"field": "groups", "type": "quantitative", "title": "problems"},
        },
        "How often a teacher solves a problem",
    )


def _lengths(counts: ReleaseCounts) -> dict[str, Any]:
    seen = {power for counted in counts.lengths.values() for power in counted}
    powers = range(min(seen, default=0), max(seen, default=0) + 1)
    names = {power: f"{_count(2**power // 2)}-{_count(2**power)}" for power in powers}
    rows = [
        {"tokens": names[power], "chains": counted[power], "verdict": verdict}
        for verdict, counted in counts.lengths.items()
        for power in powers
    ]
    colour = {"domain": list(COLOURS), "range": list(COLOURS.values())}
    return chart(
        rows,
        {"type": "bar"},
        {
            "x": _axis("tokens", "output tokens of a chain", list(names.values())),
            "xOffset": {"field": "verdict"},
            "y": {"field": "chains", "type": "quantitative", "title": "chains"},
            "color": {"field": "verdict", "type": "nominal", "title": None, "scale": colour},
        },
        "How long chains are",
    )


def chart(rows: list[dict[str, Any]], mark: dict[str, Any], encoding: dict[str, Any], title: str) -> dict[str, Any]:
    """Return the specification of one picture in our colours."""
    words = {"labelColor": GREY, "titleColor": GREY, "titleFontWeight": "normal", "titleFontSize": 12}
    return {
        "title": {"text": title, "color": GREY, "anchor": "start", "fontSize": 14},
        "data": {"values": rows},
        "mark": mark,
        "encoding": encoding,
        "width": 460,
        "height": 200,
        "background": None,
        "config": {
            "axis": {**words, "gridColor": GREY, "gridOpacity": 0.25, "domainColor": GREY, "tickColor": GREY},
            "legend": {"labelColor": GREY, "orient": "top"},
            "view": {"stroke": None},
        },
    }


def _axis(field: str, title: str, order: Sequence[str]) -> Mapping[str, Any]:
    return {"field": field, "type": "ordinal", "title": title, "sort": list(order), "axis": {"labelAngle": 0}}


def _count(number: int) -> str:
    return f"{number // 1024}k" if number >= 1024 else str(number)
