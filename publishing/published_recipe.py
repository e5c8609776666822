"""The recipe as outsiders may read it: all that decides what is made, no path of this machine, no login."""

from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cotfactory.schemas.recipe import Recipe


def published_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return `recipe` as plain JSON values, defaults included; it still validates as a recipe.

    Files are named without their folders. Of an endpoint's URL what may carry a key is left out: the login
    before the host, and the query.
    """
    told = recipe.model_dump(mode="json")
    for source in told["problems"]:
        if source["source"] == "file":
            source["path"] = PurePath(source["path"]).name
    for benchmark in told["curation"]["decontaminate"]:
        if benchmark["source"] == "file":
            benchmark["path"] = PurePath(benchmark["path"]).name
    for teacher in told["teachers"]:
        if teacher["recordings"]:
            teacher["recordings"] = PurePath(teacher["recordings"]).name
        if teacher["base_url"]:
            teacher["base_url"] = _without_login(teacher["base_url"])
    return told


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
