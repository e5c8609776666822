"""A recipe's own template: what it may hold, what it sees, and that none can do more than write a prompt."""

import pytest

from cotfactory.generators.ask.own_prompt import own_prompt
from cotfactory.generators.ask.render_prompt import prompt_renderer
from cotfactory.schemas.errors import RecipeError
from cotfactory.schemas.judging import Language
from cotfactory.schemas.problem import Problem, StdioCase, StdioTests
from tests.builders import a_problem

CHOICE = a_problem(question="Which is prime?", choices=("4", "9", "13"), answer="C", answer_kind="choice")
ASK = "{{ problem.question }}"


def rendered(template: str, problem: Problem | None = None) -> str:
    (message,) = own_prompt(template)(problem or a_problem(question="What is 3 + 4?"))
    assert message.role == "user"
    return message.content


def test_our_own_template_may_be_brought_along() -> None:
    ours = '{% include "parts/question.j2" %}\n\nThink step by step, then {% include "parts/answer_form.j2" %}'
    for problem in (CHOICE, a_problem(question="What is 3 + 4?")):
        assert rendered(ours, problem) == prompt_renderer("solve")(problem)[0].content


@pytest.mark.parametrize(
    ("language", "asked"), [(None, "Python program in a ```python"), ("cpp", "C++ program in a ```cpp")]
)
def test_the_language_of_a_program_is_asked_for(language: Language | None, asked: str) -> None:
    tests = StdioTests(cases=(StdioCase(stdin="", stdout="6"),), language=language)
    problem = a_problem("Print 6.", "", "code", tests=tests)
    assert f"give one complete {asked} block." in prompt_renderer("solve")(problem)[0].content


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (f"  {ASK}\n", "Which is prime?"),
        (ASK + " {{ problem.choices | join(' or ') }}", "Which is prime? 4 or 9 or 13"),
        (ASK + "{% for c in problem.choices %} {{ letters[loop.index0] }}{% endfor %}", "Which is prime? A B C"),
        (ASK + "{% if problem.answer_kind == 'choice' %}!{% endif %}", "Which is prime?!"),
        (ASK + "{% for q in ['a', 'b'] %}{{ q | upper }}{% endfor %}{% for q in 'xy' %}{{ q }}{% endfor %}",
         "Which is prime?ABxy"),
        (ASK + " {{ problem.domain or 'any' }} <b> ${x}$", "Which is prime? any <b> ${x}$"),
        (ASK + "{{ entry_point or '' }}", "Which is prime?"),
    ],
)  # fmt: skip
def test_what_a_template_may_say(template: str, text: str) -> None:
    assert rendered(template, CHOICE) == text


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Solve it.", "does not ask anything"),
        ("solve it", "does not ask anything"),  # a name with a blank is no name
        (ASK + "{% if %}", "no template: line 1"),
        (ASK + "{{ problem.answer }}", "'answer'"),  # the reference answer is none of a prompt's business
        (ASK + "{{ problem.tests }}", "'tests'"),
        (ASK + "{{ problem.solution }}", "'solution'"),
        (ASK + '{% include "turns/hint.j2" %}', "'answer'"),
        (ASK + "{{ qestion }}", "'qestion' is undefined"),
        (ASK + '{% include "../../../../etc/passwd" %}', "passwd"),
        (ASK + '{% include "/etc/passwd" %}', "passwd"),
        # Ways out of a sandbox, and ways to make it work for ever or fill the memory.
        (ASK + "{{ ''.__class__ }}", "unsafe"),
        (ASK + "{{ problem.question.__class__.__mro__ }}", "unsafe"),
        (ASK + "{{ ''.__class__.__mro__[1].__subclasses__() }}", "a call"),
        (ASK + "{{ 'x' * 10000000000 }}", "`*`"),
        (ASK + "{{ 9 ** 99999999 }}", "`**`"),
        (ASK + "{{ '%9999999999d' % 1 }}", "`%`"),
        (ASK + "{{ 'x'.ljust(9999999999) }}", "a call"),
        (ASK + "{{ 'x' | center(9999999999) }}", "center"),
        (ASK + "{% for i in range(99999) %}{% endfor %}", "a call"),
        (ASK + "{% set x = problem.question %}" + "{% set x = x ~ x %}" * 99, "{% set %}"),
        (ASK + "{% for a in 'xy' %}{% for b in 'xy' %}{% endfor %}{% endfor %}", "loop inside another"),
        (ASK + "{% for a in 'xy' recursive %}{{ loop(a) }}{% endfor %}", "a call"),
        (ASK + "{% for a in 'xy' recursive %}{% endfor %}", "recursive"),
        (ASK + "{{ 'ab' | join('xx' | join('yy')) }}", "join` inside another"),
        (ASK + "{% macro m() %}{% endmacro %}", "macro"),
        (ASK + '{% import "solve.j2" as s %}', "import"),
        (ASK + '{% extends "solve.j2" %}', "extends"),
        (ASK + "x" * 64_000, "characters: expected"),
        (ASK + "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
    ],
)  # fmt: skip
def test_what_it_may_not(template: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        rendered(template)
    assert said in str(caught.value)


def test_an_error_names_the_problem() -> None:
    with pytest.raises(RecipeError, match=r"for problem .* of .*: "):
        rendered(ASK + "{{ problem.choices | join }}")
