"""Release what a build kept, tell what its contracts found, and publish it."""

import heapq
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from cotfactory.data_contracts.report import ContractReport
from cotfactory.flows.ask.rollouts import RolledOut
from cotfactory.flows.job import Job
from cotfactory.flows.load_recipe import recipe_id
from cotfactory.flows.release.released_problems import ReleasedProblems
from cotfactory.flows.release.standing import note_standing
from cotfactory.flows.review.people_verdicts import figures_of
from cotfactory.flows.run_record import Run
from cotfactory.flows.settings import hub_target
from cotfactory.flows.summary import PublishedSummary, ReleaseSummary
from cotfactory.graders.code.program_mutants import strength_of_tests
from cotfactory.graders.grader import Tools
from cotfactory.publishing.charts import CHARTS
from cotfactory.publishing.release import write_release
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.manifest import ReleaseFacts, StrengthOfTests
from cotfactory.schemas.problem import Problem
from cotfactory.warehouse.history import alarms_before
from cotfactory.warehouse.nameless_file import NamelessFile
from cotfactory.warehouse.policy_progress import policy_progress
from cotfactory.warehouse.regrades import regrades
from cotfactory.warehouse.scratch import scratch_folder
from cotfactory.warehouse.tables import write_batches

MEASURED_PROBLEMS = 100
"""Code problems whose tests are measured for a release; `check` measures them all."""


def release(job: Job, rolled: RolledOut | None) -> None:
    """Release what was kept, or find that the latest release holds exactly that.

    Raises ContractFailed when an expectation failed or nothing was kept; no release folder is left behind.
    """
    run = job.run
    with (
        run.progress.stage("release", len(job.problems)),
        scratch_folder(run.workspace) as folder,
        NamelessFile(folder) as noted,
    ):
        problems = ReleasedProblems(job, rolled, folder, noted)
        outcome = write_release(
            run.output_name,
            problems,
            run.recipe,
            release_facts(run),
            run.workspace.releases,
            run.workspace.staging,
            decisions=run.workspace.table("decisions") / f"{run.output_name}.parquet",
            version=run.version,
            with_pictures=run.with_pictures,
            tokenizer=run.tokenizer,
            strength=lambda: _strength_of_tests(job.problems, job.tools),
            taken_over=problems.taken_over,
            note=problems.note,
        )
        if not outcome.unchanged:
            if run.with_pictures and not (outcome.path / CHARTS).is_dir():
                run.progress.note("the release has no pictures: they could not be drawn, the log says why")
            _note_what_was_used(job, rolled, outcome.version)
        if outcome.held_back is None:
            problems.keep(outcome.path)
    run.release = ReleaseSummary(
        path=str(outcome.path),
        version=outcome.version,
        rows_sha=outcome.rows_sha,
        rows={str(product): count for product, count in outcome.rows.items()},
        unchanged=outcome.unchanged,
        held_back=outcome.held_back,
    )
    if rolled is None:
        note_standing(job)
    if outcome.held_back is not None:
        run.progress.note(f"no new release, {outcome.version} stands: {outcome.held_back}")


def release_facts(run: Run) -> ReleaseFacts:
    """Return what a run says of the release it makes."""
    tally = run.tally
    return ReleaseFacts(
        code_version=version("cotfactory"),
        recipe_id=recipe_id(run.recipe),
        problems=run.problems_file,
        created_at=datetime.now(UTC),
        funnel=tally.funnel(),
        verdicts=tally.verdict_counts(),
        dropped=dict(tally.dropped),
        dropped_problems=dict(tally.dropped_problems),
        kept_with_calls=tally.kept_with_calls,
        kept_turns=tally.kept_turns,
        kept_later_turns=tally.kept_later_turns,
        unconfirmed_usd=run.books().unconfirmed_usd,
        teachers=tally.shares(run.recipe.teachers),
        sandbox_images=tuple(sorted(tally.sandbox_images)),
        decontamination=run.decontamination,
        mutants=run.mutants,
        alarms=(*alarms_before(run.workspace, run.recipe.name), *run.alarms),
        regrades=regrades(run.workspace, run.output_name),
        people=figures_of(run.workspace, run.recipe, run.reviews),
        policies=policy_progress(run.workspace, run.problems_file),
        judge=run.judge,
        grown=tuple(run.grown),
    )


def _note_what_was_used(job: Job, rolled: RolledOut | None, release_version: str) -> None:
    """Write down the samples and rollouts of a release, so that it can be made again."""
    name = job.run.output_name
    used = (
        batch
        for samples in (job.wanted, rolled.wanted if rolled else None)
        if samples is not None
        for batch in samples.decided(name, release_version)
    )
    write_batches(job.run.workspace, "released", f"{name}-{release_version}", used)


def _strength_of_tests(problems: Sequence[Problem], tools: Tools) -> StrengthOfTests | None:
    """Measure the tests of some code problems, always the same ones of the same problems."""
    solved = (problem for problem in problems if problem.answer_kind == "code" and problem.solution is not None)
    sample = heapq.nsmallest(MEASURED_PROBLEMS, solved, key=lambda problem: problem.problem_id)
    return strength_of_tests(sample, tools)


def publish(job: Job) -> None:
    """Send the release of this run to the recipe's repository on the Hub. Raises PublishError."""
    from cotfactory.flows.release.publish import recipe_repository
    from cotfactory.publishing.hub import publish_release

    run, repository = job.run, recipe_repository(job.run.recipe)
    if run.release is None:
        raise RecipeError("There is nothing to publish: the run has made no release")
    outcome = publish_release(Path(run.release.path), repository, hub_target())
    run.published = PublishedSummary(repo=outcome.repo, tag=outcome.tag, url=outcome.url, is_new=outcome.is_new)
    run.progress.note(outcome.text())


def contract_page(run: Run) -> str:
    """Return the outcome of the release's contracts as a Markdown table; empty without a release."""
    if run.release is None:
        return ""
    reports = TypeAdapter(dict[str, ContractReport]).validate_json(
        (Path(run.release.path) / "contract.json").read_bytes()
    )
    lines = ["| product | expectation | column | checked | failed |", "|---|---|---|---|---|"]
    for product, report in reports.items():
        lines += [
            f"| {product} | {result.means} | {result.column or ''} | {result.checked} | {result.failed} |"
            for result in report.results
        ]
    return "\n".join(lines)
