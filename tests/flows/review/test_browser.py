"""People at a real Chromium: keys alone, a reload, a server that is killed; no answer is lost and none counts twice."""

import asyncio
import random
import re
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cotfactory.flows.review.review import add_person
from cotfactory.reviewing.figures import people_figures
from cotfactory.warehouse.stored_reviews import latest_items, reviews_of
from cotfactory.warehouse.workspace import Workspace
from tests.flows.review.browser import CHROMIUM, Page, browser
from tests.flows.review.review_server import HOSTILE, Reviewed, decided, review_server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")

ITEM = "[document.querySelector('[name=item]')?.value, document.body.innerText, performance.timeOrigin]"
SMALL = {"random": 8, "disputed": 1, "planted": 2}
FULL = {"random": 100, "disputed": 60, "planted": 12}


class Script:
    """A person who works by keys, and errs in a share of the items."""

    def __init__(self, name: str, errs: float, page: Page, base: str, link: str) -> None:
        self.name, self.errs, self.page, self.base, self.link = name, errs, page, base, link
        self.said: dict[str, str] = {}
        self.waited = 0
        self._draw = random.Random(name)

    async def work(self, on_answer: Any) -> None:
        """Answer until nothing is left."""
        await self.page.open(self.link)
        while True:
            item, text, origin = await self.page.evaluate(ITEM)
            if item is None and "Thank you" in text:
                return
            if item is None:  # the server is gone: the browser says so
                self.waited += 1
                assert self.waited < 60, f"the server does not come again: {text}"
                await asyncio.sleep(0.1)
                await self.page.open(self.base)
                continue
            right = is_right(text) != (self._draw.random() < self.errs)
            if item in self.said:  # sent to a server that died before it said so: the same again
                right = self.said[item] == "yes"
            self.said[item] = "yes" if right else "no"
            await self.page.press("1" if right else "2")
            await self.page.press("Enter")
            await self.page.loaded(origin)
            await on_answer(self)


def is_right(text: str) -> bool:
    """Whether the answer on the page is the sum of its question."""
    first, second = map(int, re.search(r"What is (\d+) \+ (\d+)\?", text).groups())  # type: ignore[union-attr]
    stated: list[str] = re.findall(r"boxed\{(-?\(?\d+\)?)\}", text)
    return stated[-1] == str(first + second)


@pytest.mark.parametrize(
    ("sample", "problems"), [(SMALL, 8), pytest.param(FULL, 240, marks=pytest.mark.reviewers)], ids=["small", "full"]
)
def test_three_people_a_reload_and_a_killed_server(tmp_path: Path, sample: dict[str, int], problems: int) -> None:
    reviewed = decided(tmp_path, {"per_item": 3, "sample": sample}, problems=problems)
    scripts = asyncio.run(_work(tmp_path, reviewed))
    workspace = Workspace(reviewed.workspace)
    reviews = reviews_of(workspace)
    found = latest_items(workspace, "sums")
    assert found is not None
    items = found[0]
    assert len(items) == sum(sample.values())
    counts = Counter((review.person, review.item_id) for review in reviews)
    assert set(counts.values()) == {1}
    assert len(counts) == 3 * len(items)
    told = {(review.person, review.item_id): review.answer for review in reviews}
    names = {"ana": "reviewer-1", "ben": "reviewer-2", "cleo": "reviewer-3"}
    assert told == {(names[who.name], item): said for who in scripts for item, said in who.said.items()}
    figures = people_figures(items, reviews, 3, found[1])
    assert figures is not None
    assert figures.open_items == 0
    (grader,) = figures.graders
    assert grader.precision.value is not None
    assert grader.precision.value > 0.9
    assert {person.planted for person in figures.people} == {sample["planted"]}


async def _work(folder: Path, reviewed: Reviewed) -> list[Script]:
    """Let three people work at once; in the middle one reloads, and the server is killed and started again."""
    with review_server(reviewed) as (first, base):
        port = urlsplit(base).port
        assert port is not None
        async with browser(folder / "chromium", 3) as pages:
            links = [add_person(name, reviewed.workspace, "127.0.0.1", port).link for name in ("ana", "ben", "cleo")]
            people = [
                Script(name, errs, page, base, link)
                for name, errs, page, link in zip(("ana", "ben", "cleo"), (0.05, 0.1, 0.2), pages, links, strict=True)
            ]
            answers = 0
            died = asyncio.Event()

            async def on_answer(script: Script) -> None:
                nonlocal answers
                answers += 1
                if answers == 5:
                    await script.page.call("Page.reload")
                    await script.page.loaded()
                if answers == 8:
                    first.kill()
                    died.set()

            async def again() -> None:
                await died.wait()
                await asyncio.to_thread(first.wait)
                with await asyncio.to_thread(started, reviewed, port):
                    await done.wait()

            done = asyncio.Event()
            second = asyncio.create_task(again())
            await asyncio.gather(*(script.work(on_answer) for script in people))
            done.set()
            await second
            return people


def started(reviewed: Reviewed, port: int) -> ExitStack:
    """Start a server and return what ends it."""
    with ExitStack() as stack:
        stack.enter_context(review_server(reviewed, port))
        return stack.pop_all()


def test_a_hostile_chain_is_text_and_steps_are_chosen_by_key(tmp_path: Path) -> None:
    more = f"\n\n{HOSTILE}\n\n" + "long " * 200_000
    review = {
        "questions": ["answer_right", "first_wrong_step"],
        "per_item": 1,
        "sample": {"random": 6, "disputed": 0, "planted": 0},
    }
    reviewed = decided(tmp_path, review, problems=1, more=more)
    asyncio.run(_look(tmp_path, reviewed))
    (review_kept,) = reviews_of(Workspace(reviewed.workspace))
    assert (review_kept.answer, review_kept.first_wrong_step) == ("no", 1)
    assert review_kept.reason == "<b>because</b>"


async def _look(folder: Path, reviewed: Reviewed) -> None:
    with review_server(reviewed) as (process, base):
        async with browser(folder / "chromium") as (page,):
            link = add_person("ana", reviewed.workspace, "127.0.0.1", urlsplit(base).port or 0).link
            await page.open(link)
            assert await page.evaluate("document.title") == "Is the final answer right?"
            assert await page.evaluate("document.querySelectorAll('img, script').length") == 1  # our own script
            text = await page.evaluate("document.querySelector('#steps').innerText")
            assert "<script>document.title='owned'</script><img src=x" in text
            assert "\u202e" not in text
            assert "\x1b" not in text
            assert len(text) > 1_000_000
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await page.evaluate("document.querySelector('#reason').value = '<b>because</b>'")
            await page.press("s")
            await page.press("ArrowDown")
            await page.press("ArrowDown")
            origin = await page.evaluate("performance.timeOrigin")
            await page.press("2")
            await page.press("Enter")
            await page.loaded(origin)
        process.send_signal(subprocess.signal.SIGINT)  # type: ignore[attr-defined]
        assert process.wait(60) == 130 or process.returncode == 0
