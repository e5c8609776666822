"""The page that a reviewer sees: one item, the guidelines, and a form that works by keyboard and without any script.

What models, data sets and other reviewers wrote is hostile: it stands on the page as text alone, without signs that a
browser obeys; a content security policy lets nothing run but our one script, and nothing be loaded from anywhere.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from cotfactory.schemas.record import Record
from cotfactory.schemas.review import ANSWERS, Answer, Review, ReviewQuestion, Seen

TEMPLATES = Path(__file__).parent / "templates"
ASKED: Mapping[ReviewQuestion, str] = {
    "answer_right": "Is the final answer right?",
    "reference_right": "Is the reference answer right?",
    "better_of_two": "Which of the two chains is better?",
    "write": "Write a solution",
}
LABELS: Mapping[Answer, str] = {
    "yes": "Yes",
    "no": "No",
    "first": "The first",
    "second": "The second",
    "unsure": "Not sure",
    "written": "Here it is",
}


class ShownSolution(Record):
    """A chain as it is shown: its thinking (or response) in steps, and the response where that stands apart."""

    steps: tuple[str, ...]
    response: str | None


class ShownItem(Record):
    """An item as it is shown: texts that are safe to look at, none of which is ever markup."""

    item_id: str
    question: ReviewQuestion
    problem: str
    choices: tuple[str, ...]
    reference: str | None
    chains: tuple[ShownSolution, ...]


class Form(Record):
    """What a form carries along: which answer of this person to the item it is, and when it was shown."""

    number: int
    shown_at: float
    seen: Seen
    own_answer: str | None = None


class Progress(Record):
    """How far a person is."""

    done: int
    left: int


def item_page(
    item: ShownItem,
    form: Form,
    progress: Progress,
    guidelines: str,
    *,
    asks_steps: bool,
    others: Sequence[Review] = (),
    before: Review | None = None,
) -> str:
    """Return the page of one item; `others` are those whose reasons an adjudicator sees, `before` one's own answer.

    A reference answer is judged in two steps: before `form.own_answer` is there, the page asks for that alone.
    """
    return _template("item.html.j2").render(
        item=item,
        form=form,
        progress=progress,
        guidelines=guidelines,
        asked=ASKED[item.question],
        answers=ANSWERS[item.question],
        labels=LABELS,
        asks_steps=asks_steps and item.question == "answer_right",
        asks_own=item.question == "reference_right" and form.own_answer is None,
        others=others,
        before=before,
        **_assets(),
    )


def message_page(title: str, text: str, *, links: Sequence[tuple[str, str]] = ()) -> str:
    """Return a page that says something; `links` are addresses of this server with their words."""
    return _template("message.html.j2").render(title=title, text=text, links=links, **_assets())


def content_policy() -> str:
    """Return the content security policy that goes with every page."""
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in _files().items()
    }
    return (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@cache
def _files() -> dict[str, str]:
    names = {"style": "review.css", "script": "review.js"}
    return {name: (TEMPLATES / file).read_text("utf-8") for name, file in names.items()}


def _assets() -> dict[str, Markup]:
    return {name: Markup(text) for name, text in _files().items()}  # noqa: S704 - our own files


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
