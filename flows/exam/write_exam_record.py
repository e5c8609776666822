"""Add up an exam's scores by grader and write them down as the graders' record."""

from pathlib import Path

from cotfactory.flows.exam.exam_scores import Score, rate
from cotfactory.graders.exam_record import ExamRecord, GraderExam, MeasuredShare
from cotfactory.graders.grading import GRADERS
from cotfactory.schemas.errors import InputError
from cotfactory.schemas.problem import AnswerKind

GRADER_OF_FAMILY: dict[str, AnswerKind] = {"letter": "choice", "program": "code", "text": "text"}
"""Every other family is mathematics."""


def exam_record(families: list[tuple[str, Score]]) -> ExamRecord:
    """Return the record of (family, score) pairs of all exams together."""
    by_grader: dict[AnswerKind, list[Score]] = {}
    for family, score in families:
        by_grader.setdefault(GRADER_OF_FAMILY.get(family, "math"), []).append(score)
    return ExamRecord(
        graders={
            grader: GraderExam(
                version=GRADERS[grader][1],
                questions=sum(score.labelled for score in scores),
                precision=_share([(score.precision.hits, score.precision.n) for score in scores]),
                recall=_share([(score.recall.hits, score.recall.n) for score in scores]),
            )
            for grader, scores in sorted(by_grader.items())
        }
    )


def write_exam_record(record: ExamRecord, path: Path) -> None:
    """Write the record. Raises InputError when `path` cannot be written."""
    try:
        path.write_text(record.model_dump_json(indent=1) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "fix --record") from error


def _share(counts: list[tuple[int, int]]) -> MeasuredShare:
    found = rate(sum(hits for hits, _ in counts), sum(n for _, n in counts))
    return MeasuredShare(hits=found.hits, n=found.n, low=found.low, high=found.high)
