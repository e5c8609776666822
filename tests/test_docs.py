"""What the documentation says is so: made pages are fresh, paths exist, figures and messages are the code's own."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.main import get_command

import cotfactory
from cotfactory.curation.near_duplicates import signatures
from cotfactory.data_contracts.check import check_contract
from cotfactory.data_contracts.contract import Demands, load_contract
from cotfactory.flows.cli import app
from cotfactory.flows.host.signals import HANDLED
from cotfactory.schemas import errors
from cotfactory.schemas.finish_reason import FINISH_REASONS
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.release_rules import Product
from cotfactory.schemas.rows import ROW_SCHEMAS
from cotfactory.warehouse.ledger import BALLAST_BYTES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ROOMS = (
    "schemas",
    "generators",
    "graders",
    "reviewing",
    "curation",
    "warehouse",
    "data_contracts",
    "publishing",
    "flows",
)
WRITTEN = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the rooms as a syntax tree, by its path from the top."""
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in paths}


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def first_cells(page: str) -> list[str]:
    """The words that stand as code in the first cell of a page's table rows."""
    return re.findall(r"^\| `([^`]+)` \|", text(page), re.MULTILINE)


# Pages that are made from the code.


def test_the_recipe_reference_is_that_of_the_schema() -> None:
    assert script("recipe_reference").page() == text("docs/recipe.md"), (
        "run: python scripts/recipe_reference.py --write"
    )


def test_every_key_of_a_recipe_is_described() -> None:
    assert script("recipe_reference").keys_without_description() == []


def test_the_products_are_those_of_the_contracts() -> None:
    found = script("product_reference").page()
    assert found == text("docs/products.md"), "run: python scripts/product_reference.py --write"


def test_the_drop_reasons_are_those_of_the_rules() -> None:
    found = script("drop_reason_reference").page()
    assert found == text("docs/drop_reasons.md"), "run: python scripts/drop_reason_reference.py --write"


SAMPLE_ROWS: dict[Product, dict[str, Any]] = json.loads((DOCS / "sample_rows.json").read_text("utf-8"))


@pytest.mark.parametrize("product", get_args(Product))
def test_a_sample_row_is_a_row(product: Product, tmp_path: Path) -> None:
    row, schema = SAMPLE_ROWS[product], ROW_SCHEMAS[product]
    assert list(row) == schema.names
    pq.write_table(pa.Table.from_pylist([row], schema=schema), tmp_path / "row.parquet")
    report = check_contract(load_contract(product), [tmp_path / "row.parquet"], 1, Demands())
    assert [result for result in report.results if not result.passed] == []


# Tables that must be whole.


def test_every_finish_reason_is_explained() -> None:
    assert set(FINISH_REASONS) == set(first_cells("docs/finish_reasons.md"))


def test_every_exit_code_is_explained() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text("docs/commands.md"), re.MULTILINE)}
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CotfactoryError)
    ]
    raised = {kind.exit_code for kind in kinds}
    assert told == {0} | raised | {128 + number for number in HANDLED}  # tests/flows/test_stopping.py sends them


def test_every_command_is_shown() -> None:
    commands: dict[str, Any] = getattr(get_command(app), "commands")  # noqa: B009 - Typer's stubs do not say Group
    shown = set(re.findall(r"^cotfactory (\w+)", text("docs/commands.md"), re.MULTILINE))
    assert shown == set(commands)


def test_every_public_name_is_explained() -> None:
    assert [name for name in cotfactory.__all__ if not re.search(rf"\b{name}\b", text("docs/python.md"))] == []


def test_every_benchmark_is_listed() -> None:
    files = {f"benchmarks/{path.name}" for path in (ROOT / "benchmarks").glob("[!_]*.py")}
    assert files == {name for name in first_cells("docs/benchmarks.md") if name.startswith("benchmarks/")}


