"""The dataset card: front matter for the Hub, and for people what the data is, how it was made and checked."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jinja2
import pyarrow as pa
import yaml

from cotfactory.curation.chain_checks.personal_data import PERSONAL_KINDS
from cotfactory.data_contracts.contract import Contract
from cotfactory.data_contracts.report import WHOLE, ContractReport, Subject
from cotfactory.publishing.charts import Chart
from cotfactory.publishing.how_to_load import how_to_load, markdown_templates
from cotfactory.publishing.licenses import license_lines, terms_of
from cotfactory.publishing.measured_graders import interval, measured_graders
from cotfactory.publishing.published_recipe import published_recipe
from cotfactory.publishing.release_statistics import ReleaseStatistics
from cotfactory.publishing.shown_chain import ShownChain
from cotfactory.publishing.token_figures import TokenFigures
from cotfactory.schemas.decontamination import METHODS, Decontamination, PlantedRecall
from cotfactory.schemas.drop_reasons import DROP_REASONS
from cotfactory.schemas.grade import Split
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.people_figures import Estimate
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS

SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
MORE = "10M<n<100M"
KEPT_ROWS, DROPPED_ROWS = 12, 8


def dataset_card(
    manifest: Manifest,
    recipe: Recipe,
    contracts: Mapping[Product, Contract],
    reports: Mapping[Subject, ContractReport],
    table_bytes: Mapping[Product, Mapping[Split, int]],
    statistics: ReleaseStatistics,
    charts: Mapping[str, Chart],
    tokens: TokenFigures | None = None,
) -> str:
    """Return README.md of a release; `manifest` need not list the card itself yet.

    `contracts` and `reports` have the release's products, the default one first; `table_bytes` is the size of the
    rows of each product and split before compression; `charts` are by the path of their picture beside the card.
    Names that come from outside are escaped in tables.
    """
    recipe_text = _yaml(published_recipe(recipe))
    return _template().render(
        front_matter=_yaml(_front_matter(manifest, recipe, table_bytes, statistics.counts.main_languages())),
        manifest=manifest,
        contracts=contracts,
        reports=reports,
        whole=reports[WHOLE],
        how_to_load=how_to_load(manifest, recipe.release.repo),
        license=recipe.release.license,
        repo=recipe.release.repo,
        days=sorted(statistics.counts.days),
        contact=recipe.release.contact,
        tokens=tokens,
        recipe=recipe_text,
        never_null="expect_column_values_to_not_be_null",
        simulated=[f"`{teacher.name}`" for teacher in recipe.teachers if teacher.simulated is not None],
        problems=next((f"{stage.count:,}" for stage in manifest.funnel if stage.stage == "problems"), "some"),
        kept=sum(teacher.kept for teacher in manifest.facts.teachers),
        labels=statistics.counts.labels(),
        diversity=statistics.counts.diversity.figures(statistics.sample.kept()),
        terms={teacher.teacher: _terms(teacher.license) for teacher in manifest.facts.teachers},
        agreement=statistics.counts.agreement,
        refusals=statistics.counts.refusals,
        missing=[product for product in recipe.release.products if product not in contracts],
        personal=statistics.counts.personal_data,
        personal_kinds=PERSONAL_KINDS,
        personal_rule=recipe.curation.personal_data,
        charts=charts,
        drop_reasons=DROP_REASONS,
        methods=(*METHODS, "any"),
        planted=_by_planting(manifest.facts.decontamination),
        exams=measured_graders(statistics.counts.graders),
        license_lines=license_lines(
            statistics.counts.licenses, {teacher.teacher: teacher.license for teacher in manifest.facts.teachers}
        ),
        license_is_known=terms_of(recipe.release.license) is not None,
        rows_shown=[
            (shown, _why(shown))
            for shown in (*statistics.sample.kept()[:KEPT_ROWS], *statistics.sample.dropped()[:DROPPED_ROWS])
        ],
    )


@cache
def _template() -> jinja2.Template:
    environment = markdown_templates()
    environment.filters |= {"cell": cell, "count": "{:,}".format, "interval": interval, "share": share}
    environment.filters |= {"estimate": _estimate, "fenced": _fenced}
    return environment.get_template("dataset_card.md.j2")


def _by_planting(found: Decontamination | None) -> dict[str, dict[str, PlantedRecall]]:
    table: dict[str, dict[str, PlantedRecall]] = {}
    for recall in found.planted if found is not None else ():
        table.setdefault(recall.planting, {})[recall.method] = recall
    return table


def cell(text: str) -> str:
    r"""Return `text` as it looks, wherever it stands in Markdown: one line, no table cell ends, no markup starts.

    >>> cell("a|b`c`\n<img>")
    'a\\|b\\`c\\` &lt;img&gt;'
    """
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", line)


def _fenced(text: str, language: str = "") -> str:
    r"""Return `text` as a block of code that nothing in it ends.

    >>> _fenced("a ``` b")
    '````\na ``` b\n````'
    """
    fence = "`" * (max([2, *map(len, re.findall("`+", text))]) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _estimate(found: Estimate) -> str:
    """Return an estimate with its interval for people.

    >>> _estimate(Estimate(value=0.98, low=0.931, high=0.9976, n=60))
    '98.00 % [93.10 %, 99.76 %]'
    """
    if found.value is None or found.low is None or found.high is None:
        return "not known yet"
    return f"{100 * found.value:.2f} % [{100 * found.low:.2f} %, {100 * found.high:.2f} %]"


def share(part: int, whole: int) -> str:
    """Return a share in percent, and `-` of nothing.

    >>> share(1, 3)
    '33.3 %'
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _why(chain: ShownChain) -> str:
    """Return verdict, what the decision rests on (ids are cut short) and labels of a chain."""
    detail = re.sub(r"\b[0-9a-f]{32}\b", lambda found: f"{found.group()[:8]}...", chain.detail)
    return "; ".join(part for part in (f"{chain.verdict} ({chain.grader_reason})", detail[:120], *chain.flags) if part)


