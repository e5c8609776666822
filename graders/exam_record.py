"""ExamRecord: what the graders of this version scored on our own exam, shipped with them for the cards of releases."""

from pathlib import Path

from cotfactory.schemas.record import Record

SHIPPED = Path(__file__).parent / "exam_results.json"


class MeasuredShare(Record):
    """`hits` of `n`, and the 95 % Wilson interval of the share (None of nothing)."""

    hits: int
    n: int
    low: float | None
    high: float | None


class GraderExam(Record):
    """How one grader, at one version, did on labelled questions."""

    version: str
    questions: int
    precision: MeasuredShare
    recall: MeasuredShare


class ExamRecord(Record):
    """The graders that were examined, by name."""

    graders: dict[str, GraderExam]

    def of(self, grader: str, version: str) -> GraderExam | None:
        """Return the results of exactly this version; None when it was not examined."""
        found = self.graders.get(grader)
        return found if found is not None and found.version == version else None


def shipped_record() -> ExamRecord:
    """Return the results that come with the graders (`cotfactory exam tests/exam --record` writes them)."""
    return ExamRecord.model_validate_json(SHIPPED.read_bytes())
