"""Chains that reason over the clauses of a policy, with the plain prompt: the policy itself is in no row."""

from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, provenance
from cotfactory.publishing.products.sft import sft_rows
from cotfactory.publishing.products.who_may_appear import kept
from cotfactory.schemas.group import Group
from cotfactory.schemas.ids import content_id
from cotfactory.schemas.recipe import Recipe


def sft_policy_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each kept candidate of a teacher that was shown the recipe's policies."""
    policy_id = content_id(list(recipe.policies))[:16]
    rows = []
    for group in groups:
        if group.strategy != "deliberate":
            continue
        rubric = group.problem.rubric
        for row, graded in zip(sft_rows([group], recipe), kept(group), strict=True):
            rows.append(
                {
                    **row,
                    **provenance("sft_policy", group, graded.candidate.candidate_id),
                    "policy_id": policy_id,
                    "must_refuse": rubric.must_refuse if rubric is not None else None,
                    "grader": graded.grade.grader,
                    "grader_version": graded.grade.grader_version,
                }
            )
    return rows
