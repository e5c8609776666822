"""Render a Problem into messages with a named prompt template (`prompts/NAME.j2`), or into a turn (`turns/`)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import jinja2

from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.judging import LANGUAGE_TITLES, RunTerms
from cotfactory.schemas.problem import CHOICE_LETTERS, AssertTests, CallTests, Problem
from cotfactory.schemas.rubric import Criterion
from cotfactory.schemas.teaching import Message

PROMPTS = Path(__file__).parents[1] / "prompts"

# Autoescape would corrupt mathematics: the output is plain text for a model, never HTML.
_ENVIRONMENT = jinja2.Environment(  # noqa: S701
    loader=jinja2.FileSystemLoader(PROMPTS),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
)


def prompt_renderer(name: str) -> Callable[[Problem], tuple[Message, ...]]:
    """Return the function that renders problems with the template `name`, as one user message.

    Raises RecipeError for an unknown name.
    """
    known = sorted(path.stem for path in PROMPTS.glob("*.j2"))
    if name not in known:
        raise RecipeError(
            f"Unknown prompt {name!r}: expected {' or '.join(known)}, a .j2 file, or the text of a template",
            "fix `prompt:`; docs/prompts.md says what a template may hold",
        )
    rendered = _renderer(f"{name}.j2")
    return lambda problem: (rendered(problem),)


def turn_renderer(name: str) -> Callable[[Problem], Message]:
    """Return the function that renders what is said about a problem in one turn of a strategy."""
    return _renderer(f"turns/{name}.j2")


def go_on_renderer() -> Callable[[Problem, str], Message]:
    """Return the function that renders the question how a solution that begins so goes on."""
    rendered = _renderer("turns/go_on.j2")
    return lambda problem, beginning: rendered(problem, beginning=beginning)


def writing_renderer() -> Callable[[Problem, str], Message]:
    """Return the function that renders what is asked of a teacher who writes a new problem from a seed."""
    rendered = _renderer("turns/write_problem.j2")
    return lambda seed, told: rendered(seed, told=told)


JUDGE_IS_TOLD = (
    "You judge an answer by criteria. Say of each whether it is true of the answer, by what the answer holds and not "
    "by how it sounds. An answer that says nothing meets none."
)


def judge_renderer(told: str | None) -> Callable[[Problem, Sequence[tuple[int, Criterion]], str, str], Message]:
    """Return the function that renders a problem, numbered criteria, an answer and the mark of its judgement.

    `told` is what the judge is told first, None: our own words.
    """
    template = _ENVIRONMENT.get_template("turns/judge.j2")

    def render(problem: Problem, criteria: Sequence[tuple[int, Criterion]], response: str, mark: str) -> Message:
        seen = {"problem": problem, "criteria": criteria, "response": response, "mark": mark}
        return Message(role="user", content=template.render(told=told or JUDGE_IS_TOLD, **seen).strip())

    return render


def policy_renderer(policy: str) -> Callable[[str], str]:
    """Return the function that puts a policy before what is asked."""
    template = _ENVIRONMENT.get_template("turns/policy.j2")
    return lambda asked: template.render(policy=policy, asked=asked).strip()


class _Renderer(Protocol):
    def __call__(self, problem: Problem, **more: str) -> Message: ...


def _renderer(path: str) -> _Renderer:
    """Return the renderer of a template, which sees `problem`, `letters` (A, B, ...), what is asked of programs."""
    template = _ENVIRONMENT.get_template(path)

    def render(problem: Problem, **more: str) -> Message:
        text = template.render(problem=problem, letters=CHOICE_LETTERS, **asked_of_programs(problem), **more)
        return Message(role="user", content=text.strip())

    return render


def asked_of_programs(problem: Problem) -> dict[str, str | None]:
    """Return what a template sees of the programs that a problem asks for: their `entry_point`, if any, and language.

    `language` is the word behind the fence of a code block, `language_name` that of people.
    """
    tests = problem.tests
    language = (tests.language if isinstance(tests, RunTerms) else None) or "python"
    return {
        "entry_point": tests.entry_point if isinstance(tests, AssertTests | CallTests) else None,
        "language": language,
        "language_name": LANGUAGE_TITLES[language],
    }
