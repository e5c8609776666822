"""GrownFacts: what a run found out about the problems that a teacher wrote, as manifest and card tell it."""

from cotfactory.schemas.drop_reasons import DropReason
from cotfactory.schemas.grown_rules import AnswerFrom
from cotfactory.schemas.people_figures import Estimate
from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import NOTHING_SPENT, Spending


class AnswerPrecision(Record):
    """How often an answer from an origin is right, measured on seeds whose answers were hidden.

    `right` of the `answered` ones; `known` were mixed in. `teachers` are who voted or wrote the programs. The interval
    is Clopper and Pearson's.
    """

    origin: AnswerFrom
    teachers: tuple[str, ...]
    known: int
    answered: int
    right: int
    precision: Estimate


class GrownFacts(Record):
    """What came of one source whose problems a teacher writes.

    `asked` problems were wanted, `missing` requests for them or for their answers are not stored yet. `unreadable`
    counts replies that are no problem, by reason, `dropped` problems by theirs; `usable` are the others, by the origin
    of their answers. `bought` is what writing, programs and votes cost; votes that are samples of the recipe as well
    are in its own figures too.
    """

    by: str
    asked: int
    missing: int
    unreadable: dict[str, int]
    dropped: dict[DropReason, int]
    usable: dict[AnswerFrom, int]
    precision: tuple[AnswerPrecision, ...]
    bought: Spending = NOTHING_SPENT
