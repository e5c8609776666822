"""The recipe as outsiders may read it: all that decides what is made, no path of this machine, no login."""

import re
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cotfactory.publishing.tokenizer_folder import told_tokenizer
from cotfactory.schemas.recipe import Recipe

FOLDER = re.compile(r"(?<![\w.:/}-])~?/(?:[^\s/'\"]+/)+")
"""The folders of a path inside a command."""


def published_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return `recipe` as plain JSON values, defaults included; it still validates as a recipe.

    Files are named without their folders. Of an endpoint's URL what may carry a key is left out: the login
    before the host, and the query. Of headers nothing but the names is told: each value is a variable to set.
    """
    told = recipe.model_dump(mode="json")
    for source in (listed.get("from", listed) for listed in told["problems"]):
        if source["source"] == "file":
            source["path"] = PurePath(source["path"]).name
    for benchmark in told["curation"]["decontaminate"]:
        if benchmark["source"] == "file":
            benchmark["path"] = PurePath(benchmark["path"]).name
    packages = told["sandbox"]["packages"]
    told["sandbox"]["packages"] = [PurePath(name).name if name.endswith(".whl") else name for name in packages]
    if told["release"]["tokenizer"]:
        told["release"]["tokenizer"] = told_tokenizer(told["release"]["tokenizer"])
    if told["grader"]:
        told["grader"] = PurePath(told["grader"]).name
    for teacher in told["teachers"]:
        if teacher["recordings"]:
            teacher["recordings"] = PurePath(teacher["recordings"]).name
        if teacher["ca_bundle"]:
            teacher["ca_bundle"] = PurePath(teacher["ca_bundle"]).name
        if teacher["base_url"]:
            teacher["base_url"] = _without_login(teacher["base_url"])
        if teacher["base_urls"]:
            teacher["base_urls"] = [_without_login(url) for url in teacher["base_urls"]]
        if teacher["start"]:
            teacher["start"] = FOLDER.sub("", teacher["start"])
        teacher["headers"] = {name: _as_a_variable(name) for name in teacher["headers"]}
    return told


def _as_a_variable(header: str) -> str:
    """Return the placeholder of a header's value: that of `X-Tenant` is `${X_TENANT}`."""
    return "${" + re.sub(r"\W", "_", header).upper() + "}"


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
