"""Every attempt is there with what was found about it; only what must not be published at all is left out."""

import json

from cotfactory.publishing.products.all_graded import all_graded_rows
from cotfactory.schemas.grade import Evidence
from cotfactory.schemas.group import GradedCandidate
from tests.publishing.made_groups import (
    KEY,
    contaminated,
    made_candidate,
    made_graded,
    made_group,
    made_mixed_group,
    made_problem,
    made_recipe,
)

RECIPE = made_recipe()


def test_every_verdict_is_there() -> None:
    rows = all_graded_rows([made_mixed_group(1)], RECIPE)
    assert [(row["sample_index"], row["verdict"], row["kept"], row["drop_reason"]) for row in rows] == [
        (0, "correct", True, None),
        (1, "incorrect", False, "incorrect"),
        (2, "correct", True, None),
        (3, "ungraded", False, "ungraded"),
    ]
    assert [row["extracted_answer"] for row in rows] == ["18", "17", "18", None]
    assert {row["reference_answer"] for row in rows} == {"18"}
    assert all(isinstance(json.loads(row["evidence"]), dict) for row in rows)


def test_what_must_not_be_published_is_left_out() -> None:
    problem = made_problem()
    graded = [
        made_graded(made_candidate(problem, 0, reasoning=KEY), "incorrect"),
        made_graded(made_candidate(problem, 1)),
    ]
    group = made_group(problem, graded)
    assert [row["sample_index"] for row in all_graded_rows([group], RECIPE)] == [1]
    assert all_graded_rows([contaminated(group, 1)], RECIPE) == []


def test_a_verdict_that_could_be_forged_says_so() -> None:
    problem = made_problem()
    forged, judged = made_graded(made_candidate(problem, 0)), made_graded(made_candidate(problem, 1))
    weak = forged.grade.model_copy(update={"evidence": Evidence(weak=True)})
    rows = all_graded_rows(
        [made_group(problem, [GradedCandidate(candidate=forged.candidate, grade=weak), judged])], RECIPE
    )
    assert [row["weak"] for row in rows] == [True, False]
