"""What people see while a run goes on: a bar per stage with rate, ETA, accepted share and money."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from cotfactory.flows.host.standard_error import StandardError
from cotfactory.flows.summary import ReleaseSummary, RunSummary
from cotfactory.schemas.counted import counted
from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.printable import printable

logger = logging.getLogger(__name__)

LINE_EVERY_S, BAR_EVERY_S = 10.0, 0.1
ENOUGH_TO_PROJECT = 100


class Progress(Protocol):
    """What stages tell whoever watches."""

    def stage(self, name: str, total: int | None = None) -> "StageContext":
        """Announce a stage of `total` steps (None: unknown) for as long as the context is open."""
        ...

    def advance(self, steps: int = 1) -> None:
        """Note that steps of the current stage are done."""
        ...

    def graded(self, verdict: Verdict, cost_usd: float | None) -> None:
        """Note that one chain was bought and graded."""
        ...

    def not_needed(self, samples: int) -> None:
        """Note that samples need not be asked for: their problem is decided without them."""
        ...

    def failed(self, reason: str) -> None:
        """Note that one request failed for good in this run."""
        ...

    def note(self, text: str) -> None:
        """Tell something that people should see and a machine need not."""
        ...

    def ended(self, summary: RunSummary) -> None:
        """Tell what the run did, however it ended."""
        ...


class StageContext(Protocol):
    """A context manager that ends its stage."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None: ...


