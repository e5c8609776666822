"""report.html is offline, inert whatever a chain holds, bounded, and the same for the same data."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cotfactory.publishing.charts import draw_charts
from cotfactory.publishing.diff import ProductDiff
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release import write_release
from cotfactory.publishing.release_counts import MOST_NAMES, OTHERS
from cotfactory.publishing.release_statistics import ReleaseStatistics
from cotfactory.publishing.report_page import KATEX, report_page
from cotfactory.publishing.shown_chain import BENCHMARK, WITHHELD
from cotfactory.publishing.shown_sample import DROPPED_SHOWN, KEPT_SHOWN
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.group import Group
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.regrade import Regrade
from tests.publishing.made_groups import (
    contaminated,
    made_candidate,
    made_facts,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_recipe,
)

HOSTILE = "</script><script>alert(1)</script><img src=http://x onerror=alert(2)><!-- ]]> &lt;b&gt; \u2028 {{ 7*7 }}"
KEY = "sk-" + "aB3dE5fG7hJ9kL1mN2pQ"
CHROMIUM = shutil.which("chromium")


class Parsed(HTMLParser):
    """Counts tags, keeps attributes and the content of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        self._in_script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def chains(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = json.loads(self.scripts[0])
        return told


def hostile_group(number: int = 0) -> Group:
    problem = made_problem(number).model_copy(update={"question": HOSTILE, "domain": HOSTILE})
    chains = [made_candidate(problem, index, reasoning=HOSTILE, response=f"{HOSTILE}{index}") for index in range(2)]
    graded = [
        made_graded(chains[0], found=HOSTILE),
        made_graded(chains[1], "incorrect", found=HOSTILE, reason="different"),
    ]
    return made_group(problem, graded)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("workspace")
    problems = [(made_mixed_group(number),) for number in range(10)] + [(hostile_group(99),)]
    facts = made_facts(problems=problems).model_copy(update={"mutants": MutantCheck(chains=9, made=30, accepted=0)})
    recipe = made_recipe()
    return write_release("ducks", problems, recipe, facts, workspace / "releases", workspace / "staging").path


@pytest.fixture(scope="module")
def page(released: Path) -> str:
    return (released / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def manifest(released: Path) -> Manifest:
    return read_manifest(released)


def with_facts(manifest: Manifest, **facts: Any) -> Manifest:
    """Return the manifest with other facts of the run."""
    return manifest.model_copy(update={"facts": manifest.facts.model_copy(update=facts)})


def portrait_of(problems: Sequence[Sequence[Group]]) -> ReleaseStatistics:
    statistics = ReleaseStatistics()
    for groups in problems:
        statistics.add(groups)
    return statistics


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    parsed = Parsed(page)
    ours = page.replace(KATEX.read_text("utf-8"), "").replace("http-equiv", "").replace(json.dumps(HOSTILE)[1:-1], "")
    assert "http" not in ours.replace("src=http://x", "")
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "xlink:href", "srcset", "data", "action"}
    policy = next(value for name, value in parsed.attributes if name == "content" and value and "default-src" in value)
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline'; script-src 'sha256-" in policy


def test_hostile_chains_stay_text(page: str) -> None:
    parsed = Parsed(page)
    assert parsed.tags["script"] == 2  # the data and the one script
    assert not parsed.tags.keys() & {"img", "iframe", "object", "embed", "link", "form", "b", "a"}
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in parsed.scripts[0]
    shown = [chain for chain in parsed.chains() if chain["question"] == HOSTILE]
    assert {chain["verdict"] for chain in shown} == {"correct", "incorrect"}
    for chain in shown:  # round trip: exactly what the chain says
        assert chain["reasoning"] == HOSTILE == chain["response"][:-1]
    assert "innerHTML" not in page


def test_what_the_page_tells(page: str, released: Path) -> None:
    for said in ("Funnel", "ungraded", "by teacher", "by difficulty", "Spend by day", "2026-11-20", "expectations on",
                 "0 of 30 falsified answers", "owl"):  # fmt: skip
        assert said in page
    chains = Parsed(page).chains()
    # Ten mixed groups: two kept, an incorrect and an ungraded one each; and the hostile group.
    assert Counter(chain["drop_reason"] for chain in chains) == {"": 21, "incorrect": 11, "ungraded": 10}
    assert {chain["grader_reason"] for chain in chains} == {"equal", "different", "timeout"}
    card = (released / "README.md").read_text("utf-8")
    assert "![" in card
    assert "(charts/pass_rates.png)" in card
    assert card.count("| dropped: ") == 8
    assert "| 25 | 0.5000 | 0.023810 |" in card  # 0.5 USD and 520 tokens for 21 kept chains
    assert "| math | 1 | - | not measured at this version | not measured |" in card
    for said in ("<code>sft</code>", "Released under mit.", 'load_dataset("PATH", "sft"', "not measured at this",
                 "first release.", "How often a teacher solves a problem", "typeset mathematics"):  # fmt: skip
        assert said in page


def test_what_changed_since_the_parent_is_told(manifest: Manifest) -> None:
    change = ProductDiff(rows_before=3, rows_after=2, added=0, removed=1, changed=0, removed_because={"incorrect": 1})
    page = report_page(manifest.model_copy(update={"parent": "v0.9.0"}), ReleaseStatistics(), {}, {}, {"sft": change})
    assert "What changed since v0.9.0" in page
    assert "removed: incorrect 1" in page
    assert KATEX.read_text("utf-8") not in page  # no mathematics, no typesetter


def test_the_same_chains_in_any_order_of_arrival(manifest: Manifest) -> None:
    problems = [(made_mixed_group(number),) for number in range(200)]
    forth, back = portrait_of(problems), portrait_of(problems[::-1])
    charts = draw_charts(forth.counts)
    assert report_page(manifest, forth, {}, charts) == report_page(manifest, back, {}, draw_charts(back.counts))
    assert (len(forth.sample.kept()), len(forth.sample.dropped())) == (KEPT_SHOWN, DROPPED_SHOWN)
    assert Counter(chain.drop_reason for chain in forth.sample.dropped()) == {"incorrect": 100, "ungraded": 100}
    for chart in charts.values():
        assert ET.fromstring(chart.svg).tag.endswith("svg")
        assert chart.png.startswith(b"\x89PNG\r\n")


def test_page_and_names_are_bounded(manifest: Manifest) -> None:
    # The worst text: each character of it is written as six.
    long = "<" * 50_000
    problems = []
    for number in range(400):
        problem = made_problem(number).model_copy(update={"question": long, "domain": f"{number} {long}"})
        chains = [made_candidate(problem, index, reasoning=long, response=long) for index in range(2)]
        problems.append((made_group(problem, [made_graded(chains[0]), made_graded(chains[1], "incorrect")]),))
    statistics = portrait_of(problems)
    assert len(statistics.counts.yields["domain"]) == MOST_NAMES + 1
    assert statistics.counts.yields["domain"][OTHERS].asked == 2 * (400 - MOST_NAMES)
    page = report_page(manifest, statistics, {}, {})
    assert len(page.encode()) < 5_000_000
    assert {bool(chain["drop_reason"]) for chain in Parsed(page).chains()} == {True, False}


def test_chain_with_a_key_is_not_shown(manifest: Manifest) -> None:
    problem = made_problem()
    # In the middle of a long text, where a cut would leave it out, and at a place where it would cut it in two.
    chains = [made_candidate(problem, 0, reasoning="a" * 1_995 + " " + KEY + " " + "b" * 5_000)]
    chains.append(made_candidate(problem, 1, response=f"My key is {KEY}."))
    page = report_page(manifest, portrait_of([(made_group(problem, [*map(made_graded, chains)]),)]), {}, {})
    assert "sk-a" not in page
    assert {chain["response"] for chain in Parsed(page).chains()} == {WITHHELD}


def test_chain_that_repeats_a_benchmark_is_not_shown_but_why_it_went_is(manifest: Manifest) -> None:
    problem = made_problem()
    chains = [made_candidate(problem, 0, reasoning="As the benchmark has it", response="word for word")]
    group = contaminated(made_group(problem, [*map(made_graded, chains)]))
    (shown,) = Parsed(report_page(manifest, portrait_of([(group,)]), {}, {})).chains()
    assert (shown["reasoning"], shown["response"], shown["drop_reason"]) == (BENCHMARK, BENCHMARK, "contaminated")


def test_agreement_is_told_and_stays_text(manifest: Manifest) -> None:
    again: dict[str, Any] = {"grader": "math", "version_before": HOSTILE, "version_after": "2"}
    regrades = (
        Regrade(**again, verdict_before="incorrect", verdict_after="incorrect", chains=195),
        Regrade(**again, verdict_before="incorrect", verdict_after="correct", chains=3),
        Regrade(**again, verdict_before="no_answer", verdict_after="correct", chains=2),
    )
    problem = made_problem().model_copy(update={"question": f"{HOSTILE} or 7?"})
    groups = [
        made_group(
            problem, [made_graded(made_candidate(problem, model=name), "incorrect", found=HOSTILE)], model=name
        ).model_copy(update={"teacher": f"{name}{HOSTILE}"})
        for name in ("owl", "elk")
    ]
    page = report_page(with_facts(manifest, regrades=regrades), portrait_of([groups]), {}, {})
    for said in (
        '<td class="n">200</td><td class="n">97.5 %</td>',
        "3 incorrect &rarr; correct<br>2 no_answer &rarr; correct<br>",
        "Reference answers to look at",
        "agree on 1 (100.0 %), on 1 of them on the same wrong answer",
    ):
        assert said in page
    parsed = Parsed(page)
    assert parsed.tags["script"] == 2
    assert not parsed.tags.keys() & {"img", "b"}
    nothing = report_page(manifest, ReleaseStatistics(), {}, {})
    assert "Every chain was judged by one version of its grader" in nothing
    assert "No problem has a usual answer of two teachers" in nothing


def test_steps_on_the_way_to_a_chain_are_paid_for() -> None:
    group = made_mixed_group(0)
    step = made_graded(made_candidate(group.problem, 9))
    statistics = portrait_of([(group.model_copy(update={"earlier_steps": (step,)}),)])
    (paid,) = statistics.counts.days.values()
    assert (paid.asked, paid.bought.tokens) == (4, 5 * 52)
    assert statistics.counts.yields["teacher"]["owl"].bought.tokens == 5 * 52


def test_alarms_of_the_runs_are_on_the_page(manifest: Manifest) -> None:
    alarm = Alarm(teacher="owl", kind="truncated", seen=9, samples=20, text="<b>cut")
    warned = report_page(with_facts(manifest, alarms=(alarm,)), ReleaseStatistics(), {}, {})
    assert '<p class="bad">owl, truncated: &lt;b&gt;cut</p>' in warned
    assert "Nothing looked wrong" in report_page(manifest, ReleaseStatistics(), {}, {})


def test_alarm_is_told(manifest: Manifest) -> None:
    mutants = MutantCheck(chains=1, made=3, accepted=2, examples=("c0: <b>sign turned</b>", f"c1: {KEY}"))
    nothing = ReleaseStatistics()
    page = report_page(with_facts(manifest, mutants=mutants), nothing, {}, draw_charts(nothing.counts))
    assert '<p class="bad">2 of 3 falsified answers' in page
    assert "&lt;b&gt;sign turned" in page
    assert KEY not in page


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_browser_shows_the_chains_and_runs_nothing_else(released: Path, tmp_path: Path) -> None:
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--dump-dom",
    ]
    shown = subprocess.run([*command, f"file://{released}/report.html"], capture_output=True, text=True, timeout=120)
    parsed = Parsed(shown.stdout)
    assert "42 of 42 chains" in shown.stdout
    assert parsed.tags["button"] == 42
    assert parsed.tags["script"] == 2
    assert "img" not in parsed.tags
    assert parsed.tags["math"]  # the boxed answer of the chain that shows first
