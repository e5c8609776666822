"""report.html: one offline page about a release - funnel, spend, yields, alarms, contracts, and a browser of chains.

What models and data sets wrote is hostile: it reaches the page escaped by jinja, or as JSON that a script inserts as
text; a content security policy lets nothing run but that one script, and nothing be loaded from anywhere.
"""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import jinja2
from markupsafe import Markup

from cotfactory.data_contracts.report import ContractReport, Subject
from cotfactory.publishing.charts import Chart, inline_svg
from cotfactory.publishing.dataset_card import share
from cotfactory.publishing.diff import ProductDiff
from cotfactory.publishing.licenses import license_lines
from cotfactory.publishing.measured_graders import interval, measured_graders
from cotfactory.publishing.policy_pictures import policy_pictures
from cotfactory.publishing.release_counts import PASS_RATE_BINS, Yield
from cotfactory.publishing.release_statistics import ReleaseStatistics
from cotfactory.publishing.shown_chain import ShownChain
from cotfactory.publishing.token_figures import TokenFigures
from cotfactory.schemas.drop_reasons import DROP_REASONS
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.schemas.regrade import Regrade
from cotfactory.schemas.release_rules import Product

REPORT = "report.html"
TEMPLATES = Path(__file__).parent / "templates"
KATEX = TEMPLATES / "katex" / "katex.min.js"
"""KaTeX 0.19.1 as npm has it: 273 kB of a page with mathematics, 80 kB of the wheel. It writes MathML: no fonts."""
MATHEMATICS = re.compile(r"\\\\(?:\(|\[|boxed|frac|sqrt)|\$\$|\$[^$ ]{1,80}\$")
"""What mathematics begins with in a chain's JSON, where a backslash is two."""
KEPT_BYTES, DROPPED_BYTES = 2_500_000, 1_700_000
"""The most that the chains may take: where texts are long or of escapes only, fewer of them are shown."""


class _RegradeLine(Record):
    """What became of the verdicts of one version of a grader when the next one judged the same chains."""

    grader: str
    version_before: str
    version_after: str
    chains: int
    flips: tuple[Regrade, ...]

    @property
    def same(self) -> int:
        return self.chains - sum(flip.chains for flip in self.flips)


def report_page(
    manifest: Manifest,
    statistics: ReleaseStatistics,
    reports: Mapping[Subject, ContractReport],
    charts: Mapping[str, Chart],
    differences: Mapping[Product, ProductDiff] | None = None,
    making: Sequence[str] = (),
    tokens: TokenFigures | None = None,
) -> str:
    """Return the page, smaller than 5 MB; `charts` are shown as SVG.

    `differences` are those from its parent, `making` the lines of `changed_making`.
    """
    mutants = manifest.facts.mutants
    told = [example for example in mutants.examples if not count_key_like(example)] if mutants else []
    chains = [*_fitting(statistics.sample.kept(), KEPT_BYTES), *_fitting(statistics.sample.dropped(), DROPPED_BYTES)]
    script = (TEMPLATES / "report.js").read_text("utf-8")
    typesets = any(MATHEMATICS.search(chain) for chain in chains)
    if typesets:
        script = f"{KATEX.read_text('utf-8')}\n{script}"
    return _template().render(
        manifest=manifest,
        release=Recipe.model_validate_json(manifest.recipe).release,
        rows=_rows_by_split(manifest),
        license_lines=license_lines(
            statistics.counts.licenses, {teacher.teacher: teacher.license for teacher in manifest.facts.teachers}
        ),
        exams=measured_graders(statistics.counts.graders),
        differences=differences or {},
        making=[line.replace("`", "") for line in making],
        mutants=mutants,
        mutant_examples=told,
        reports=reports,
        yields={by: _ordered(by, rows) for by, rows in statistics.counts.yields.items()},
        days=sorted(statistics.counts.days.items()),
        dearest_day=max((day.bought.tokens for day in statistics.counts.days.values()), default=0),
        drop_reasons=DROP_REASONS,
        asked=next((stage.count for stage in manifest.funnel if stage.stage == "asked"), 0),
        labels=statistics.counts.labels(),
        diversity=statistics.counts.diversity.figures(statistics.sample.kept()),
        tokens=tokens,
        agreement=statistics.counts.agreement,
        regraded=_regraded(manifest.facts.regrades),
        priced=any(teacher.cost_usd is not None for teacher in manifest.facts.teachers),
        policies=policy_pictures(manifest.facts.policies),
        charts=[inline_svg(chart.svg) for chart in charts.values()],
        style=Markup((TEMPLATES / "report.css").read_text("utf-8")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        typesets=typesets,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        chains=Markup(_json(chains)),  # noqa: S704 - escaped
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": "{:,}".format, "usd": "{:,.4f}".format, "share": share, "interval": interval}
    return environment.get_template("report.html.j2")


def _rows_by_split(manifest: Manifest) -> dict[str, Counter[str]]:
    """Return the rows of each product, by the split that its files are named for."""
    rows = {product: Counter[str]() for product in manifest.rows}
    for file in manifest.files:
        product, _, name = file.path.partition("/")
        if product in rows:
            rows[product][name.partition("-")[0]] += file.rows or 0
    return rows


def _ordered(by: str, rows: Mapping[str, Yield]) -> list[tuple[str, Yield]]:
    """Return difficulties from hard to easy, and everything else by how much was asked."""
    if by == "difficulty":
        return [
            (name, rows[name]) for name in (*PASS_RATE_BINS, *sorted(rows.keys() - set(PASS_RATE_BINS))) if name in rows
        ]
    return sorted(rows.items(), key=lambda row: (-row[1].asked, row[0]))


def _regraded(regrades: Iterable[Regrade]) -> list[_RegradeLine]:
    def versions(regrade: Regrade) -> tuple[str, str, str]:
        return regrade.grader, regrade.version_before, regrade.version_after

    rows = []
    for (grader, before, after), found in groupby(sorted(regrades, key=versions), key=versions):
        members = list(found)
        flips = [regrade for regrade in members if regrade.verdict_before != regrade.verdict_after]
        rows.append(
            _RegradeLine(
                grader=grader,
                version_before=before,
                version_after=after,
                chains=sum(regrade.chains for regrade in members),
                flips=tuple(sorted(flips, key=lambda regrade: -regrade.chains)),
            )
        )
    return rows


def _fitting(chains: Sequence[ShownChain], most_bytes: int) -> list[str]:
    """Return the first chains as JSON, as many as fit."""
    fitting: list[str] = []
    for chain in chains:
        told = _escaped(json.dumps(chain.model_dump()))
        most_bytes -= len(told) + 1
        if most_bytes < 0:
            break
        fitting.append(told)
    return fitting


def _escaped(told: str) -> str:
    r"""Return JSON that stays JSON, and in which no tag, comment or entity can begin.

    >>> _escaped('"</script>"')
    '"\\u003c/script\\u003e"'
    """
    return told.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _json(chains: Sequence[str]) -> str:
    return "[" + ",\n".join(chains) + "]"
