"""The figures of a recipe's last run in Prometheus' text format, for node_exporter's textfile collector."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from cotfactory.flows.run_record import Run
from cotfactory.flows.summary import RunSummary
from cotfactory.rewards.metrics import label_value
from cotfactory.warehouse.synced import write_lines


def write_metrics(run: Run, status: str, ended_at: datetime) -> None:
    """Write `metrics/NAME.prom`, in place of the one of the run before; a full disk costs the file, never the run."""
    folder = run.workspace.metrics
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        write_lines(folder / f"{run.output_name}.prom", metrics_lines(run.summary(), status, ended_at))


def metrics_lines(summary: RunSummary, status: str, ended_at: datetime) -> Iterator[str]:
    """Yield the lines of a run's figures; each is a gauge and tells of this run alone, but for the budget's."""
    version = summary.release.version if summary.release else ""
    yield from _gauge(summary, "info", 1, {"run": summary.run_id, "status": status, "version": version})
    yield from _gauge(summary, "ended_timestamp_seconds", ended_at.timestamp())
    yield from _gauge(summary, "duration_seconds", summary.seconds)
    yield from _gauge(summary, "cost_usd", summary.cost_usd)
    yield from _gauge(summary, "unconfirmed_usd", summary.unconfirmed_usd)
    for name in ("teacher_calls", "failed_calls", "lost_in_flight", "reused", "kept", "missing"):
        yield from _gauge(summary, name, getattr(summary, name))
    yield from _gauges(summary, "tokens", "direction", {"in": summary.tokens.input, "out": summary.tokens.output})
    yield from _gauges(summary, "chains", "verdict", summary.verdicts)
    yield from _gauges(summary, "rows", "product", summary.release.rows if summary.release else {})
    yield from _gauge(summary, "alarms", len(summary.alarms))
    if summary.budget is not None:
        yield from _gauge(summary, "budget_spent_usd", summary.budget.spent_usd)
        if summary.budget.budget_usd is not None:
            yield from _gauge(summary, "budget_usd", summary.budget.budget_usd)


def _gauge(summary: RunSummary, name: str, value: float, labels: Mapping[str, str] | None = None) -> Iterator[str]:
    yield f"# TYPE cotfactory_run_{name} gauge"
    yield _sample(summary, name, value, labels or {})


def _gauges(summary: RunSummary, name: str, label: str, values: Mapping[str, float]) -> Iterator[str]:
    if values:
        yield f"# TYPE cotfactory_run_{name} gauge"
    for key, value in values.items():
        yield _sample(summary, name, value, {label: key})


def _sample(summary: RunSummary, name: str, value: float, labels: Mapping[str, str]) -> str:
    every = {"recipe": summary.recipe, **labels}
    shown = ",".join(f'{label}="{label_value(text)}"' for label, text in every.items())
    return f"cotfactory_run_{name}{{{shown}}} {_number(value)}"


def _number(value: float) -> str:
    """Return a figure in full: `%g` would round a timestamp to days."""
    return str(value) if isinstance(value, int) else f"{value:.9f}".rstrip("0").rstrip(".")
