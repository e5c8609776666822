"""From the problems of a run to a release folder: rows, contract, card, manifest; all of it or nothing.

The rows are spooled, sorted and written; their contracts are run on the very files that would leave; only then
is there a version, a card and a manifest, and one rename makes them visible.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from cotfactory.data_contracts.contract import Contract, load_contract
from cotfactory.data_contracts.report import ContractReport, Subject
from cotfactory.publishing.charts import draw_charts
from cotfactory.publishing.check_release import checked
from cotfactory.publishing.diff import ProductDiff, diff_products
from cotfactory.publishing.published_recipe import published_recipe
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release_pages import write_pages, write_text
from cotfactory.publishing.release_statistics import ProblemFigures
from cotfactory.publishing.rows_taken_over import RowsTakenOver
from cotfactory.publishing.stage_rows import StagedRows, ToRelease, read_what_is_shown, stage_rows
from cotfactory.publishing.staging import make_visible, work_folder
from cotfactory.publishing.token_figures import TokenFigures, token_figures
from cotfactory.publishing.versions import FIRST_VERSION, chosen_version, held_back, latest_release, next_version
from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.manifest import Manifest, ReleasedFile, ReleaseFacts, StrengthOfTests
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.schemas.release_rules import Product
from cotfactory.warehouse import freed_memory

logger = logging.getLogger(__name__)

NOT_READ_BY_STUDENTS: tuple[Product, ...] = ("all_graded", "reviews", "steps")
"""Products whose rows are no conversation that a student is trained on."""


class ReleaseOutcome(Record):
    """The release that was made or, when nothing changed or too little came, the one that stands.

    `contracts` are the reports of a new release; an unchanged one keeps those in its contract.json. `held_back` says
    why what is new was not released.
    """

    path: Path
    version: str
    rows_sha: str
    rows: dict[Product, int]
    unchanged: bool
    contracts: dict[Subject, ContractReport]
    held_back: str | None = None


@dataclass(frozen=True)
class _Parent:
    """The latest release of the name so far."""

    path: Path
    manifest: Manifest


@dataclass(frozen=True)
class _Wanted:
    """The release to be made in `home`; see `write_release`."""

    home: Path
    recipe: Recipe
    facts: ReleaseFacts
    parent: _Parent | None
    decisions: Path | None
    chosen_version: str | None
    strength: Callable[[], StrengthOfTests | None]
    with_pictures: bool
    tokenizer: Path | None
    taken_over: RowsTakenOver | None


def write_release(
    name: str,
    problems: Iterable[ToRelease],
    recipe: Recipe,
    facts: ReleaseFacts,
    releases_dir: Path,
    staging_dir: Path,
    *,
    decisions: Path | None = None,
    version: str | None = None,
    strength: Callable[[], StrengthOfTests | None] = lambda: None,
    with_pictures: bool = True,
    tokenizer: Path | None = None,
    taken_over: RowsTakenOver | None = None,
    note: Callable[[ProblemFigures], None] = lambda figures: None,
) -> ReleaseOutcome:
    """Release what was kept of `problems` (all groups of one problem after the other, in any order).

    The problems are gone through once, in bounded memory. `decisions` is the recipe's decisions table, which tells why
    a row went; `version` was chosen by a person, else the difference decides. `strength` is asked only when there is
    something new; `with_pictures` draws those of page and card, in a CPU-second; `tokenizer` is the
    folder of the one that the recipe names, if rows are to be counted with it. The rows of problems that come as their
    figures are `taken_over`; `note` is told the figures of the others. `staging_dir` is on the file system of
    `releases_dir`. When rows and recipe are those of the latest release, that one stands and nothing is written, unless
    a version was chosen; so it does when fewer rows came than the recipe asks for (see `held_back`).

    Raises ContractFailed when an expectation failed or there is no row at all (one line for each failure), and
    WorkspaceError when the disk refuses, InputError for a chosen version that cannot follow; no folder is left.
    """
    home = releases_dir / name
    try:
        latest = latest_release(home)
        parent = _Parent(latest, read_manifest(latest)) if latest is not None else None
        wanted = _Wanted(
            home, recipe, facts, parent, decisions, version, strength, with_pictures, tokenizer, taken_over
        )
        with work_folder(staging_dir / name) as work:
            rows = stage_rows(name, problems, recipe, work, taken_over, note)
            return _standing(wanted, rows) or _made(wanted, rows)
    except (OSError, duckdb.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise WorkspaceError(
            f"Cannot write the release of {name}: {said}", "see to the disk and release again"
        ) from error


def _standing(wanted: _Wanted, rows: StagedRows) -> ReleaseOutcome | None:
    """Return the latest release where it holds exactly these rows, by the same recipe, and no version was chosen."""
    parent = wanted.parent
    if parent is None or wanted.chosen_version is not None:
        return None
    before = parent.manifest
    if (before.rows_sha, before.facts.recipe_id) != (rows.sha, wanted.facts.recipe_id):
        return None
    return _outcome(before, parent.path, rows.counts, {})


def _made(wanted: _Wanted, rows: StagedRows) -> ReleaseOutcome:
    """Make the release, or find that too little came."""
    rows.write_shards()
    if wanted.taken_over is not None:
        read_what_is_shown(rows, wanted.recipe, wanted.taken_over)
    freed_memory.trim()  # pictures and contract are made with libraries that take much
    charts = draw_charts(rows.statistics.counts) if wanted.with_pictures else {}
    contracts = {product: load_contract(product) for product in rows.spools}
    parent, before = (wanted.parent.path, wanted.parent.manifest) if wanted.parent else (None, None)
    reports = checked(rows, contracts, wanted.recipe, wanted.facts, before)
    differences = _differences(parent, rows, wanted) if parent is not None else {}
    if (waiting := _waiting(wanted, rows, differences)) is not None:
        return waiting
    manifest = _manifest(wanted, rows, differences, contracts)
    tokens = _tokens(wanted, rows)
    pages = write_pages(rows, manifest, wanted.recipe, contracts, reports, differences, parent, charts, tokens)
    about = (_released_file(page, rows.staged) for page in pages)
    manifest = manifest.model_copy(update={"files": (*manifest.files, *about)})
    write_text(rows.staged / "manifest.json", manifest.model_dump_json(indent=1))
    return _outcome(manifest, make_visible(rows.staged, wanted.home, manifest.version), rows.counts, reports)


def _tokens(wanted: _Wanted, rows: StagedRows) -> TokenFigures | None:
    """Count what a student reads, where the recipe names a tokenizer; no release is lost with a template that hangs."""
    named = wanted.recipe.release.tokenizer
    if named is None or wanted.tokenizer is None:
        return None
    files = {product: rows.shards(product) for product in rows.spools if product not in NOT_READ_BY_STUDENTS}
    try:
        return token_figures(named, wanted.tokenizer, files)
    except InputError as error:
        logger.warning("the release does not tell its tokens", extra={"error": str(error)})
        return None


def _differences(parent: Path, rows: StagedRows, wanted: _Wanted) -> dict[Product, ProductDiff]:
    return diff_products(parent, rows.staged, wanted.decisions, wanted.recipe.release.products)


def _waiting(wanted: _Wanted, rows: StagedRows, differences: Mapping[Product, ProductDiff]) -> ReleaseOutcome | None:
    """Return the latest release where fewer rows came than the recipe asks for, and no version was chosen."""
    parent = wanted.parent
    if parent is None or wanted.chosen_version is not None:
        return None
    why = held_back(wanted.recipe.release.min_new_rows, differences)
    if why is None:
        return None
    counts = {product: parent.manifest.rows.get(product, 0) for product in rows.counts}
    return _outcome(parent.manifest, parent.path, counts, {}, why)


def _manifest(
    wanted: _Wanted,
    rows: StagedRows,
    differences: Mapping[Product, ProductDiff],
    contracts: Mapping[Product, Contract],
) -> Manifest:
    """Return the manifest of what is staged so far: the data, without the files that tell of it."""
    parent = wanted.parent.path.name if wanted.parent else None
    return Manifest(
        name=wanted.home.name,
        version=_version(wanted.chosen_version, parent, differences),
        parent=parent,
        rows_sha=rows.sha,
        recipe=json.dumps(published_recipe(wanted.recipe), ensure_ascii=False, sort_keys=True),
        rows={product: rows.counts[product] for product in contracts},
        files=tuple(_released_file(path, rows.staged) for path in sorted(rows.staged.rglob("*.parquet"))),
        contract_sha={product: _sha256(contract.model_dump_json()) for product, contract in contracts.items()},
        facts=wanted.facts,
        test_strength=wanted.strength(),
        without_rl=dict(sorted(rows.statistics.counts.without_rl.items())),
        kept_weak=rows.statistics.counts.kept_weak,
        graders=_versions(rows.statistics.counts.graders),
    )


def _versions(graders: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, version in sorted(graders):
        found.setdefault(name, []).append(version)
    return {name: ", ".join(versions) for name, versions in found.items()}


def _version(chosen: str | None, parent: str | None, differences: Mapping[Product, ProductDiff]) -> str:
    if chosen is not None:
        return chosen_version(chosen, parent)
    return next_version(parent, differences) if parent is not None else FIRST_VERSION


def _released_file(path: Path, staged: Path) -> ReleasedFile:
    """Describe a file; `rows` is None for one that holds no published rows."""
    name = path.relative_to(staged).as_posix()
    is_shard = path.suffix == ".parquet" and not name.startswith("index/")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    rows = pq.read_metadata(path).num_rows if is_shard else None
    return ReleasedFile(path=name, rows=rows, bytes=path.stat().st_size, sha256=sha256)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _outcome(
    manifest: Manifest,
    path: Path,
    rows: dict[Product, int],
    reports: dict[Subject, ContractReport],
    held_back: str | None = None,
) -> ReleaseOutcome:
    return ReleaseOutcome(
        path=path,
        version=manifest.version,
        rows_sha=manifest.rows_sha,
        rows=rows,
        unchanged=not reports,
        contracts=reports,
        held_back=held_back,
    )
