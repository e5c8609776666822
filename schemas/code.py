"""The `code` key of a recipe: what holds for the programs of all its problems."""

from pydantic import PositiveFloat, PositiveInt

from cotfactory.schemas.record import RecipeKeys


class Code(RecipeKeys):
    """What holds for programs: whether weak checks count, and the bounds of what a problem may allow them."""

    allow_weak: bool = False
    """Publish programs too whose tests had to run beside them, where a program can forge the result."""
    max_time_s: PositiveFloat = 60.0
    """The most CPU time of one test, whatever `time_limit_s` of its problem; without that it has 10 s."""
    max_memory_mb: PositiveInt = 1024
    """The most memory of one test, whatever `memory_limit_mb` of its problem; without that it has 512 MB."""
    max_output_mb: PositiveInt = 64
    """The most output of one test, whatever `output_limit_mb` of its problem."""
