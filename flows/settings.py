"""Settings: a recipe and the environment in; endpoints, the Hub's access and the sandbox image out."""

import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from cotfactory.generators.problems.hub_source import HubAccess
from cotfactory.generators.teacher.endpoint import NO_KEY, Endpoint
from cotfactory.generators.teacher.proxy import is_loopback
from cotfactory.schemas.endpoint_keys import can_be_sent, is_url
from cotfactory.schemas.errors import InputError, RecipeError
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.teacher_spec import TeacherSpec

if TYPE_CHECKING:
    from cotfactory.publishing.hub import HubTarget

ENVIRONMENT: Mapping[str, str] = os.environ
"""Of this process, as it is when it is asked."""
VARIABLE = re.compile(r"\$\{(\w+)\}")
"""A variable of the environment, as a recipe names it."""


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
    url = filled_in(spec.base_url, environment, f"teacher {spec.name!r}")
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
    return [filled_in(word, environment, where) for word in shlex.split(command)]


def _header(spec: TeacherSpec, name: str, value: str, environment: Mapping[str, str]) -> str:
    """Return a header's value with the environment's variables in it. Raises RecipeError, which does not show it."""
    expanded = filled_in(value, environment, f"teacher {spec.name!r}").strip()
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


def filled_in(text: str, environment: Mapping[str, str], where: str) -> str:
    """Return `text` with the environment's values in place of `${NAME}`. Raises RecipeError for one that is not set."""

    def look_up(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise RecipeError(
                f"{where[0].upper()}{where[1:]} uses ${{{match[1]}}}, which is not set in the environment",
                f"export {match[1]}=...",
            )
        return environment[match[1]]

    return VARIABLE.sub(look_up, text)
