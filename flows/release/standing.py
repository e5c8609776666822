"""The release that stands: where all that a release is made of is what the latest one was made of, that is the one.

Rows depend on the problems, the chains and their verdicts, what people said, the recipe, the benchmarks and our own
code, and on nothing else: not on the time, the order of arrival or the machine. A hash over all of it is kept beside
what was told of the release, so that a run with nothing new neither reads a chain nor decides one.
"""

from pathlib import Path

from pydantic import ValidationError

from cotfactory.flows.host.code_id import code_id
from cotfactory.flows.job import Job
from cotfactory.flows.load_recipe import recipe_id
from cotfactory.flows.release.examined import texts_id
from cotfactory.flows.run_record import Run
from cotfactory.flows.summary import ReleaseSummary, Tally
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.versions import latest_release
from cotfactory.schemas.decontamination import Decontamination
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.mutant_check import MutantCheck
from cotfactory.schemas.record import Record
from cotfactory.warehouse.synced import write_lines


class StandingRelease(Record):
    """What a release was made of, as a hash, and what its run told of it."""

    inputs: str
    tally: Tally
    mutants: MutantCheck | None
    decontamination: Decontamination | None
    release: ReleaseSummary


def release_inputs(job: Job) -> str:
    """Return the hash of all that the job's release would be made of."""
    run = job.run
    if run.bought.calls:
        job.wanted.snapshot()
    return content_id(
        {
            "code": code_id(),
            "recipe": recipe_id(run.recipe),
            "problems": job.problems.facts.digest,
            "dropped": dict(sorted(job.dropped.items())),
            "benchmarks": texts_id(run.benchmarks),
            "chains": job.wanted.digest(),
            "reviews": sorted(review.review_id for review in run.reviews),
            "grown": [facts.model_dump(mode="json") for facts in run.grown],
            "parent": _latest(run),
        }
    )


def take_standing(job: Job) -> bool:
    """Take the latest release as this run's where it was made of the very same, and say so; else return False.

    A chosen version is a new release; rollouts are decided anew, for what they are made of is bought after the chains.
    """
    run = job.run
    if run.version is not None or run.recipe.rollouts is not None:
        return False
    standing = _read(run)
    if standing is None or standing.inputs != release_inputs(job):
        return False
    run.tally, run.mutants, run.decontamination = standing.tally, standing.mutants, standing.decontamination
    run.release = standing.release.model_copy(update={"unchanged": True})
    run.progress.note(f"nothing is new: {run.release.version} stands")
    return True


def note_standing(job: Job) -> None:
    """Write down what the release of this run was made of."""
    run = job.run
    assert run.release is not None
    standing = StandingRelease(
        inputs=release_inputs(job),
        tally=run.tally,
        mutants=run.mutants,
        decontamination=run.decontamination,
        release=run.release,
    )
    try:
        write_lines(_path(run), [standing.model_dump_json()])
    except OSError as error:
        raise WorkspaceError(
            f"{_path(run)} cannot be written: {error.strerror or error}", "free space and run again"
        ) from error


def forget_standing(run: Run) -> None:
    """Have the next run curate and release again, whatever becomes of this one."""
    _path(run).unlink(missing_ok=True)


def _path(run: Run) -> Path:
    return run.workspace.made_of / f"{run.output_name}.json"


def _latest(run: Run) -> str | None:
    """Return the version that a new release would follow, and its rows."""
    latest = latest_release(run.workspace.releases / run.output_name)
    return None if latest is None else f"{latest.name} {read_manifest(latest).rows_sha}"


def _read(run: Run) -> StandingRelease | None:
    try:
        return StandingRelease.model_validate_json(_path(run).read_bytes())
    except (OSError, ValidationError):
        return None  # none yet, or another version's
