"""PeopleFigures: what people's reviews say of graders and of each other, as manifest and card tell it."""

from datetime import datetime

from cotfactory.schemas.record import Record
from cotfactory.schemas.review import ReviewQuestion, Stratum


class Estimate(Record):
    """A share with its 95 % interval; all None where too little is known. `n` are the judged items behind it."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class StratumFigures(Record):
    """One stratum: its chains, how many were drawn and judged, and how many of these people find right."""

    stratum: Stratum
    size: int
    drawn: int
    judged: int
    right: int


class GraderFigures(Record):
    """How far a grader can be trusted on the chains that the sample was drawn from, as people see it."""

    grader: str
    grader_version: str
    chains: int
    precision: Estimate
    recall: Estimate
    strata: tuple[StratumFigures, ...]


class QuestionAgreement(Record):
    """How far people agree on a question: Krippendorff's alpha with its interval, over `items` that several answered.

    `raw` is the share of pairs of answers that are the same. alpha is None where nobody ever said anything else.
    """

    question: ReviewQuestion
    items: int
    raw: float | None
    alpha: float | None
    low: float | None
    high: float | None


class PersonFigures(Record):
    """What one person answered, and how many of the planted items rightly."""

    person: str
    answers: int
    planted: int
    planted_right: int
    seconds_median: float | None


class PeopleFigures(Record):
    """What people's reviews under one text of guidelines say.

    `until` is the newest of them, `population` the chains that the sample was drawn from. `open_items` are not decided
    yet; of the `disputed` ones that are, people find the answers of `disputed_wrong` wrong.
    """

    guidelines_id: str
    until: datetime
    drawn_at: datetime
    population: int
    items: int
    open_items: int
    disputed: int
    disputed_wrong: int
    agreement: tuple[QuestionAgreement, ...]
    graders: tuple[GraderFigures, ...]
    people: tuple[PersonFigures, ...]
