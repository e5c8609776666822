"""Make a release again from its manifest and the workspace, and see that it holds the same rows."""

from contextlib import ExitStack
from pathlib import Path

from cotfactory.flows.ask.rollouts import RolledOut
from cotfactory.flows.groups import decided_groups
from cotfactory.flows.release.find_release import release_folder
from cotfactory.flows.review.people_verdicts import reviews_that_count
from cotfactory.flows.review.reviewed_groups import with_reviews
from cotfactory.flows.teacher_plan import teacher_plans
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release import write_release
from cotfactory.schemas.errors import WorkspaceError
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.warehouse.checksums import check_sealed
from cotfactory.warehouse.problem_spool import spool_problems
from cotfactory.warehouse.released import released_file, released_problems, released_samples
from cotfactory.warehouse.wanted import WantedSamples
from cotfactory.warehouse.workspace import open_workspace


class Rebuilt(Record):
    """Where a release was made again, with the very `rows_sha` of its manifest."""

    path: str
    version: str
    rows_sha: str

    def text(self) -> str:
        """Return where it is, for people."""
        return f"{self.path}: rows_sha {self.rows_sha}, as in the manifest"


def rebuild(release: str, workspace: Path, out: Path) -> Rebuilt:
    """Make a release again in `out`, from its manifest alone and what the workspace keeps. Asks no teacher.

    Raises InputError for an unknown release, WorkspaceError where the workspace lacks what it was made of, and when
    the rows come out otherwise (another version of the code builds rows in its own way).
    """
    manifest = read_manifest(release_folder(release, workspace))
    recipe = Recipe.model_validate_json(manifest.recipe)
    place = open_workspace(workspace)
    check_sealed(place)
    used = released_file(place, manifest.name, manifest.version)
    plans = teacher_plans(recipe, {})
    with ExitStack() as stack:
        problems = stack.enter_context(spool_problems(released_problems(place, manifest.facts.problems), place.staging))
        positions = {problem.problem_id: position for position, problem in enumerate(problems)}
        samples = released_samples(used, positions)
        wanted = stack.enter_context(WantedSamples(place, samples, decisions=[used]))
        groups = decided_groups(problems, plans, wanted, manifest.name)
        if recipe.rollouts is not None:
            rollouts = released_samples(used, positions, rollouts=True), used
            rolled = RolledOut(recipe, recipe.rollouts, manifest.name, problems, plans, wanted, place, rollouts)
            groups = stack.enter_context(rolled).groups()
        if recipe.review is not None and manifest.facts.people is not None:
            groups = with_reviews(groups, reviews_that_count(place, recipe, manifest.facts.people.until))
        outcome = write_release(
            manifest.name, groups, recipe, manifest.facts, out, place.staging, version=manifest.version
        )
    if outcome.rows_sha != manifest.rows_sha:
        raise WorkspaceError(
            f"{outcome.path} has rows_sha {outcome.rows_sha}: expected {manifest.rows_sha}, as in the manifest",
            f"it was made by code version {manifest.facts.code_version}; `cotfactory diff` tells what differs",
        )
    return Rebuilt(path=str(outcome.path), version=outcome.version, rows_sha=outcome.rows_sha)
