"""What does not work on nodes yet is refused in words before anything is asked, and never done differently."""

from cotfactory.flows.nodes.choice import Nodes
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.recipe import Recipe


def refuse_on_nodes(recipe: Recipe, nodes: Nodes) -> None:
    """Raise InputError where the recipe wants what nodes cannot do."""
    for spec in recipe.teachers:
        if spec.batch is not None:
            _refuse(f"teacher {spec.name!r} has `batch`: batches are made and fetched by one process")
        has_server_here = spec.start is not None or spec.simulated is not None or spec.recordings is not None
        if has_server_here and not nodes.is_private:
            _refuse(f"teacher {spec.name!r} is served by this machine, at an address that others do not reach")
    if recipe.grader is not None and not nodes.is_private:
        _refuse("the recipe has a `grader` of its own, a file of this machine")


def _refuse(why: str) -> None:
    raise InputError(f"This cannot be asked on nodes yet: {why}", "run it without --nodes and --processes")
