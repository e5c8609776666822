"""Regrade: chains that one version of a grader judged after another."""

from cotfactory.schemas.grade import Verdict
from cotfactory.schemas.record import Record


class Regrade(Record):
    """How many chains had the one verdict by `version_before` of a grader and the other by the version after it."""

    grader: str
    version_before: str
    version_after: str
    verdict_before: Verdict
    verdict_after: Verdict
    chains: int