def test_every_variable_we_read_is_listed() -> None:
    read = {
        node.value
        for name in ("flows/settings.py", "flows/host/orchestrator.py")
        for node in ast.walk(modules()[name])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"(OPENAI|HF|COTFACTORY|PREFECT)_[A-Z_]+", node.value)
    }
    set_by_us = {
        "PREFECT_LOGGING_LEVEL",
        "PREFECT_SERVER_ANALYTICS_ENABLED",
        "PREFECT_SERVER_API_AUTH_STRING",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS",
    }
    assert {name for name in read - set_by_us if f"`{name}`" not in text("docs/commands.md")} == set()
    assert "HF_TOKEN" in read


# recipes/endpoint.yaml, which shows every key.

COMMENTED_OUT = re.compile(r"^( *)# ( *(?:- |[a-z_0-9]+:(?: |$)).*)", re.MULTILINE)


def test_the_recipe_for_an_endpoint_shows_every_key() -> None:
    """With what is commented out switched on, each record of the schema is there with all of its keys, and no other."""
    schema = Recipe.model_json_schema()
    records = {"Recipe": schema, **schema["$defs"]}
    shown: dict[str, set[str]] = {name: set() for name in records}

    def look(node: yaml.Node, record: str) -> None:
        assert isinstance(node, yaml.MappingNode)
        keys = [(key.value, value) for key, value in node.value]
        known = records[record]["properties"]
        assert [key for key, _ in keys if key not in known] == []
        shown[record] |= {key for key, _ in keys}
        for key, value in keys:
            for item in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                named = [name for name in referred(known[key]) if "properties" in records[name]]
                if isinstance(item, yaml.MappingNode) and named:
                    look(item, chosen(item, named))

    def chosen(node: yaml.MappingNode, candidates: list[str]) -> str:
        """The record that a mapping is: of several the one whose `source` it names."""
        source = next((value.value for key, value in node.value if key.value == "source"), None)
        of_source = [
            name for name in candidates if records[name]["properties"].get("source", {}).get("const") == source
        ]
        return candidates[0] if len(candidates) == 1 else of_source[0]

    referred = script("recipe_reference").referred
    switched_on = COMMENTED_OUT.sub(r"\1\2", text("recipes/endpoint.yaml"))
    node = yaml.compose(switched_on, Loader=yaml.SafeLoader)  # keeps a key that is there twice: an alternative
    assert node is not None
    look(node, "Recipe")
    of_records = {name: set(record["properties"]) for name, record in records.items() if "properties" in record}
    assert {name: missing for name, keys in of_records.items() if (missing := keys - shown[name])} == {}


# README.


def test_the_readme_is_short_and_names_the_commands() -> None:
    readme = text("README.md")
    assert readme.count("\n") <= 150
    assert [name for name in ("setup", "demo", "test") if f"sh scripts/{name}.sh" not in readme] == []


def blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)


def test_the_row_in_the_readme_is_the_sample_row() -> None:
    row = json.loads(blocks(text("README.md"), "json")[1])
    assert row == {name: SAMPLE_ROWS["sft"][name] for name in row}


def test_the_tutorial_begins_with_the_recipe_of_the_readme() -> None:
    readme, tutorial = text("README.md"), text("docs/tutorial.md")
    assert blocks(tutorial, "json")[0] == blocks(readme, "json")[0]
    assert yaml.safe_load(blocks(tutorial, "yaml")[0]) == yaml.safe_load(blocks(readme, "yaml")[0])


