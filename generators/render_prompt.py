"""Render a Problem into messages with a named prompt template (`prompts/NAME.j2`)."""

from collections.abc import Callable
from pathlib import Path

import jinja2

from schemas.errors import RecipeError
from schemas.problem import CHOICE_LETTERS, AssertTests, CallTests, Problem
from schemas.teaching import Message

PROMPTS = Path(__file__).parent / "prompts"


def prompt_renderer(name: str) -> Callable[[Problem], tuple[Message, ...]]:
    """Return the function that renders problems with the template `name`, as one user message.

    A template sees `problem`, `letters` (A, B, ...) and `entry_point` (of a program, or None).
    Raises RecipeError for an unknown name.
    """
    known = sorted(path.stem for path in PROMPTS.glob("*.j2"))
    if name not in known:
        raise RecipeError(f"Unknown prompt {name!r}: expected one of {', '.join(known)}", "fix `prompt:`")
    # Autoescape would corrupt mathematics: the output is plain text for a model, never HTML.
    environment = jinja2.Environment(  # noqa: S701
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string((PROMPTS / f"{name}.j2").read_text("utf-8"))

    def render(problem: Problem) -> tuple[Message, ...]:
        text = template.render(problem=problem, letters=CHOICE_LETTERS, entry_point=_entry_point(problem))
        return (Message(role="user", content=text.strip()),)

    return render


def _entry_point(problem: Problem) -> str | None:
    tests = problem.tests
    return tests.entry_point if isinstance(tests, AssertTests | CallTests) else None
