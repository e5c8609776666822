"""From the problems of a run to a release folder: rows, contract, card, manifest; all of it or nothing.

The rows are spooled, sorted and written; their contracts are run on the very files that would leave; only then
is there a version, a card and a manifest, and one rename makes them visible.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import get_args

import duckdb
import pyarrow.parquet as pq

from cotfactory.data_contracts.check import check_contract
from cotfactory.data_contracts.contract import Contract, Demands, load_contract
from cotfactory.data_contracts.release_contract import RunCounts, check_release, load_release_contract, measure_release
from cotfactory.data_contracts.report import WHOLE, ContractReport, Subject
from cotfactory.graders.answer_mutants import MutantCheck
from cotfactory.publishing.build_rows import BUILDERS
from cotfactory.publishing.changelog import CHANGELOG, changelog
from cotfactory.publishing.charts import draw_charts
from cotfactory.publishing.contaminated import ContaminatedIds
from cotfactory.publishing.dataset_card import dataset_card
from cotfactory.publishing.diff import ProductDiff, diff_products
from cotfactory.publishing.products.rl import left_out
from cotfactory.publishing.published_recipe import published_recipe
from cotfactory.publishing.read_manifest import read_manifest
from cotfactory.publishing.release_statistics import ReleaseStatistics
from cotfactory.publishing.report_page import REPORT, report_page
from cotfactory.publishing.sorted_rows import RowSpool, rows_sha, write_index, write_shards
from cotfactory.publishing.staging import make_visible, work_folder
from cotfactory.publishing.versions import FIRST_VERSION, chosen_version, held_back, latest_release, next_version
from cotfactory.schemas.alarm import Alarm
from cotfactory.schemas.decontamination import Decontamination
from cotfactory.schemas.errors import ContractFailed, WorkspaceError
from cotfactory.schemas.grade import Split
from cotfactory.schemas.group import Group
from cotfactory.schemas.key_like import count_key_like
from cotfactory.schemas.manifest import FunnelStage, Manifest, ReleasedFile, StrengthOfTests, TeacherShare
from cotfactory.schemas.recipe import Product, Recipe
from cotfactory.schemas.record import Record
from cotfactory.schemas.regrade import Regrade
from cotfactory.warehouse import freed_memory


class ReleaseFacts(Record):
    """What only the run knows of a release: who made it, when, and how many were left after each stage.

    `recipe_id` says whether two recipes ask for the same; `funnel` ends before the rows, which are counted
    here; `dropped` counts candidates and problems by the reason of their decision, `mutants` is what came of the watch
    on the graders. `decisions` is the recipe's decisions table, which tells why a row went; `version` was chosen by a
    person, else the difference decides.
    """

    code_version: str
    recipe_id: str
    problems: str
    created_at: datetime
    funnel: tuple[FunnelStage, ...]
    verdicts: dict[str, int]
    dropped: dict[str, int]
    teachers: tuple[TeacherShare, ...]
    sandbox_images: tuple[str, ...] = ()
    decontamination: Decontamination | None = None
    alarms: tuple[Alarm, ...] = ()
    regrades: tuple[Regrade, ...] = ()
    decisions: Path | None = None
    version: str | None = None
    mutants: MutantCheck | None = None


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


def write_release(
    name: str,
    problems: Iterable[Sequence[Group]],
    recipe: Recipe,
    facts: ReleaseFacts,
    releases_dir: Path,
    staging_dir: Path,
    strength: Callable[[], StrengthOfTests | None] = lambda: None,
) -> ReleaseOutcome:
    """Release what was kept of `problems` (all groups of one problem after the other, in any order).

    The problems are gone through once, in bounded memory. `strength` is asked only when there is something new.
    `staging_dir` is on the file system of `releases_dir`. When rows and recipe are those of the latest release, that
    one stands and nothing is written, unless a version was chosen; so it does when fewer rows came than the recipe
    asks for (see `held_back`).

    Raises ContractFailed when an expectation failed or there is no row at all (one line for each failure), and
    WorkspaceError when the disk refuses, InputError for a chosen version that cannot follow; no folder is left.
    """
    try:
        with work_folder(staging_dir / name) as work:
            return _make(problems, recipe, facts, releases_dir / name, work, strength)
    except (OSError, duckdb.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise WorkspaceError(
            f"Cannot write the release of {name}: {said}", "see to the disk and release again"
        ) from error


def _make(
    problems: Iterable[Sequence[Group]],
    recipe: Recipe,
    facts: ReleaseFacts,
    home: Path,
    work: Path,
    strength: Callable[[], StrengthOfTests | None],
) -> ReleaseOutcome:
    contaminated = work / "contaminated.parquet"
    statistics = ReleaseStatistics()
    rows, spools = _spool(_watched(problems, statistics, recipe), recipe, work / "spool", contaminated)
    if not spools:
        raise ContractFailed(
            f"Nothing to release: no candidate of {home.name} became a row of {', '.join(rows)}",
            "see the funnel for where they went; nothing was written",
        )
    staged = work / "out" / "next"
    (staged / "index").mkdir(parents=True)
    indexes = {product: staged / "index" / f"{product}.parquet" for product in spools}
    for product, by_split in spools.items():
        write_index(by_split.values(), indexes[product])
    sha, parent = rows_sha(indexes), latest_release(home)
    if parent is not None:
        stands = read_manifest(parent)
        if facts.version is None and (stands.rows_sha, stands.recipe_id) == (sha, facts.recipe_id):
            return _outcome(stands, parent, rows, {})
    for product, by_split in spools.items():
        for split, spool in by_split.items():
            write_shards(spool, staged / product, split)
    freed_memory.trim()  # pictures and contract are made with libraries that take much
    charts = draw_charts(statistics)
    contracts = {product: load_contract(product) for product in spools}
    reports = _checked(contracts, staged, rows, recipe, _counts(facts, parent), contaminated)
    differences = diff_products(parent, staged, facts.decisions) if parent else {}
    if parent is not None and facts.version is None and (why := held_back(recipe.release.min_new_rows, differences)):
        return _outcome(stands, parent, {product: stands.rows.get(product, 0) for product in rows}, {}, why)
    manifest = _manifest(home.name, sha, recipe, facts, parent, differences, staged, contracts)
    without_rl = dict(sorted(statistics.without_rl.items()))
    manifest = manifest.model_copy(update={"test_strength": strength(), "without_rl": without_rl})
    for path, chart in charts.items():
        (staged / path).parent.mkdir(exist_ok=True)
        (staged / path).write_bytes(chart.png)
    sizes = _table_bytes(staged, spools)
    _write_text(staged / "README.md", dataset_card(manifest, recipe, contracts, reports, sizes, statistics, charts))
    _write_text(staged / REPORT, report_page(manifest, statistics, reports, facts.mutants, charts))
    told = {product: report.model_dump(mode="json") for product, report in reports.items()}
    _write_text(staged / "contract.json", json.dumps(told, ensure_ascii=False, indent=1))
    _write_text(staged / CHANGELOG, changelog(manifest, differences, parent))
    names = ("README.md", CHANGELOG, "contract.json", REPORT, *charts)
    about = tuple(_released_file(staged / name, staged) for name in names)
    manifest = manifest.model_copy(update={"files": (*manifest.files, *about)})
    _write_text(staged / "manifest.json", manifest.model_dump_json(indent=1))
    return _outcome(manifest, make_visible(staged, home, manifest.version), rows, reports)


def _watched(
    problems: Iterable[Sequence[Group]], statistics: ReleaseStatistics, recipe: Recipe
) -> Iterator[Sequence[Group]]:
    for groups in problems:
        statistics.add(groups, left_out(groups, recipe) if "rl" in recipe.release.products else None)
        yield groups


def _spool(
    problems: Iterable[Sequence[Group]], recipe: Recipe, folder: Path, contaminated: Path
) -> tuple[dict[Product, int], dict[Product, dict[Split, RowSpool]]]:
    """Write the rows of every product down as they come, and to `contaminated` the ids that must not be among them.

    Return how many there are of each product, and the spools that have any: a product or split without rows is
    left out of the release, as `datasets` refuses to load a split of none.
    """
    products = recipe.release.products
    with ExitStack() as stack:
        withheld = stack.enter_context(ContaminatedIds(contaminated))
        spools = {
            product: {split: stack.enter_context(RowSpool(product, folder / split)) for split in get_args(Split)}
            for product in products
        }
        for groups in problems:
            withheld.add(groups)
            for product, by_split in spools.items():
                by_split[groups[0].split].add(BUILDERS[product](groups, recipe))
    filled = {
        product: {split: spool for split, spool in by_split.items() if spool.rows}
        for product, by_split in spools.items()
    }
    rows = {product: sum(spool.rows for spool in by_split.values()) for product, by_split in filled.items()}
    return rows, {product: by_split for product, by_split in filled.items() if by_split}


def _counts(facts: ReleaseFacts, parent: Path | None) -> RunCounts:
    return RunCounts(
        funnel={stage.stage: stage.count for stage in facts.funnel},
        verdicts=facts.verdicts,
        dropped=facts.dropped,
        mutants_accepted=facts.mutants.accepted if facts.mutants else 0,
        rows_before=_rows_of_same_recipe(parent, facts.recipe_id),
    )


def _rows_of_same_recipe(parent: Path | None, recipe_id: str) -> dict[Product, int]:
    before = read_manifest(parent) if parent else None
    if before is None or before.recipe_id != recipe_id:
        return {}
    return {product: before.rows[product] for product in get_args(Product) if product in before.rows}


def _checked(
    contracts: Mapping[Product, Contract],
    staged: Path,
    rows: Mapping[Product, int],
    recipe: Recipe,
    counts: RunCounts,
    contaminated: Path,
) -> dict[Subject, ContractReport]:
    """Run the contract of each product on its shards, then that of the whole release.

    Raises ContractFailed with a line for each failure.
    """
    demands = Demands(
        require_reasoning=recipe.curation.require_reasoning,
        max_length_ratio=recipe.release.preference.max_length_ratio,
        one_per_rejection_type=recipe.release.preference.one_per_rejection_type,
    )
    files = {product: _shards(staged, product) for product in contracts}
    reports: dict[Subject, ContractReport] = {
        product: check_contract(contract, files[product], rows[product], demands)
        for product, contract in contracts.items()
    }
    if all(report.passed for report in reports.values()):  # with other columns, nothing can be measured
        numbers = measure_release(files, rows, counts, recipe.release.stop_above, contaminated)
        reports[WHOLE] = check_release(load_release_contract(), numbers)
    failures = [line for report in reports.values() for line in report.failures()]
    if failures:
        raise ContractFailed("\n".join(failures), "nothing was released")
    return reports


def _shards(staged: Path, product: Product) -> list[Path]:
    return sorted((staged / product).glob("*.parquet"))


def _manifest(
    name: str,
    sha: str,
    recipe: Recipe,
    facts: ReleaseFacts,
    parent: Path | None,
    differences: Mapping[Product, ProductDiff],
    staged: Path,
    contracts: Mapping[Product, Contract],
) -> Manifest:
    """Return the manifest of what is staged so far: the data, without the files that tell of it."""
    files = tuple(_released_file(path, staged) for path in sorted(staged.rglob("*.parquet")))
    rows = {
        product: sum(file.rows or 0 for file in files if file.path.startswith(f"{product}/")) for product in contracts
    }
    return Manifest(
        name=name,
        version=_version(facts.version, parent, differences),
        parent=parent.name if parent else None,
        created_at=facts.created_at,
        code_version=facts.code_version,
        rows_sha=sha,
        recipe_id=facts.recipe_id,
        recipe=json.dumps(published_recipe(recipe), ensure_ascii=False, sort_keys=True),
        problems=facts.problems,
        rows={**rows},
        files=files,
        funnel=(*facts.funnel, FunnelStage(stage="rows", count=sum(rows.values()))),
        verdicts=facts.verdicts,
        dropped=facts.dropped,
        teachers=facts.teachers,
        sandbox_images=facts.sandbox_images,
        decontamination=facts.decontamination,
        alarms=facts.alarms,
        regrades=facts.regrades,
        contract_sha={product: _sha256(contract.model_dump_json()) for product, contract in contracts.items()},
    )


def _version(chosen: str | None, parent: Path | None, differences: Mapping[Product, ProductDiff]) -> str:
    if chosen is not None:
        return chosen_version(chosen, parent.name if parent else None)
    return next_version(parent.name, differences) if parent else FIRST_VERSION


def _write_text(path: Path, text: str) -> None:
    if keys := count_key_like(text):
        raise ContractFailed(f"{path.name}: {keys} key-like strings: expected none", "take the key out of the recipe")
    path.write_text(text, "utf-8")


def _table_bytes(staged: Path, products: Mapping[Product, Iterable[Split]]) -> dict[Product, dict[Split, int]]:
    """Return the size of the rows of each product and split before compression."""
    return {
        product: {split: _bytes(sorted((staged / product).glob(f"{split}-*.parquet"))) for split in splits}
        for product, splits in products.items()
    }


def _bytes(shards: Iterable[Path]) -> int:
    metadata = map(pq.read_metadata, shards)
    return sum(shard.row_group(index).total_byte_size for shard in metadata for index in range(shard.num_row_groups))


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
