"""Only who has a link answers, only from our own page, only what is theirs; a form that comes twice is one answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer

from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.review.app import ReviewSession, review_app
from cotfactory.flows.review.review import opened_session
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.reviewers import new_token
from cotfactory.warehouse.stored_reviews import reviews_of
from cotfactory.warehouse.workspace import Workspace
from tests.flows.review.review_server import decided


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    questions = ["answer_right", "first_wrong_step"]
    sample = {"random": 8, "disputed": 0, "planted": 0}
    folder = tmp_path_factory.mktemp("reviewed")
    return Workspace(
        decided(folder, {"questions": questions, "per_item": 1, "sample": sample}).workspace.resolve(),
    )


def session_of(workspace: Workspace) -> ReviewSession:
    return opened_session(load_recipe(workspace.root.parent / "recipe.yaml"), workspace)


@asynccontextmanager
async def served(session: ReviewSession) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(review_app(session)), cookie_jar=CookieJar(unsafe=True)) as client:
        yield client


def test_who_has_no_link_sees_nothing(workspace: Workspace) -> None:
    async def ask() -> None:
        async with served(session_of(workspace)) as client:
            for path in ("/", "/mine", "/item/x", "/enter?token=wrong", "/enter"):
                reply = await client.get(path)
                assert reply.status == 401
                assert "What is" not in await reply.text()
                assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert (await client.post("/answer", data={"item": "x"})).status == 401

    asyncio.run(ask())


REFUSED: list[tuple[str, dict[str, str], dict[str, str], int]] = [
    # what, changes of the form, headers, the status
    ("another page's form", {}, {"Sec-Fetch-Site": "cross-site"}, 403),
    ("an answer that nobody offers", {"answer": "maybe"}, {}, 400),
    ("no answer", {"answer": ""}, {}, 400),
    ("a step that the chain does not have", {"step": "99"}, {}, 400),
    ("a step that is no number", {"step": "٣"}, {}, 400),  # a digit, and none of ours
    ("an answer that has not been asked for yet", {"number": "7"}, {}, 400),
    ("a number that is none", {"number": "-1"}, {}, 400),
    ("an item that there is not", {"item": "x"}, {}, 404),
    ("a reason of a megabyte", {"reason": "x" * 1_000_000}, {}, 400),
]


def test_what_is_refused_and_what_is_kept(workspace: Workspace) -> None:
    async def ask() -> None:
        _, token = new_token(workspace, "Ana")
        _, other = new_token(workspace, "Ben")
        session = session_of(workspace)
        async with served(session) as client:
            assert (await client.get(f"/enter?token={token}")).status == 200
            due = session.next_item("reviewer-1")
            assert due is not None
            item = due[0].item_id
            form = {"item": item, "number": "0", "shown_at": "nan", "answer": "yes", "step": "", "reason": ""}
            for what, changes, headers, status in REFUSED:
                reply = await client.post("/answer", data=form | changes, headers=headers)
                assert reply.status == status, what
            assert reviews_of(workspace) == []
            both = await asyncio.gather(*(client.post("/answer", data=form) for _ in range(3)))
            assert {reply.status for reply in both} == {200}
            assert [review.answer for review in reviews_of(workspace)] == ["yes"]
            # A changed mind is a row of its own, and the page of the item shows what was said.
            assert (
                await client.post("/answer", data=form | {"number": "1", "answer": "no", "step": "1"})
            ).status == 200
            first, second = reviews_of(workspace)
            assert (first.answer, second.answer, second.first_wrong_step) == ("yes", "no", 1)
            assert "checked" in await (await client.get(f"/item/{item}")).text()
            assert f"/item/{item}" in await (await client.get("/mine")).text()

            await client.get(f"/enter?token={other}")  # what is decided is nobody else's any more
            assert (await client.post("/answer", data=form)).status == 400
            assert (await client.get(f"/item/{item}")).status == 404
        again = session_of(workspace)
        assert again.own("reviewer-1", item) == [first, second]

    asyncio.run(ask())


def test_a_workspace_without_decisions_is_told_what_to_do(tmp_path: Path) -> None:
    reviewed = decided(tmp_path, {})
    (reviewed.workspace / "tables" / "decisions" / "sums.parquet").unlink()
    with pytest.raises(InputError, match=r"Nothing is decided of sums.*run"):
        opened_session(load_recipe(reviewed.recipe), Workspace(reviewed.workspace))
