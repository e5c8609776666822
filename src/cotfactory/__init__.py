"""cotfactory: a factory for verified reasoning data, as a library.

    import cotfactory

    problem = {"question": "What is 6 * 7?", "answer": "42", "answer_kind": "math"}
    cotfactory.grade(problem, "It is \\boxed{42}.").verdict
    summary = cotfactory.run("recipe.yaml", workspace="workspace")
    cotfactory.sql("workspace", "SELECT verdict, count(*) FROM grades GROUP BY ALL")
    cotfactory.open_release(summary.release.path).table("sft")

What stands in `__all__` is public; everything else may change from one version to the next. All of it raises
`cotfactory.CotfactoryError`, whose text says what failed, what was expected and what to do. Each name is imported when
it is used: `import cotfactory` by itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cotfactory.flows.library import arun, grade, grade_many, load_recipe, open_release, run, sql
    from cotfactory.flows.summary import RunSummary
    from cotfactory.publishing.release_folder import OpenRelease
    from cotfactory.schemas.errors import CotfactoryError
    from cotfactory.schemas.grade import Grade
    from cotfactory.schemas.recipe import Recipe

__all__ = [
    "CotfactoryError",
    "Grade",
    "OpenRelease",
    "Recipe",
    "RunSummary",
    "arun",
    "grade",
    "grade_many",
    "load_recipe",
    "open_release",
    "run",
    "sql",
]

_MODULES = {
    "CotfactoryError": "cotfactory.schemas.errors",
    "Grade": "cotfactory.schemas.grade",
    "OpenRelease": "cotfactory.publishing.release_folder",
    "Recipe": "cotfactory.schemas.recipe",
    "RunSummary": "cotfactory.flows.summary",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'cotfactory' has no attribute {name!r}: expected one of {', '.join(__all__)}")
    value = getattr(import_module(_MODULES.get(name, "cotfactory.flows.library")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
