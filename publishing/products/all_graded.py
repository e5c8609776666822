"""Every attempt with its verdict, evidence and decision: for those who train verifiers, and those who doubt ours."""

from collections.abc import Sequence

from cotfactory.publishing.products.row_parts import Row, prompt_of, provenance, thinking, written_by
from cotfactory.publishing.products.who_may_appear import publishable
from cotfactory.schemas.group import Group
from cotfactory.schemas.recipe import Recipe


def all_graded_rows(groups: Sequence[Group], recipe: Recipe) -> list[Row]:
    """Return one row for each candidate whose text may be published, whatever came of it."""
    return [
        {
            **provenance("all_graded", group, graded.candidate.candidate_id),
            "candidate_id": graded.candidate.candidate_id,
            "sample_index": graded.candidate.sample_index,
            "prompt": prompt_of(graded, group),
            "reasoning": thinking(graded.candidate),
            "response": graded.candidate.response,
            "reference_answer": group.problem.answer or None,
            "extracted_answer": graded.grade.extracted_answer,
            "verdict": graded.grade.verdict,
            "reason": graded.grade.reason,
            "grader": graded.grade.grader,
            "grader_version": graded.grade.grader_version,
            "evidence": graded.grade.evidence.model_dump_json(exclude_none=True),
            "weak": graded.grade.evidence.weak,
            "kept": decisions[graded.candidate.candidate_id].kept,
            "drop_reason": decisions[graded.candidate.candidate_id].reason,
            "finish_reason": graded.candidate.finish_reason,
            "output_tokens": graded.output_tokens,
            **written_by(group, recipe),
        }
        for group in groups
        for decisions in [{decision.candidate_id: decision for decision in group.decisions}]
        for graded in publishable(group)
    ]
