"""Settings: a recipe and the environment in; endpoints, the Hub's access and the sandbox image out."""

import difflib
import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from cotfactory.flows.recipe_file import Place, line_of, read_recipe_file
from cotfactory.generators.ask.own_prompt import LARGEST_TEMPLATE
from cotfactory.generators.problems.hub_source import HubAccess
from cotfactory.generators.teacher.endpoint import NO_KEY, Endpoint
from cotfactory.generators.teacher.proxy import is_loopback
from cotfactory.publishing.tokenizer_folder import is_folder, told_tokenizer
from cotfactory.schemas.curation import BenchmarkFile
from cotfactory.schemas.endpoint_keys import can_be_sent, is_url
from cotfactory.schemas.errors import InputError, RecipeError, one_line
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.recipe import FileSource, GrownSource, ProblemSource, Recipe
from cotfactory.schemas.record import RecipeKeys
from cotfactory.schemas.teacher_spec import TeacherSpec

if TYPE_CHECKING:
    from cotfactory.publishing.hub import HubTarget

DEFAULT_RECIPE = "demo"
ENVIRONMENT: Mapping[str, str] = os.environ
"""Of this process, as it is when it is asked."""
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
VARIABLE = re.compile(r"\$\{(\w+)\}")
"""A variable of the environment, as a recipe names it."""


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
        raise RecipeError(f"Recipe {path} is not valid:\n{_mistakes(error, lines)}", "fix these lines") from error
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


def remote_endpoint(spec: TeacherSpec, environment: Mapping[str, str] = ENVIRONMENT) -> Endpoint:
    """Return where a teacher with a `base_url` (or none: OPENAI_BASE_URL) is asked, and its key.

    Raises RecipeError when there is no URL, or no key for a server that is not on this machine; InputError for a key
    that no HTTP header can carry.
    """
    base_url = asked_url(spec, environment)
    if not base_url:
        raise RecipeError(
            f"Teacher {spec.name!r} has nowhere to be asked: expected base_url, recordings or simulated",
            "add base_url to the recipe or set OPENAI_BASE_URL",
        )
    key = "" if spec.brings_its_key else _key(environment, spec.api_key_env)
    is_here = is_loopback(urlsplit(base_url).hostname or "")
    if not key and ("api_key_env" in spec.model_fields_set or not (is_here or spec.brings_its_key)):
        raise RecipeError(
            f"Teacher {spec.name!r} needs the key in the environment variable {spec.api_key_env}, which is not set",
            f"export {spec.api_key_env}=... or name another variable in `api_key_env`; "
            "where the server asks for no key, any value will do",
        )
    where, mark, query = base_url.partition("?")
    headers = {name: _header(spec, name, value, environment) for name, value in spec.headers.items()}
    ca_bundle = spec.ca_bundle or environment.get("REQUESTS_CA_BUNDLE") or None
    return Endpoint(where.rstrip("/") + mark + query, key or NO_KEY, headers, ca_bundle)


def asked_url(spec: TeacherSpec, environment: Mapping[str, str]) -> str | None:
    """Return the URL of a teacher's server, the environment's values in it; None where there is none.

    Raises RecipeError for a value that makes it none.
    """
    if spec.base_url is None:
        return environment.get("OPENAI_BASE_URL")
    url = _filled_in(spec.base_url, environment, f"teacher {spec.name!r}")
    if not is_url(url):
        raise RecipeError(
            f"The base_url {spec.base_url!r} of teacher {spec.name!r} is no URL with the environment's values in it",
            "expected http:// or https://, a host, and as a rule /v1",
        )
    return url


def remote_endpoints(spec: TeacherSpec, environment: Mapping[str, str] = ENVIRONMENT) -> tuple[Endpoint, ...]:
    """Return the servers of a teacher, one unless it has `base_urls`. Raises as `remote_endpoint`."""
    at = [spec] if spec.base_urls is None else [spec.model_copy(update={"base_url": url}) for url in spec.base_urls]
    return tuple(remote_endpoint(server, environment) for server in at)


def has_key(spec: TeacherSpec, environment: Mapping[str, str]) -> bool:
    """Whether the key that `api_key_env` names goes with a teacher's requests."""
    return not spec.brings_its_key and bool(environment.get(spec.api_key_env, "").strip())


def start_command(spec: TeacherSpec, environment: Mapping[str, str] = ENVIRONMENT) -> list[str]:
    """Return the words of the command that serves a teacher, the environment's values in them. Raises RecipeError."""
    return command_words(spec.start or "", f"teacher {spec.name!r}", environment)


def command_words(command: str, where: str, environment: Mapping[str, str] = ENVIRONMENT) -> list[str]:
    """Return the words of a recipe's command, the environment's values in them. Raises RecipeError, naming `where`."""
    return [_filled_in(word, environment, where) for word in shlex.split(command)]


def _header(spec: TeacherSpec, name: str, value: str, environment: Mapping[str, str]) -> str:
    """Return a header's value with the environment's variables in it. Raises RecipeError, which does not show it."""
    expanded = _filled_in(value, environment, f"teacher {spec.name!r}").strip()
    if not can_be_sent(expanded):
        raise RecipeError(
            f"The header {name!r} of teacher {spec.name!r} holds a line break or a sign that is not ASCII",
            "fix the value, or the environment variable that it names",
        )
    return expanded


