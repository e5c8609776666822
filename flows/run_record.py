"""Run: one run of one recipe in one workspace, what it has bought and made so far, and its row in the table."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cotfactory.curation.decontaminate import BenchmarkIndex
from cotfactory.flows.host.code_id import code_id
from cotfactory.flows.host.interpreter import give_up_if_interrupted
from cotfactory.flows.host.signals import DRAIN_S
from cotfactory.flows.load_recipe import recipe_id
from cotfactory.flows.progress import Progress
from cotfactory.flows.release.rows_made_of import PlacedKey
from cotfactory.flows.summary import PublishedSummary, ReleaseSummary, RunSummary, Tally, Tokens
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.decontamination import Decontamination
from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.errors import CotfactoryError
from cotfactory.schemas.grown_facts import GrownFacts
from cotfactory.schemas.judge_facts import JudgeFacts
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.review import Review
from cotfactory.schemas.spending import NOTHING_SPENT, Books, Spending
from cotfactory.warehouse.books import books_of
from cotfactory.warehouse.kept import Kept
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace


@dataclass
class Run:
    """One run; stages fill in what they did, so that it can be told however the run ends.

    `bought` is what this run has bought, and what earlier ones left in flight when they died. `contamination` is
    the evidence, by problem id, against the problems that repeat a text of `benchmarks`. `grown` is what is found
    of problems that a teacher wrote, `dropped_grown` why some are of no use. `bought_chains` counts the chains that
    the recipe uses and this run bought. `missing` requests that the recipe wants were left unsent or failed,
    `first_error` is what the first of these met. After a signal, what is in flight is waited for at most `drain_s`.
    `tokenizer` is the folder of the one that the recipe names. `rows_made_of` says of each problem, by its id, what its
    rows are made of, where that is known.
    """

    run_id: str
    recipe: Recipe
    workspace: Workspace
    progress: Progress
    started: float = field(default_factory=time.monotonic)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    bought: Spending = NOTHING_SPENT
    limit: int | None = None
    version: str | None = None
    drain_s: float = DRAIN_S
    with_pictures: bool = True
    tokenizer: Path | None = None
    tally: Tally = field(default_factory=Tally)
    problems_file: str = ""
    reviews: list[Review] = field(default_factory=list)
    mutants: MutantCheck | None = None
    judge: JudgeFacts | None = None
    alarms: list[Alarm] = field(default_factory=list)
    benchmarks: BenchmarkIndex | None = None
    contamination: dict[str, str] = field(default_factory=dict)
    decontamination: Decontamination | None = None
    grown: list[GrownFacts] = field(default_factory=list)
    dropped_grown: dict[str, DropReason] = field(default_factory=dict)
    bought_chains: int = 0
    rows_made_of: Mapping[str, PlacedKey] = field(default_factory=dict)
    release: ReleaseSummary | None = None
    published: PublishedSummary | None = None
    missing: int = 0
    first_error: CotfactoryError | None = None

    def advance(self, steps: int = 1) -> None:
        """Note that steps of the current stage are done. Raises InterruptedWork when the stage was interrupted."""
        give_up_if_interrupted()
        self.progress.advance(steps)

    @property
    def output_name(self) -> str:
        """What releases and decisions are filed under: a run over some of the problems must not replace the whole."""
        return self.recipe.name if self.limit is None else f"{self.recipe.name}-first-{self.limit}"

    @property
    def kept(self) -> Kept:
        """What is kept of what the recipe's last run has worked out."""
        return Kept(self.workspace, self.output_name, code_id())

    def books(self) -> Books:
        """Return what was spent of the recipe's budget so far, over all runs."""
        return books_of(self.workspace, self.recipe.budget_id, self.recipe.budget.usd)

    def summary(self) -> RunSummary:
        """Return what was done so far."""
        bought, tally = self.bought, self.tally
        rows = sum(self.release.rows.values()) if self.release else None
        return RunSummary(
            recipe=self.recipe.name,
            run_id=self.run_id,
            problems=tally.problems,
            candidates=tally.asked,
            teacher_calls=bought.calls,
            failed_calls=bought.failed_calls,
            lost_in_flight=bought.lost_in_flight,
            reused=max(0, tally.asked - self.bought_chains),
            verdicts=tally.verdict_counts(),
            dropped=dict(tally.dropped),
            dropped_problems=dict(tally.dropped_problems),
            kept=tally.kept,
            rollouts=tally.rollouts(),
            tokens=Tokens(input=bought.input_tokens, output=bought.output_tokens),
            cost_usd=round(bought.cost_usd or 0.0, 9),
            unconfirmed_usd=round(bought.unconfirmed_usd, 9),
            budget=self.books() if self.recipe.is_budgeted else None,
            funnel=tally.funnel(rows),
            mutants=self.mutants,
            alarms=tuple(self.alarms),
            release=self.release,
            published=self.published,
            missing=self.missing,
            first_error=None if self.first_error is None else str(self.first_error),
            seconds=round(time.monotonic() - self.started, 3),
        )


def write_run(run: Run, status: str) -> None:
    """Seal the run's own row: `done`, `failed`, or what stopped it (`budget`, `alarm`, `contract`, `interrupted`)."""
    summary = run.summary()
    row = {
        "run_id": run.run_id,
        "recipe": run.recipe.name,
        "recipe_id": recipe_id(run.recipe),
        "status": status,
        "started_at": run.started_at,
        "input_tokens": summary.tokens.input,
        "output_tokens": summary.tokens.output,
        "release_version": run.release.version if run.release else None,
        "rows_sha": run.release.rows_sha if run.release else None,
        **summary.model_dump(
            include={
                "seconds", "problems", "candidates", "teacher_calls", "failed_calls", "lost_in_flight", "reused",
                "verdicts", "kept", "cost_usd", "alarms",
            }
        ),
    }  # fmt: skip
    write_table(run.workspace, "runs", run.run_id, [row])
