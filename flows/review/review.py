"""`cotfactory review`: draw what people are asked, serve the page until told to stop, give links, say how far it is."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web

from cotfactory.flows.host.listener import BACKLOG, LOOPBACK, listening, only_reachable_from_here, url_of
from cotfactory.flows.host.signals import drained
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.review.app import ReviewSession, review_app
from cotfactory.flows.review.draw import drawn_items
from cotfactory.flows.review.shown_items import shown_items
from cotfactory.generators.local_teachers.own_host import own_host_only
from cotfactory.reviewing.figures import by_item, people_figures
from cotfactory.reviewing.queue import due_items
from cotfactory.schemas.counted import counted
from cotfactory.schemas.errors import InputError, RecipeError, WorkspaceError
from cotfactory.schemas.people_figures import PeopleFigures
from cotfactory.schemas.recipe import Recipe
from cotfactory.schemas.record import Record
from cotfactory.schemas.review_rules import ReviewRules
from cotfactory.warehouse.catalog import build_catalog
from cotfactory.warehouse.compact import compact
from cotfactory.warehouse.reviewers import new_token, reviewers, without_link
from cotfactory.warehouse.stored_reviews import reviews_of
from cotfactory.warehouse.workspace import Workspace, open_workspace
from cotfactory.warehouse.workspace_lock import exclusive

PORT = 8810
DRAIN_S = 5.0


@dataclass(frozen=True)
class ReviewRequest:
    """Whose chains are reviewed, and where the page is served."""

    recipe: Path
    workspace: Path
    host: str = LOOPBACK
    port: int = PORT


def serve_reviews(request: ReviewRequest, say: Callable[[str], None]) -> None:
    """Serve the review page until the first signal; every answer is on disk before its reply.

    Raises RecipeError for a recipe without `review`, InputError where nothing is decided yet or the port cannot be
    had, WorkspaceError.
    """
    recipe = load_recipe(request.recipe)
    workspace = open_workspace(request.workspace)
    session = opened_session(recipe, workspace)
    with listening(request.host, request.port) as listener:
        app = review_app(session)
        if only_reachable_from_here(request.host):
            app.middlewares.insert(0, own_host_only)
        uvloop.run(_until_stopped(app, listener, lambda: say(_announcement(session, listener))))
    build_catalog(workspace)


def opened_session(recipe: Recipe, workspace: Workspace) -> ReviewSession:
    """Return what a server of the page holds: the items, drawn anew where the chains are others. Raises as above."""
    rules = rules_of(recipe)
    with suppress(WorkspaceError), exclusive(workspace):  # a run may go on beside: then they are merged another time
        compact(workspace, only_where_many=True)
    items, _ = drawn_items(workspace, recipe, rules)
    shown = shown_items(workspace, items)
    answered = by_item(reviews_of(workspace, recipe=recipe.name, guidelines_id=rules.guidelines_id))
    known = {item.item_id: item for item in items if item.item_id in shown}
    return ReviewSession(workspace, recipe.name, rules, known, shown, answered)


def rules_of(recipe: Recipe) -> ReviewRules:
    """Return what a recipe asks people. Raises RecipeError where it asks nothing."""
    if recipe.review is None:
        raise RecipeError(
            f"The recipe {recipe.name} asks people nothing: expected `review`",
            "add `review: {guidelines: guidelines.md}` to it",
        )
    return recipe.review


async def _until_stopped(app: web.Application, listener: socket.socket, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        with drained(lambda _: stop.set()):
            ready()
            await stop.wait()
    finally:
        await runner.cleanup()


def _announcement(session: ReviewSession, listener: socket.socket) -> str:
    people = session.people()
    who = f"with a link: {', '.join(people)}" if people else "nobody has a link yet: cotfactory review add-person NAME"
    return f"{url_of(listener)} shows {counted(len(session.items), 'item')}; {who} (Ctrl-C ends it)"


class NewPerson(Record):
    """A person who may review, and their link: it is shown once and stored nowhere."""

    name: str
    pseudonym: str
    link: str

    def text(self) -> str:
        """Return the link, for people."""
        return f"{self.name} is {self.pseudonym}; the link, which is not shown again:\n{self.link}"


def add_person(name: str, workspace: Path, host: str, port: int) -> NewPerson:
    """Give a person a link to the page at `host` and `port`; an earlier link of theirs ends. Raises InputError."""
    if not name.strip() or len(name) > 100:
        raise InputError(f"The name {name[:100]!r} is none", "give up to 100 characters")
    person, token = new_token(open_workspace(workspace), name.strip())
    at = f"[{host}]" if ":" in host else host
    return NewPerson(name=person.name, pseudonym=person.pseudonym, link=f"http://{at}:{port}/enter?token={token}")


class RemovedPerson(Record):
    """A person whose link is worth nothing from now on; what they said stays."""

    name: str
    pseudonym: str

    def text(self) -> str:
        """Return who it is, for people."""
        return f"the link of {self.name} ({self.pseudonym}) has ended; what they said stays"


def remove_person(name: str, workspace: Path) -> RemovedPerson:
    """End a person's link. Raises InputError for somebody who has none."""
    place = open_workspace(workspace)
    if not any(person.name == name and person.token_sha256 for person in reviewers(place)):
        raise InputError(f"Nobody called {name!r} has a link", "`cotfactory review add-person NAME` gives one")
    person = without_link(place, name)
    return RemovedPerson(name=person.name, pseudonym=person.pseudonym)


class ReviewStatus(Record):
    """How far people are, and what they say so far; `left` by pseudonym."""

    recipe: str
    items: int
    left: dict[str, int]
    figures: PeopleFigures | None

    def text(self) -> str:
        """Return the status for people."""
        lines = [f"{self.recipe}: {counted(self.items, 'item')}"]
        lines += [f"  {person}: {left:,} left" for person, left in self.left.items()]
        if self.figures is None:
            return "\n".join([*lines, "nobody has answered yet"])
        lines.append(f"still open: {counted(self.figures.open_items, 'item')}")
        for agreement in self.figures.agreement:
            lines.append(
                f"{agreement.question}: alpha {_number(agreement.alpha)} over {counted(agreement.items, 'item')}"
            )
        for grader in self.figures.graders:
            for name, found in (("precision", grader.precision), ("recall", grader.recall)):
                interval = f"[{_number(found.low)}, {_number(found.high)}]"
                lines.append(f"{grader.grader} {name}: {_number(found.value)} {interval}, {found.n:,} judged")
        for person in self.figures.people:
            lines.append(f"{person.person}: {person.planted_right} of {counted(person.planted, 'planted item')} right")
        return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def review_status(path: Path, workspace: Path) -> ReviewStatus:
    """Return how far the reviews of a recipe are. Raises as `serve_reviews`."""
    recipe, place = load_recipe(path), open_workspace(workspace)
    rules = rules_of(recipe)
    items, drawn_at = drawn_items(place, recipe, rules)
    reviews = reviews_of(place, recipe=recipe.name, guidelines_id=rules.guidelines_id)
    answered, people = by_item(reviews), [person.pseudonym for person in reviewers(place) if person.token_sha256]
    left = {who: sum(1 for _ in due_items(who, items, answered, people, rules.per_item)) for who in people}
    figures = people_figures(items, reviews, rules.per_item, drawn_at)
    return ReviewStatus(recipe=recipe.name, items=len(items), left=left, figures=figures)
