"""A prompt that a recipe brings: a Jinja template that sees the problem but no answer, and can do little else.

A recipe may come from anywhere, so its template is held to what prompts need: values, conditions, loops that do not
stand inside one another, a few filters, and our own parts by `include`. Nothing can be called, multiplied or stored:
the work is bounded by the text of template and problem.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cotfactory.generators.ask.render_prompt import PROMPTS, asked_of_programs
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.problem import CHOICE_LETTERS, Problem
from cotfactory.schemas.teaching import Message

LARGEST_TEMPLATE = 64_000
"""Characters."""
FILTERS = ("capitalize", "default", "first", "join", "last", "length", "lower", "string", "title", "trim", "upper")
ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem),
    *(nodes.Slice, nodes.For, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Filter, nodes.Test, nodes.Include, nodes.Concat, nodes.Add, nodes.Sub, nodes.Neg, nodes.List, nodes.Tuple),
)
FIX = "fix `prompt:`; docs/prompts.md says what a template may hold"


class PromptProblem(NamedTuple):
    """What a template sees of a problem: whatever a teacher may know."""

    question: str
    choices: tuple[str, ...] | None
    answer_kind: str
    program: str | None
    domain: str | None
    source: str


_AS_JINJA_SAYS = f"'{PromptProblem.__module__}.{PromptProblem.__qualname__} object'"


def own_prompt(template: str) -> Callable[[Problem], tuple[Message, ...]]:
    """Return the function that renders problems with the text of a template, as one user message.

    Raises RecipeError for a template that cannot be one; the function does for a problem that it cannot render.
    """
    compiled = _compiled(template)

    def render(problem: Problem) -> tuple[Message, ...]:
        try:
            text = compiled.render(
                problem=PromptProblem(
                    problem.question,
                    problem.choices,
                    problem.answer_kind,
                    problem.program,
                    problem.domain,
                    problem.source,
                ),
                letters=CHOICE_LETTERS,
                **asked_of_programs(problem),
            )
        except (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            # A variable that is not there is told by the name of our class.
            said = str(error).replace(_AS_JINJA_SAYS, "`problem`")
            raise RecipeError(f"The prompt cannot be made for {problem.named}: {said}", FIX) from error
        return (Message(role="user", content=text.strip()),)

    return render


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(PROMPTS),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text for a model, never HTML
        auto_reload=False,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    return environment


@cache
def _compiled(template: str) -> jinja2.Template:
    if len(template) > LARGEST_TEMPLATE:
        raise RecipeError(f"The prompt has {len(template):,} characters: expected {LARGEST_TEMPLATE:,} at most", FIX)
    try:
        tree = _environment().parse(template)
        _check(tree)
        return _environment().from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise RecipeError(f"The prompt is no template: line {error.lineno}: {error.message}", FIX) from error
    except RecursionError as error:
        raise RecipeError("The prompt is nested too deeply", FIX) from error


def _check(tree: nodes.Template) -> None:
    """Raise RecipeError for what a prompt does not need."""
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, ALLOWED) and isinstance(node, nodes.Expr | nodes.Stmt):
            raise RecipeError(f"The prompt holds what it may not, in line {node.lineno}: {_called(node)}", FIX)
    for outer, what in ((nodes.For, "loop"), (nodes.Filter, "filter `join`")):
        for node in tree.find_all(outer):
            within = [inner for child in node.iter_child_nodes() for inner in (child, *child.find_all(outer))]
            if _repeats(node) and any(isinstance(inner, outer) and _repeats(inner) for inner in within):
                raise RecipeError(f"The prompt has a {what} inside another, in line {node.lineno}", FIX)
    if any(node.recursive for node in tree.find_all(nodes.For)):
        raise RecipeError("The prompt has a recursive loop", FIX)
    asks = any(node.attr == "question" for node in tree.find_all(nodes.Getattr))
    includes = any(
        isinstance(node.template, nodes.Const) and node.template.value == "parts/question.j2"
        for node in tree.find_all(nodes.Include)
    )
    if not asks and not includes:
        raise RecipeError(
            "The prompt does not ask anything: expected `{{ problem.question }}` in it, or "
            '`{% include "parts/question.j2" %}`',
            "`prompt:` is `solve`, a file that ends in .j2, or the template itself (docs/prompts.md)",
        )


def _repeats(node: nodes.Node) -> bool:
    return isinstance(node, nodes.For) or (isinstance(node, nodes.Filter) and node.name == "join")


def _called(node: nodes.Node) -> str:
    names = {"Call": "a call", "Assign": "{% set %}", "Mul": "`*`", "Pow": "`**`", "Mod": "`%`"}
    return names.get(type(node).__name__, type(node).__name__.lower())