class TerminalProgress:
    """Progress on stderr: live bars on a terminal, a line per stage (and now and then) elsewhere."""

    def __init__(self) -> None:
        self._console = Console(file=cast(IO[str], StandardError()))
        self._live = self._console.is_terminal
        self._bars = Bars(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[details]}"),
            console=self._console,
            disable=not self._live,
        )
        self._task: TaskID | None = None
        self._failed = 0
        self._begin("", None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Show a bar for one stage until the context closes."""
        self._begin(name, total)
        self._bars.start()  # a loop has one run after another, and each stops them at its end
        self._task = self._bars.add_task(name, total=total, rate="", details="")
        is_empty = False
        try:
            yield
            is_empty = not self._done
            if self._live:
                done, rate, details = self._done, self._rate(), self._details()
                self._bars.update(self._task, total=done, completed=done, visible=done > 0, rate=rate, details=details)
        finally:
            if not self._live and not is_empty and (self._done or total):  # what did nothing is not worth a line
                self._line("")

    def _begin(self, name: str, total: int | None) -> None:
        """Count anew: share and money are those of the stage, as its bar is; what failed is told by the run's count."""
        self._name, self._total, self._done, self._not_needed = name, total, 0, 0
        self._graded = self._correct = 0
        self._cost_usd, self._failed_before = 0.0, self._failed
        self._started = self._shown_at = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        """Move the current bar."""
        self._done += steps
        now = time.monotonic()
        if now - self._shown_at < (BAR_EVERY_S if self._live else LINE_EVERY_S):
            return
        self._shown_at = now
        if self._live and self._task is not None:
            self._bars.update(self._task, completed=self._done, rate=self._rate(), details=self._details())
        else:
            self._line("...")

    def graded(self, verdict: Verdict, cost_usd: float | None) -> None:
        """Count a chain and what it cost."""
        self._graded += 1
        self._correct += verdict == "correct"
        self._cost_usd += cost_usd or 0.0
        self.advance()

    def not_needed(self, samples: int) -> None:
        """Move the bar past samples that are not asked for; they take no time and no money."""
        self._not_needed += samples
        self.advance(samples)

    def failed(self, reason: str) -> None:
        """Count a failed request; the first and every hundredth are told in full."""
        self._failed += 1
        if self._failed % 100 == 1:
            self.note(f"request failed ({self._failed} so far): {reason}")

    def note(self, text: str) -> None:
        """Print a line above the bars, and keep it in the run's log."""
        logger.info(text)
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def ended(self, summary: RunSummary) -> None:
        """Show the funnel, the verdicts, what was paid, and where the release is."""
        self._bars.stop()
        if summary.unconfirmed_usd or (summary.budget and summary.budget.unconfirmed_usd):
            said = f"this run may have been billed ${summary.unconfirmed_usd:.4f} for requests without an answer"
            self.note(f"held:     {said}" + (f"; {summary.budget.text()}" if summary.budget else ""))
        if summary.candidates:  # else it ended before there was anything to count
            self._show_counts(summary)
        if summary.missing:
            why = f"; the first error: {summary.first_error}" if summary.first_error else ""
            missing = counted(summary.missing, "request")
            self.note(f"missing:  {missing} that the recipe wants; run again to ask for what is missing{why}")

    def _show_counts(self, summary: RunSummary) -> None:
        table = Table(title=f"{summary.recipe}: from problems to rows", title_justify="left")
        table.add_column("stage")
        table.add_column("count", justify="right")
        table.add_column("of the one before", justify="right")
        before = 0
        for stage in summary.funnel:
            share = f"{stage.count / before:.1%}" if before and stage.stage not in ("asked", "rows") else ""
            table.add_row(stage.stage, f"{stage.count:,}", share)
            before = stage.count
        self._console.print(table)
        verdicts = ", ".join(f"{count:,} {name}" for name, count in summary.verdicts.items() if count)
        dropped = filter(None, (_dropped(summary.dropped, "chain"), _dropped(summary.dropped_problems, "problem")))
        calls = f"{counted(summary.teacher_calls, 'teacher call')}, {summary.reused:,} reused, ${summary.cost_usd:.4f}"
        self.note(f"verdicts: {verdicts or 'none'}\ndropped:  {', '.join(dropped) or 'none'}\npaid:     {calls}")
        if summary.mutants is not None:
            self.note(
                f"graders:  {summary.mutants.accepted} of {counted(summary.mutants.made, 'falsified answer')} accepted"
            )
        if summary.release is not None:
            state = "unchanged" if summary.release.unchanged else "new"
            self.note(f"release:  {summary.release.path} ({summary.release.version}, {state})")
            self._show_what_to_do(summary.release)

    def _show_what_to_do(self, release: ReleaseSummary) -> None:
        from cotfactory.publishing.report_page import REPORT  # slow to import, and loaded by now

        rows = ", ".join(f"{count:,} {product}" for product, count in release.rows.items())
        first = next((product for product, count in release.rows.items() if count), "sft")
        self.note(
            f"rows:     {rows}\nreport:   {Path(release.path) / REPORT}\n"
            f'load:     datasets.load_dataset("{release.path}", "{first}")\n'
            f"next:     cotfactory publish {release.path} --repo ORG/NAME --create"
        )

    def _rate(self) -> str:
        elapsed = time.monotonic() - self._started
        if elapsed <= 0.1:
            return ""
        per_second = (self._done - self._not_needed) / elapsed
        return f"{per_second:6.0f}/s" if per_second >= 10 else f"{per_second:6.1f}/s"

    def _details(self) -> str:
        accepted = f"{self._correct / self._graded:.0%} accepted  {self._money()}" if self._graded else ""
        failed = self._failed - self._failed_before
        return "  ".join(filter(None, (accepted, f"{failed:,} failed" if failed else "")))

    def _money(self) -> str:
        """Return what was paid and, once enough samples say so, about what all of them will have cost.

        The bar counts samples that were asked for and those that need not be, so that its share of the total is the
        share of the money too, whatever the stopping rule: 300 of 1,000 samples settled for $0.06 make $0.20.
        """
        paid = f"${self._cost_usd:.4f}"
        if not self._cost_usd or not self._total or not ENOUGH_TO_PROJECT <= self._done < self._total:
            return paid
        return f"{paid} of about ${self._cost_usd * self._total / self._done:.4f}"

    def _line(self, state: str) -> None:
        total = f"/{self._total}" if self._total else ""
        count = f"{self._done}{total}" if self._done or self._total else ""
        parts = (f"{self._name:<24} {state:<3}", count, self._rate() if self._done else "", self._details())
        line = "  ".join(part for part in parts if part)
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _dropped(reasons: Mapping[str, int], what: str) -> str:
    """Return how many of something there are, and of each reason; nothing where there are none.

    >>> _dropped({"incorrect": 3, "duplicate": 1}, "chain")
    '4 chains (3 incorrect, 1 duplicate)'
    """
    by_reason = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
    return f"{counted(sum(reasons.values()), what)} ({by_reason})" if reasons else ""
