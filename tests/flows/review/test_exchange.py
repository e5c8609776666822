"""Items go out to other tools and answers come back, once each; what is none of ours is refused as a whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from cotfactory.flows.review.exchange import export_items, import_reviews
from cotfactory.schemas.errors import InputError
from cotfactory.warehouse.stored_reviews import reviews_of
from cotfactory.warehouse.workspace import Workspace
from tests.flows.review.review_server import Reviewed, decided


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    questions = ["answer_right", "reference_right"]
    sample = {"random": 4, "disputed": 0, "planted": 2, "problems": 2}
    return decided(tmp_path_factory.mktemp("reviewed"), {"questions": questions, "sample": sample})


def annotated(task: dict[str, Any], by: Any, answer: str, **more: Any) -> dict[str, Any]:
    result = [{"from_name": "answer", "type": "choices", "value": {"choices": [answer]}}]
    result += [{"from_name": name, "value": value} for name, value in more.items()]
    annotation = {"completed_by": by, "result": result, "lead_time": 7.5, "created_at": "2026-11-20T10:00:00Z"}
    return {**task, "annotations": [annotation, {**annotation, "was_cancelled": True}]}


def answered(record: dict[str, Any], who: str, answer: str) -> dict[str, Any]:
    responses = {"answer": [{"value": answer, "user_id": who}], "reason": [{"value": "so", "user_id": who}]}
    return {**record, "responses": responses}


def test_there_and_back(reviewed: Reviewed, tmp_path: Path) -> None:
    workspace = Workspace(reviewed.workspace)
    out = export_items(reviewed.recipe, reviewed.workspace, "label-studio", tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert (out.items, len(tasks)) == (len(tasks), out.items)
    assert "<Choices" in (tmp_path / "tasks.xml").read_text()
    told = [annotated(task, {"id": 3, "email": "a@b.example"}, "yes") for task in tasks]
    told[0] = annotated(tasks[0], 4, "no", reason={"text": ["x"]})
    told.append({**told[1], "data": {"item_id": "of another draw"}})
    (tmp_path / "export.json").write_text(json.dumps(told))
    for _ in range(2):  # the same file again changes nothing
        came = import_reviews(reviewed.recipe, reviewed.workspace, "label-studio", tmp_path / "export.json")
        assert (sum(came.answers.values()), came.passed_over) == (len(tasks), 1)
        reviews = reviews_of(workspace)
        assert len(reviews) == len(tasks)
    assert {review.person for review in reviews} == {"reviewer-1", "reviewer-2"}
    assert {(review.reason, review.seconds) for review in reviews if review.answer == "no"} == {("x", 7.5)}

    export_items(reviewed.recipe, reviewed.workspace, "argilla", tmp_path / "records.json")
    records = json.loads((tmp_path / "records.json").read_text())
    (tmp_path / "answers.json").write_text(json.dumps([answered(record, "u-1", "yes") for record in records]))
    import_reviews(reviewed.recipe, reviewed.workspace, "argilla", tmp_path / "answers.json")
    assert len(reviews_of(workspace)) == 2 * len(tasks)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"a": 1}, "holds no list"),
        ([{"annotations": [{"result": [{"value": 1}]}]}], "Row 1 is none of label-studio's"),
        ([3], "Row 1"),
        ("maybe", "says 'maybe'"),  # an answer that nobody offered
        ("step 99", "names step 99"),
    ],
)
def test_what_is_none_of_ours_is_refused(reviewed: Reviewed, tmp_path: Path, rows: Any, said: str) -> None:
    export_items(reviewed.recipe, reviewed.workspace, "label-studio", tmp_path / "tasks.json")
    task = json.loads((tmp_path / "tasks.json").read_text())[0]
    if rows == "maybe":
        rows = [annotated(task, 1, "maybe")]
    if rows == "step 99":
        rows = [annotated(task, 1, "no", first_wrong_step={"number": 99})]
    (tmp_path / "export.json").write_text(json.dumps(rows))
    before = len(reviews_of(Workspace(reviewed.workspace)))
    with pytest.raises(InputError, match=said):
        import_reviews(reviewed.recipe, reviewed.workspace, "label-studio", tmp_path / "export.json")
    assert len(reviews_of(Workspace(reviewed.workspace))) == before
