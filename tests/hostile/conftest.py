"""Recipes and the counting teacher of `tests/flows`, for what is done to a whole run."""

from tests.flows.conftest import teacher, write_recipe

__all__ = ["teacher", "write_recipe"]
