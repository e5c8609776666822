"""The routes of the review page: whose link it is, the next item, an answer that is kept before another item shows."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from cotfactory.flows.review.answers import review_of_form, written_candidate
from cotfactory.flows.review.shown_items import second_is_first
from cotfactory.reviewing.queue import due_items, next_item
from cotfactory.reviewing.review_page import (
    ASKED,
    LABELS,
    Form,
    Progress,
    ShownItem,
    content_policy,
    item_page,
    message_page,
)
from cotfactory.reviewing.settle import newest
from cotfactory.schemas.errors import InputError, WorkspaceError
from cotfactory.schemas.review import Review, ReviewItem, Seen
from cotfactory.schemas.review_rules import ReviewRules
from cotfactory.warehouse.reviewers import Reviewer, reviewer_of, reviewers
from cotfactory.warehouse.stored_reviews import write_review
from cotfactory.warehouse.tables import write_table
from cotfactory.warehouse.workspace import Workspace

COOKIE = "reviewer"
LARGEST_FORM = 8 * 2**20
SHOWN_BEFORE = 50
PERSON = web.RequestKey("person", Reviewer)


@dataclass
class ReviewSession:
    """What a server of the page holds: the items, as they are shown, and all that was said of them."""

    workspace: Workspace
    recipe: str
    rules: ReviewRules
    items: Mapping[str, ReviewItem]
    shown: Mapping[str, ShownItem]
    answered: dict[str, list[Review]]
    keeping: asyncio.Lock = field(default_factory=asyncio.Lock)

    def people(self) -> list[str]:
        """Return the pseudonyms of those who have a link."""
        return [person.pseudonym for person in reviewers(self.workspace) if person.token_sha256 is not None]

    def own(self, person: str, item_id: str) -> list[Review]:
        """Return what a person said of an item so far."""
        return [review for review in self.answered.get(item_id, ()) if review.person == person]

    def next_item(self, person: str) -> tuple[ReviewItem, Seen] | None:
        """Return what a person is to answer next."""
        return next_item(person, self.items.values(), self.answered, self.people(), self.rules.per_item)

    def progress(self, person: str) -> Progress:
        """Return how far a person is."""
        left = due_items(person, self.items.values(), self.answered, self.people(), self.rules.per_item)
        done = sum(bool(self.own(person, item_id)) for item_id in self.items)
        return Progress(done=done, left=sum(1 for _ in left))

    def page(self, person: str, item: ReviewItem, seen: Seen, own_answer: str | None = None) -> str:
        """Return the page of an item for a person."""
        shown = self.shown[item.item_id]
        if item.question == "better_of_two" and second_is_first(person, item.item_id):
            shown = shown.model_copy(update={"chains": shown.chains[::-1]})
        own = self.own(person, item.item_id)
        others = newest(self.answered.get(item.item_id, ())) if seen == "adjudicating" else []
        return item_page(
            shown,
            Form(number=len(own), shown_at=round(time.time(), 3), seen=seen, own_answer=own_answer),
            self.progress(person),
            self.rules.guidelines,
            asks_steps=self.rules.asks_steps,
            others=[review for review in others if review.person != person],
            before=own[-1] if own and item.question == "answer_right" else None,
        )

    async def keep(self, person: str, item: ReviewItem, form: Mapping[str, str]) -> None:
        """Keep an answer; it is on disk on return. One that is there already is not kept again.

        Raises InputError for what no form of ours sends, WorkspaceError where it cannot be written down.
        """
        async with self.keeping:
            own = self.own(person, item.item_id)
            number = form.get("number", "")
            if number not in {str(count) for count in range(len(own) + 1)}:
                raise InputError(f"The form is number {number[:20]!r} of this item", "load the page again")
            if int(number) < len(own):
                return
            seen = own[0].seen if own else self._seen(person, item)
            review = review_of_form(
                *(form, item, self.shown[item.item_id], person, self.rules.guidelines_id, seen, int(number)),
                asks_steps=self.rules.asks_steps,
            )
            await asyncio.shield(asyncio.to_thread(self._write, review))
            self.answered.setdefault(item.item_id, []).append(review)

    def _seen(self, person: str, item: ReviewItem) -> Seen:
        due = due_items(person, [item], self.answered, self.people(), self.rules.per_item)
        seen = next((seen for _, seen in due), None)
        if seen is None:
            raise InputError("This item is not yours to answer, or was decided meanwhile", "go on with the next one")
        return seen

    def _write(self, review: Review) -> None:
        candidate = written_candidate(review)
        if candidate is not None:
            row = {**candidate.model_dump(), "recipe": self.recipe, "run_id": "review"}
            write_table(self.workspace, "candidates", f"written-{candidate.candidate_id}", [row])
        write_review(self.workspace, review)


def review_app(session: ReviewSession) -> web.Application:
    """Return the web application that shows the items of a session and keeps the answers."""
    pages = _Pages(session)
    app = web.Application(client_max_size=LARGEST_FORM, middlewares=[_guarded(session)])
    app.router.add_get("/enter", pages.enter)
    app.router.add_get("/", pages.next)
    app.router.add_get("/mine", pages.mine)
    app.router.add_get("/item/{item}", pages.again)
    app.router.add_post("/answer", pages.answer)
    return app


@dataclass(frozen=True)
class _Pages:
    session: ReviewSession

    async def enter(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("token", "")
        if reviewer_of(reviewers(self.session.workspace), token) is None:
            return _page(message_page("This link is not valid", "Ask for a new one: review add-person."), 401)
        reply = web.HTTPSeeOther("/")
        reply.set_cookie(COOKIE, token, httponly=True, samesite="Lax", max_age=90 * 86_400)
        return reply

    async def next(self, request: web.Request) -> web.StreamResponse:
        person = request[PERSON].pseudonym
        found = self.session.next_item(person)
        if found is None:
            text = "Nothing is left for you. Items that others have still to answer may come to you later."
            return _page(message_page("Thank you", text, links=[("/mine", "My answers")]))
        return _page(self.session.page(person, *found))

    async def mine(self, request: web.Request) -> web.StreamResponse:
        person = request[PERSON].pseudonym
        of_items: dict[str, Review] = defaultdict()
        for reviews in self.session.answered.values():
            for review in reviews:
                if review.person == person:
                    of_items[review.item_id] = review
        latest = sorted(of_items.values(), key=lambda review: review.reviewed_at, reverse=True)[:SHOWN_BEFORE]
        links = [
            (
                f"/item/{review.item_id}",
                f"{ASKED[review.question]} {LABELS[review.answer]}, {review.reviewed_at:%H:%M:%S}",
            )
            for review in latest
            if review.item_id in self.session.shown and review.question == "answer_right"
        ]
        return _page(message_page("My answers", "The newest first. Open one to answer again.", links=links))

    async def again(self, request: web.Request) -> web.StreamResponse:
        person, item = request[PERSON].pseudonym, self.session.items.get(request.match_info["item"])
        own = self.session.own(person, item.item_id) if item is not None else []
        if item is None or not own or item.question != "answer_right":
            return _page(message_page("There is no such item of yours", "", links=[("/", "Go on")]), 404)
        return _page(self.session.page(person, item, own[0].seen))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        person = request[PERSON].pseudonym
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        item = self.session.items.get(form.get("item", ""))
        if item is None:
            return _page(message_page("There is no such item", "It was drawn anew.", links=[("/", "Go on")]), 404)
        if item.question == "reference_right" and "answer" not in form:
            return _page(self.session.page(person, item, "blind", form.get("own_answer", "").strip() or "none"))
        try:
            await self.session.keep(person, item, form)
        except InputError as error:
            return _page(message_page("Not kept", str(error), links=[("/", "Go on")]), 400)
        except WorkspaceError as error:
            return _page(message_page("Not kept: send it again later", str(error), links=[("/", "Go on")]), 503)
        raise web.HTTPSeeOther("/")


def _guarded(session: ReviewSession) -> Middleware:
    """Return what stands around every route: whose link it is, forms of our own pages alone, and headers."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            reply = await _admitted(session, request, handler)
        except web.HTTPException as error:
            error.headers.update(_headers())
            raise
        reply.headers.update(_headers())
        return reply

    return guard


async def _admitted(session: ReviewSession, request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path == "/enter":
        return await handler(request)
    person = reviewer_of(reviewers(session.workspace), request.cookies.get(COOKIE, ""))
    if person is None:
        return _page(message_page("Open your own link first", "It is the one that review add-person printed."), 401)
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return _page(message_page("Not kept", "The form came from another page."), 403)
    request[PERSON] = person
    return await handler(request)


def _headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": content_policy(),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")
