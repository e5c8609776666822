"""The `sandbox` key of a recipe: what programs can import beside what the image holds."""

from typing import Annotated

from pydantic import Field

from cotfactory.schemas.record import RecipeKeys

Package = Annotated[
    str,
    Field(
        pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._-]+\])?(?:==[A-Za-z0-9.+!_-]+)?|[^\s-][^\n]*\.whl)$",
        max_length=400,
    ),
]
"""`sortedcontainers`, `pandas==2.2.3`, or the file of a wheel; no option of pip, and no address."""


class SandboxKeys(RecipeKeys):
    """What the image that programs run in has for this recipe."""

    packages: tuple[Package, ...] = ()
    """Python packages that programs may import beside those of the image: names, with `==` where the version matters,
    or files of wheels. pip fetches wheels, and they are laid on the image as a layer of their own, once."""