def test_the_first_recipe_runs_as_it_stands(tmp_path: Path) -> None:
    """The problems, the recipe and each command that follows it, in an empty folder, as a stranger would."""
    readme = text("README.md")
    (tmp_path / "problems.jsonl").write_text(blocks(readme, "json")[0])
    (tmp_path / "recipe.yaml").write_text(blocks(readme, "yaml")[0])
    commands = re.findall(r"^cotfactory .+$", readme, re.MULTILINE)
    assert {command.split()[1] for command in commands} >= {"check", "plan", "run", "report", "sql"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert list(tmp_path.glob("workspace/releases/my-first/v1.0.0/sft/*.parquet"))


# Paths, imports and figures.

TOP = {*ROOMS, "tests", "scripts", "recipes", "benchmarks", "docs", "src"}
PATH = re.compile(r"`((?:[\w.-]+/)*[\w.*-]+(?:/|\.\w+))`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")


def named_paths(page: Path) -> Iterator[str]:
    for path in PATH.findall(page.read_text("utf-8")):
        if path.split("/")[0] in TOP and "NAME" not in path:
            yield path


def test_paths_in_the_documentation_exist() -> None:
    missing = [f"{page.name}: {path}" for page in WRITTEN for path in named_paths(page) if not list(ROOT.glob(path))]
    assert missing == []


def test_paths_to_be_made_have_a_folder() -> None:
    """`tests/graders/test_NAME.py`: the folder is there, and files of such a name."""
    made = [path for path in PATH.findall(text("CONTRIBUTING.md")) if "NAME" in path]
    assert len(made) > 5
    assert [path for path in made if not list(ROOT.glob(path.replace("NAME", "*")))] == []


def test_links_in_the_readme_lead_somewhere() -> None:
    assert [link for link in LINK.findall(text("README.md")) if not (ROOT / link).exists()] == []


def names_in_code(page: str, start: str, end: str) -> set[str]:
    """The modules that a sentence names, from its first words up to `end`."""
    sentence = text(page).partition(start)[2].partition(end)[0]
    return set(re.findall(r"`([\w/]+\.py)`", sentence))


def test_prefect_is_imported_where_the_architecture_says() -> None:
    importing = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "prefect")
        or (isinstance(node, ast.Import) and any(name.name.split(".")[0] == "prefect" for name in node.names))
    }
    assert importing == names_in_code("ARCHITECTURE.md", "Prefect is imported by", "errors).")


def test_the_environment_is_read_where_the_architecture_says() -> None:
    reading = {
        path
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "getproxies")
    }
    assert reading == names_in_code("ARCHITECTURE.md", "The environment is read in", "libraries read")


def test_every_protocol_is_named_in_the_architecture() -> None:
    protocols = {
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
    assert {name for name in protocols if f"`{name}`" not in text("ARCHITECTURE.md")} == set()
    assert "Teacher" in protocols


def test_the_ballast_is_as_large_as_pages_say() -> None:
    around = r"\b(\d+) Mi?B\b(?=[^.]{0,80}\b(?:ballast|set aside|full disk|reserve))"
    said = [int(size) for page in WRITTEN for size in re.findall(around, page.read_text("utf-8"))]
    assert len(said) >= 3
    assert set(said) == {BALLAST_BYTES // 2**20}


@pytest.mark.parametrize("module", ["curation/near_duplicates.py", "curation/split.py"])
def test_a_signature_takes_as_many_bytes_as_is_said(module: str) -> None:
    taken = sum(part.nbytes for part in signatures(["one two three four five six", "seven"])) // 2
    assert f"{taken} bytes" in text(module)


def test_messages_in_troubleshooting_are_ours() -> None:
    """Each piece of a quoted message, between what differs from time to time, is a piece of some text in the code."""
    said = [str(node.value) for tree in modules().values() for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    said += [text("scripts/setup.sh")]
    quoted = re.findall(r"^\| `([^`]+)`", text("docs/troubleshooting.md"), re.MULTILINE)
    pieces = [
        piece.strip() for quote in quoted for piece in re.split(r"\.\.\.|\bN\b|\)|\d{3}", quote) if len(piece) > 7
    ]
    foreign = {"No files found that match the pattern"}  # DuckDB's
    assert [piece for piece in pieces if piece not in foreign and not any(piece in constant for constant in said)] == []


# The site.


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) >= len(list(DOCS.rglob("*.md")))
    loaded = re.compile(
        r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?(https?:)?//|<link\b[^>]*rel=\"?(?:stylesheet|preconnect)[^>]*https?://"
    )
    assert [page.name for page in pages if loaded.search(page.read_text("utf-8"))] == []
