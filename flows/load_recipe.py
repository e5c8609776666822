"""A recipe file in, a checked Recipe out: the environment in its paths, its mistakes told with their lines."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from cotfactory.flows.recipe_file import Place, line_of, read_recipe_file
from cotfactory.flows.recipe_mistakes import told_mistakes
from cotfactory.flows.settings import ENVIRONMENT, VARIABLE, filled_in
from cotfactory.generators.ask.own_prompt import LARGEST_TEMPLATE
from cotfactory.publishing.tokenizer_folder import is_folder, told_tokenizer
from cotfactory.schemas.curation import BenchmarkFile
from cotfactory.schemas.errors import RecipeError, one_line
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.problem_sources import FileSource, GrownSource, ProblemSource
from cotfactory.schemas.recipe import Recipe

DEFAULT_RECIPE = "demo"


PATHS = frozenset({"path", "recordings", "ca_bundle", "grader", "tokenizer"})
"""Keys in which `${NAME}` is filled in when the recipe is read: names of files, which are published without folders."""


LATER = frozenset({"base_url", "base_urls", "headers", "start", "train", "serve"})
"""Keys in which `${NAME}` stays as it is in the recipe, which is published: it is filled in where a request is sent or
a command is started."""


PLAIN = frozenset({"prompt", "system", "guidelines", "policies"})
"""Keys in which `${NAME}` means nothing: what a teacher is told is published, and no value of the environment is."""


OF_NO_OUTPUT = (
    *("base_url", "base_urls", "start", "wait_for_s", "api_key_env", "headers", "ca_bundle", "limits", "recordings"),
    "batch",
)
"""Keys of a teacher that say where and how fast it is asked, and nothing about what it is asked."""


_TEMPLATE_FILE = re.compile(r"[^{}\n]+\.j2")


_TEXT_FILE = re.compile(r"[^\n]+\.(md|txt)")


_CLAUSE = re.compile(r"(?m)^\s*(?:#+\s*)?\d+[.)]\s")


LARGEST_TEXT = 1 << 18
"""Characters of guidelines or of a policy."""


def shipped_recipe(name: str) -> Path:
    """Return the path of a recipe that comes with the package."""
    import importlib.resources

    return Path(str(importlib.resources.files("cotfactory.recipes").joinpath(f"{name}.yaml")))


def load_recipe(path: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Recipe:
    """Read and check a recipe; `${NAME}` in a file's path stands for the environment variable.

    Relative paths in it start at the recipe's own folder and are made absolute here. What is sent or started
    (`base_url`, `headers`, `start`) stays as it is written, and is filled in where it is used.
    Raises RecipeError, with one line per mistake, before anything is asked or written.
    """
    raw, lines = read_recipe_file(path)
    try:
        recipe = Recipe.model_validate(_filled_in_paths(raw, environment, path, lines))
    except ValidationError as error:
        raise RecipeError(f"Recipe {path} is not valid:\n{told_mistakes(error, lines)}", "fix these lines") from error
    return _with_absolute_paths(recipe, path.resolve().parent)


def recipe_id(recipe: Recipe) -> str:
    """Return the id of all that a recipe says about its output (paths and limits do not count).

    What is left at its default is not part of it: a key that a later version adds changes no id.
    """
    content = recipe.model_dump(mode="json", exclude_defaults=True)
    for source in content["problems"]:
        source.get("from", source).pop("path", None)
    for teacher in content["teachers"]:
        for key in OF_NO_OUTPUT:
            teacher.pop(key, None)
    for benchmark in content.get("curation", {}).get("decontaminate", ()):
        benchmark.pop("path", None)
    for key in ("budget", "shard_problems"):
        content.pop(key, None)
    for key in ("public", "gated"):
        content["release"].pop(key, None)
    if "tokenizer" in content["release"]:
        content["release"]["tokenizer"] = told_tokenizer(content["release"]["tokenizer"])
    if "grader" in content:
        content["grader"] = PurePath(content["grader"]).name
    return content_id(content)


def _filled_in_paths(
    value: Any, environment: Mapping[str, str], path: Path, lines: Mapping[Place, int], place: Place = ()
) -> Any:
    """Return a recipe's values with the environment's in its paths. Raises RecipeError for `${NAME}` elsewhere."""
    if isinstance(value, dict):
        return {
            key: inner if key in LATER | PLAIN else _filled_in_paths(inner, environment, path, lines, (*place, key))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            _filled_in_paths(inner, environment, path, lines, (*place, position))
            for position, inner in enumerate(value)
        ]
    if not isinstance(value, str) or not VARIABLE.search(value):
        return value
    if not PATHS & set(place):
        raise RecipeError(
            f"Recipe {path}, line {line_of(place, lines)}, has {value[:60]!r} in `{place[-1]}`: expected "
            f"${{NAME}} only in {', '.join(sorted(PATHS | LATER))}",
            "write the value itself; what a recipe says is published with the dataset",
        )
    return filled_in(value, environment, f"recipe {path}")


def _with_absolute_paths(recipe: Recipe, folder: Path) -> Recipe:
    problems = tuple(_with_absolute_path(source, folder) for source in recipe.problems)
    teachers = tuple(
        spec.model_copy(
            update={key: str(folder / path) for key in ("recordings", "ca_bundle") if (path := getattr(spec, key))}
            | ({"prompt": _template(folder / spec.prompt)} if _TEMPLATE_FILE.fullmatch(spec.prompt) else {})
        )
        for spec in recipe.teachers
    )
    benchmarks = tuple(
        benchmark.model_copy(update={"path": str(folder / benchmark.path)})
        if isinstance(benchmark, BenchmarkFile)
        else benchmark
        for benchmark in recipe.curation.decontaminate
    )
    curation = recipe.curation.model_copy(update={"decontaminate": benchmarks})
    grader = str(folder / recipe.grader) if recipe.grader else None
    packages = tuple(str(folder / name) if name.endswith(".whl") else name for name in recipe.sandbox.packages)
    sandbox = recipe.sandbox.model_copy(update={"packages": packages})
    files = {"problems": problems, "teachers": teachers, "curation": curation, "grader": grader, "sandbox": sandbox}
    if recipe.review is not None and _TEXT_FILE.fullmatch(recipe.review.guidelines):
        guidelines = _text_of(folder / recipe.review.guidelines, "guidelines", "fix `review:`")
        files["review"] = recipe.review.model_copy(update={"guidelines": guidelines})
    if recipe.judge is not None and recipe.judge.prompt and _TEXT_FILE.fullmatch(recipe.judge.prompt):
        told = _text_of(folder / recipe.judge.prompt, "judge's prompt", "fix `judge:`")
        files["judge"] = recipe.judge.model_copy(update={"prompt": told})
    if (tokenizer := recipe.release.tokenizer) is not None and is_folder(tokenizer):
        files["release"] = recipe.release.model_copy(update={"tokenizer": str(folder / tokenizer)})
    if recipe.policies:
        files["policies"] = tuple(_policy(given, folder) for given in recipe.policies)
    return recipe.model_copy(update=files)


def _with_absolute_path(source: ProblemSource, folder: Path) -> ProblemSource:
    if isinstance(source, GrownSource):
        return source.model_copy(update={"seeds": _with_absolute_path(source.seeds, folder)})
    return source.model_copy(update={"path": str(folder / source.path)}) if isinstance(source, FileSource) else source


def _template(path: Path) -> str:
    """Return the text of a prompt's file. Raises RecipeError."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LARGEST_TEMPLATE + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The prompt {path} cannot be read: {one_line(error)}", "fix `prompt:`") from error


def _policy(given: str, folder: Path) -> str:
    """Return the text of a policy, given as such or as a file. Raises RecipeError."""
    is_file = _TEXT_FILE.fullmatch(given) is not None
    text = _text_of(folder / given, "policy", "fix `policies:`") if is_file else given
    if not _CLAUSE.search(text):
        named = f"The policy {given}" if is_file else "A policy of the recipe"
        raise RecipeError(f"{named} has no numbered clause: expected lines such as `1. ...`", "number its clauses")
    return text


def _text_of(path: Path, what: str, fix: str) -> str:
    """Return the text of a file that a recipe names. Raises RecipeError."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LARGEST_TEXT + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The {what} {path} cannot be read: {one_line(error)}", fix) from error
    if not text.strip() or len(text) > LARGEST_TEXT:
        raise RecipeError(
            f"The {what} {path}: {len(text):,} characters or more, expected 1 to {LARGEST_TEXT:,}", "fix the file"
        )
    return text