def hub_access(environment: Mapping[str, str] = ENVIRONMENT) -> HubAccess:
    """Return how Hub datasets are read: HF_TOKEN, the cache of HF_HOME; the libraries read HF_ENDPOINT themselves."""
    home = Path(environment.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    return HubAccess(token=_token(environment), cache_folder=home / "datasets")


def hub_target(environment: Mapping[str, str] = ENVIRONMENT) -> "HubTarget":
    """Return where releases are published: HF_ENDPOINT and HF_TOKEN."""
    from cotfactory.publishing.hub import HubTarget  # the Hub's client takes most of a second to import

    return HubTarget(endpoint=environment.get("HF_ENDPOINT"), token=_token(environment))


def sandbox_image(environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """Return the image that programs run in: COTFACTORY_SANDBOX_IMAGE, or the one our Dockerfile is tagged with."""
    return environment.get("COTFACTORY_SANDBOX_IMAGE", "cotfactory-sandbox:latest")


def sandbox_runtime(environment: Mapping[str, str] = ENVIRONMENT) -> str | None:
    """Return COTFACTORY_SANDBOX_RUNTIME, the engine's runtime for programs (`runsc` is gVisor), None for its own."""
    return environment.get("COTFACTORY_SANDBOX_RUNTIME")


def nodes_address(environment: Mapping[str, str] = ENVIRONMENT) -> str | None:
    """Return where runs find the nodes that ask: COTFACTORY_NODES, None where they ask in their own process."""
    return environment.get("COTFACTORY_NODES") or None


def reward_token(environment: Mapping[str, str] = ENVIRONMENT) -> str | None:
    """Return what clients of a reward server must send: COTFACTORY_TOKEN, None where nothing is asked for."""
    return environment.get("COTFACTORY_TOKEN") or None


def secrets_of(recipe: Recipe, environment: Mapping[str, str] = ENVIRONMENT) -> frozenset[str]:
    """Return every key that a run of the recipe may use: none of them is ever written anywhere."""
    names = {"HF_TOKEN", *(spec.api_key_env for spec in recipe.teachers)}
    keys = {environment[name].strip() for name in names if environment.get(name, "").strip()}
    for spec in recipe.teachers:
        if not spec.is_local:
            with suppress(InputError):  # who cannot be asked has no key to keep; whoever is to ask is told
                keys |= frozenset[str]().union(*(at.secrets for at in remote_endpoints(spec, environment)))
                keys |= {environment[name] for name in VARIABLE.findall(spec.start or "") if environment.get(name)}
    return frozenset(keys)


def _token(environment: Mapping[str, str]) -> SecretStr | None:
    token = _key(environment, "HF_TOKEN")
    return SecretStr(token) if token else None


def _key(environment: Mapping[str, str], name: str) -> str:
    """Return the key in a variable, without the newline that a file it came from may end in; empty where it is not set.

    Raises InputError, which does not show it, when no HTTP header can carry it.
    """
    key = environment.get(name, "").strip()
    strange = next((sign for sign in key if not "!" <= sign <= "~"), None)
    if strange is not None:
        raise InputError(
            f"The key in the environment variable {name} holds {_kind(strange)}: expected printable ASCII signs only",
            f"export {name} anew, without line breaks, spaces, quotation marks or signs of a copied web page",
        )
    return key


def _kind(sign: str) -> str:
    if sign in "\r\n":
        return "a line break"
    if sign.isspace():
        return "a space"
    return "a non-ASCII sign" if sign > "~" and sign != "\x7f" else "a control character"


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
    return _filled_in(value, environment, f"recipe {path}")


def _filled_in(text: str, environment: Mapping[str, str], where: str) -> str:
    """Return `text` with the environment's values in place of `${NAME}`. Raises RecipeError for one that is not set."""

    def look_up(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise RecipeError(
                f"{where[0].upper()}{where[1:]} uses ${{{match[1]}}}, which is not set in the environment",
                f"export {match[1]}=...",
            )
        return environment[match[1]]

    return VARIABLE.sub(look_up, text)


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


def _mistakes(error: ValidationError, lines_of: Mapping[Place, int]) -> str:
    lines = []
    mistakes = error.errors()
    for mistake in mistakes:
        # A list whose items are wrong is also told to be too short, which it is not.
        inside = any(other["loc"][: len(mistake["loc"])] == mistake["loc"] != other["loc"] for other in mistakes)
        if mistake["type"] == "too_short" and inside:
            continue
        where = ".".join(str(part) for part in mistake["loc"]) or "recipe"
        line = line_of(mistake["loc"], lines_of)
        where = f"line {line}, {where}" if line else where
        message = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            # Its value is not shown: it may be a key in the other sense.
            lines.append(f"  {where}: unknown key{_did_you_mean(mistake['loc'])}")
        else:
            # What a whole teacher was given says little, and a header's value is not to be shown.
            hidden = {"headers", "api_key_env"} & set(mistake["loc"])
            shows = not hidden and not isinstance(mistake["input"], dict)
            lines.append(f"  {where}: {message}" + (f" (got {str(mistake['input'])[:60]!r})" if shows else ""))
    return "\n".join(lines)


def _did_you_mean(place: Place) -> str:
    """Return the key that may stand at a place of a recipe and is written most like the last one, as a question."""
    models: set[type[RecipeKeys]] = {Recipe}
    for part in place[:-1]:  # positions in lists, and the names of the kinds of a union, lead nowhere
        fields = [model.model_fields[part] for model in models if part in model.model_fields]
        models = {inner for field in fields for inner in _models_of(field.annotation)} or models
    known = sorted({name for model in models for name in model.model_fields})
    alike = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.7)
    return f", did you mean `{alike[0]}`?" if alike else ""


def _models_of(annotation: Any) -> set[type[RecipeKeys]]:
    """Return the records that a type is made of: those of `X | tuple[Y, ...] | None` are X and Y."""
    if isinstance(annotation, type) and issubclass(annotation, RecipeKeys):
        return {annotation}
    return {model for part in get_args(annotation) for model in _models_of(part)}
