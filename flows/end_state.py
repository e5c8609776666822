"""EndState: how a run ended, by a name that people and automations can tell apart, and one line that says more."""

import asyncio
from typing import Literal, NamedTuple

from cotfactory.flows.summary import RunSummary
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import AlarmRaised, BudgetReached, ContractFailed, RunInterrupted, WorkspaceBusy

EndStateName = Literal[
    "Released",
    "Unchanged",
    "HeldBack",
    "BudgetReached",
    "AlarmRaised",
    "ContractFailed",
    "WorkspaceBusy",
    "Interrupted",
    "Failed",
]


class _Ending(NamedTuple):
    """How an error is called in the table of runs, and as a state."""

    status: str
    state: EndStateName


ENDINGS: dict[type[BaseException], _Ending] = {
    BudgetReached: _Ending("budget", "BudgetReached"),
    AlarmRaised: _Ending("alarm", "AlarmRaised"),
    ContractFailed: _Ending("contract", "ContractFailed"),
    WorkspaceBusy: _Ending("failed", "WorkspaceBusy"),
    RunInterrupted: _Ending("interrupted", "Interrupted"),
    asyncio.CancelledError: _Ending("interrupted", "Interrupted"),
}
FAILED = _Ending("failed", "Failed")


class EndState(NamedTuple):
    """The name of a run's end and what it did, on one line.

    `Released`: there is a new version. `Unchanged`: the last one holds just these rows. `HeldBack`: what is new waits
    for more (`release.min_new_rows`). The others say what stopped the run; everything else is `Failed`.
    """

    name: EndStateName
    message: str


def status_of(error: BaseException | None) -> str:
    """Return the status of a run in the table of runs: `done`, `failed`, or what stopped it."""
    return "done" if error is None else ENDINGS.get(type(error), FAILED).status


def end_state(summary: RunSummary | None, error: BaseException | None) -> EndState:
    """Return how a run with this summary, as far as there is one, ended."""
    told = "" if summary is None else f"{counted(summary.teacher_calls, 'call')}, ${summary.cost_usd:.2f}"
    if error is not None:
        said = " ".join(str(error).split()) or type(error).__name__
        return EndState(ENDINGS.get(type(error), FAILED).state, f"{said} ({told})" if told else said)
    release = None if summary is None else summary.release
    if summary is not None and summary.published is not None and summary.published.is_new:
        told = f"published to {summary.published.repo}; {told}"
    if release is None:
        return EndState("Unchanged", f"no release; {told}")
    if release.held_back is not None:
        return EndState("HeldBack", f"no new release, {release.version} stands: {release.held_back}; {told}")
    if release.unchanged:
        return EndState("Unchanged", f"{release.version} stands, there is nothing new; {told}")
    rows = ", ".join(f"{count:,} {product}" for product, count in release.rows.items())
    return EndState("Released", f"{release.version}: {rows}; {told}")
