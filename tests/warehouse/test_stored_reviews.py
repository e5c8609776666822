"""Answers are there once, whatever a session left; those under other guidelines are other answers; links are hashes."""

from datetime import timedelta
from pathlib import Path

import pytest

from cotfactory.warehouse.compact import MANY, compact
from cotfactory.warehouse.reviewers import new_token, reviewer_of, reviewers, without_link
from cotfactory.warehouse.stored_reviews import reviews_of, write_review
from cotfactory.warehouse.workspace import Workspace, open_workspace
from tests.builders import AT
from tests.reviewing.made_reviews import a_review, an_item


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(tmp_path / "w")


def test_an_answer_is_kept_once_and_merged_with_others(workspace: Workspace) -> None:
    assert reviews_of(workspace) == []
    reviews = [a_review(item=an_item(number), number=number) for number in range(MANY + 2)]
    for review in [*reviews, reviews[0]]:  # a form that was sent twice
        write_review(workspace, review)
    assert reviews_of(workspace) == reviews
    compact(workspace, only_where_many=True)
    assert len(list(workspace.table("reviews").glob("*.parquet"))) == 1
    write_review(workspace, reviews[3])  # the form once more, after all that
    assert reviews_of(workspace) == reviews


def test_what_was_said_under_another_text_or_later_is_left_out(workspace: Workspace) -> None:
    first, other, late = (
        a_review(),
        a_review(guidelines_id="g2", review_id="r2"),
        a_review(review_id="r3", reviewed_at=AT + timedelta(hours=1)),
    )
    for review in (first, other, late):
        write_review(workspace, review)
    assert reviews_of(workspace, recipe="sums", guidelines_id="g1") == [first, late]
    assert reviews_of(workspace, guidelines_id="g1", until=AT) == [first]
    assert reviews_of(workspace, recipe="another") == []


def test_links(workspace: Workspace) -> None:
    ana, token = new_token(workspace, "Ana")
    ben, _ = new_token(workspace, "Ben")
    assert (ana.pseudonym, ben.pseudonym) == ("reviewer-1", "reviewer-2")
    assert token not in (workspace.root / "reviewers.jsonl").read_text()
    assert (workspace.root / "reviewers.jsonl").stat().st_mode & 0o077 == 0
    assert reviewer_of(reviewers(workspace), token) == ana
    again, newer = new_token(workspace, "Ana")  # the same person, and the old link is worth nothing
    assert again.pseudonym == "reviewer-1"
    assert reviewer_of(reviewers(workspace), token) is None
    without_link(workspace, "Ana")
    for given in (newer, "", "None", "\udcff"):
        assert reviewer_of(reviewers(workspace), given) is None
