"""Send a release to the Hub, and compare two releases."""

import logging
from pathlib import Path

from cotfactory.flows.release.find_release import opened_release, release_folder
from cotfactory.flows.settings import hub_target
from cotfactory.publishing.changelog import difference_lines
from cotfactory.publishing.diff import ReleaseDiff, diff_releases
from cotfactory.publishing.hub import PublishOutcome, prepare_repository, publish_release
from cotfactory.publishing.hub_repository import Ask, Repository
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.report_page import REPORT
from cotfactory.schemas.errors import HubUnreachable, InputError, RecipeError
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.warehouse.workspace import Workspace

logger = logging.getLogger(__name__)


class Published(Record):
    """Where a release is on the Hub now."""

    outcome: PublishOutcome

    def text(self) -> str:
        """Return where it is, for people."""
        return self.outcome.text()


class FoundReport(Record):
    """Where the report of a release is."""

    name: str
    version: str
    path: str

    def text(self) -> str:
        """Return the path."""
        return self.path


class Compared(Record):
    """How two releases differ."""

    difference: ReleaseDiff

    def text(self) -> str:
        """Return the counts by product, for people."""
        lines = [f"{self.difference.before} -> {self.difference.after}"]
        lines += [f"  - {line}" for line in self.difference.making]
        for product, difference in self.difference.products.items():
            lines += [f"  {line}" for line in difference_lines(product, difference)]
        return "\n".join(lines)


def publish_folder(
    release: str,
    repo: str | None,
    workspace: Path,
    *,
    public: bool = False,
    create: bool = False,
    ask: Ask | None = None,
) -> Published:
    """Publish a release as one commit and one tag, by default where and to whom its recipe says.

    Raises PublishError, or InputError for an unknown release and where nothing names the repository.
    """
    folder = release_folder(release, workspace)
    wanted = Recipe.model_validate_json(read_manifest(folder).recipe).release
    name = repo or wanted.repo
    if name is None:
        raise InputError(
            f"{release} is to go nowhere: its recipe names no release.repo", "say where to: --repo org/name"
        )
    repository = Repository(name=name, public=public or wanted.public, gated=wanted.gated, create=create)
    return Published(outcome=publish_release(folder, repository, hub_target(), ask))


def prepare_publishing(recipe: Recipe, *, create: bool = False, ask: Ask | None = None) -> None:
    """See that a recipe's release could be published, before anything is bought. A Hub that is down now may be up then.

    Raises RecipeError for a recipe that names no repository, PublishError for one that is missing, or public.
    """
    repository = recipe_repository(recipe)
    try:
        prepare_repository(repository.model_copy(update={"create": create}), hub_target(), ask)
    except HubUnreachable as error:
        logger.warning("the repository could not be looked at yet: %s", error)


def recipe_repository(recipe: Recipe) -> Repository:
    """Return where a recipe has its release published. Raises RecipeError where it does not say."""
    wanted = recipe.release
    if wanted.repo is None:
        raise RecipeError(
            f"There is nowhere to publish to: recipe {recipe.name!r} names no release.repo", "add `repo: org/name`"
        )
    return Repository(name=wanted.repo, public=wanted.public, gated=wanted.gated)


def find_report(release: str | None, workspace: Path) -> FoundReport:
    """Return the report of a release (a folder or NAME@vX.Y.Z), or of the one that was made last.

    Raises InputError for an unknown release, one without a report, and a workspace without any.
    """
    folder = release_folder(release, workspace) if release is not None else _newest_release(workspace)
    manifest, path = read_manifest(folder), (folder / REPORT).resolve()
    if not path.is_file():
        raise InputError(
            f"{folder.resolve()} has no {REPORT}: it was released by a version that wrote none",
            "release again with `cotfactory release RECIPE --version vX.Y.Z`",
        )
    return FoundReport(name=manifest.name, version=manifest.version, path=str(path))


def _newest_release(workspace: Path) -> Path:
    releases = Workspace(workspace.resolve()).releases
    made = [(read_manifest(path.parent).facts.created_at, path.parent) for path in releases.glob("*/v*/manifest.json")]
    if not made:
        raise InputError(f"There is no release in {workspace.resolve()}", "run a recipe with this --workspace first")
    return max(made)[1]


def compare(a: str, b: str, workspace: Path) -> Compared:
    """Count rows added, removed and changed from release `a` to `b`.

    Raises InputError for an unknown release, and PublishError when the Hub does not give one.
    """
    with opened_release(a, workspace) as before, opened_release(b, workspace) as after:
        name = read_manifest(after).name
        decisions = Workspace(workspace.resolve()).table("decisions") / f"{name}.parquet"
        return Compared(difference=diff_releases(before, after, decisions))
