"""How right the graders of a release are, by the exams that their versions passed: for card and page."""

from collections.abc import Iterable

from cotfactory.graders.exam_record import GraderExam, MeasuredShare, shipped_record
from cotfactory.schemas.review import PEOPLE

MeasuredGrader = tuple[str, str, GraderExam | None]


def measured_graders(graders: Iterable[tuple[str, str]]) -> list[MeasuredGrader]:
    """Return (grader, version, exam) of all that are no people; None: that version was not measured."""
    record = shipped_record()
    return [(name, version, record.of(name, version)) for name, version in sorted(graders) if name != PEOPLE]


def interval(share: MeasuredShare) -> str:
    """Return a share with its interval for people.

    >>> interval(MeasuredShare(hits=9, n=10, low=0.5958, high=0.9821))
    '9 of 10 [59.58 %, 98.21 %]'
    """
    if share.low is None or share.high is None:
        return "nothing to measure"
    return f"{share.hits:,} of {share.n:,} [{100 * share.low:.2f} %, {100 * share.high:.2f} %]"