def _terms(name: str | None) -> str:
    terms = terms_of(name) if name else None
    return terms.named if terms else "unknown"


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _front_matter(
    manifest: Manifest,
    recipe: Recipe,
    table_bytes: Mapping[Product, Mapping[Split, int]],
    languages: Sequence[str],
) -> dict[str, Any]:
    rows = sum(manifest.rows.values())
    return {
        "license": recipe.release.license,
        **({"language": list(languages)} if languages else {}),
        "pretty_name": manifest.name,
        "tags": ["synthetic", "reasoning", "chain-of-thought", "verified"],
        "task_categories": ["text-generation"],
        "size_categories": [next((name for limit, name in SIZES.items() if rows < limit), MORE)],
        "configs": [
            {
                "config_name": product,
                **({"default": True} if position == 0 else {}),
                "data_files": [{"split": split, "path": f"{product}/{split}-*.parquet"} for split in sizes],
            }
            for position, (product, sizes) in enumerate(table_bytes.items())
        ],
        "dataset_info": [_dataset_info(manifest, product, sizes) for product, sizes in table_bytes.items()],
    }


def _dataset_info(manifest: Manifest, product: Product, sizes: Mapping[Split, int]) -> dict[str, Any]:
    files = [file for file in manifest.files if file.path.startswith(f"{product}/")]
    rows = {
        split: sum(file.rows or 0 for file in files if file.path.startswith(f"{product}/{split}-")) for split in sizes
    }
    return {
        "config_name": product,
        "features": [_feature(field) for field in ROW_SCHEMAS[product]],
        "splits": [{"name": split, "num_bytes": size, "num_examples": rows[split]} for split, size in sizes.items()],
        "download_size": sum(file.bytes for file in files),
        "dataset_size": sum(sizes.values()),
    }


def _feature(field: "pa.Field[Any]") -> dict[str, Any]:
    """Return a column as the Hub's `dataset_info` writes it.

    >>> _feature(pa.field("ids", pa.list_(pa.int32())))
    {'name': 'ids', 'list': 'int32'}
    """
    kind = field.type
    if isinstance(kind, pa.StructType):
        return {"name": field.name, "struct": [_feature(child) for child in kind]}
    if isinstance(kind, pa.ListType):
        inner = kind.value_type
        items = [_feature(child) for child in inner] if isinstance(inner, pa.StructType) else str(inner)
        return {"name": field.name, "list": items}
    return {"name": field.name, "dtype": "float64" if kind == pa.float64() else str(kind)}
