"""The page of a run for whoever looks in the morning: how it ended, what it bought, what came of it; Markdown."""

from collections.abc import Iterator

from cotfactory.flows.end_state import EndState
from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.counted import counted
from cotfactory.schemas.printable import printable


def run_page(summary: RunSummary, ended: EndState) -> str:
    """Return the page of a run."""
    lines = [f"**{ended.name}**: {_cell(ended.message)}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in _facts(summary)]
    if summary.alarms:
        lines += ["", "**Alarms**", ""]
        lines += [f"- {_cell(alarm.text)}" for alarm in summary.alarms]
    return "\n".join(lines)


def _facts(summary: RunSummary) -> Iterator[tuple[str, str]]:
    yield "recipe", summary.recipe
    yield "run", summary.run_id
    if summary.release is not None:
        yield "version", summary.release.version
        yield "rows", ", ".join(f"{count:,} {product}" for product, count in summary.release.rows.items())
        yield "release", summary.release.path
    if summary.published is not None:
        yield "Hub", f"[{summary.published.repo} {summary.published.tag}]({summary.published.url})"
    yield "paid", f"${summary.cost_usd:.4f}"
    if summary.unconfirmed_usd:
        yield "may have been billed too", f"${summary.unconfirmed_usd:.4f}"
    if summary.budget is not None:
        yield "budget", summary.budget.text()
    yield "calls", f"{summary.teacher_calls:,}, {counted(summary.reused, 'chain')} reused"
    if summary.failed_calls or summary.lost_in_flight:
        yield "without an answer", f"{summary.failed_calls:,} failed, {summary.lost_in_flight:,} lost in flight"
    yield "tokens", f"{summary.tokens.input:,} in, {summary.tokens.output:,} out"
    yield "verdicts", ", ".join(f"{count:,} {verdict}" for verdict, count in summary.verdicts.items())
    if summary.missing:
        yield "missing", f"{counted(summary.missing, 'request')} that the recipe wants"
    if summary.first_error is not None:
        yield "first error", summary.first_error
    yield "seconds", f"{summary.seconds:,.0f}"


def _cell(text: str) -> str:
    return printable(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
