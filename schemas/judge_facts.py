"""JudgeFacts: what a run found out about the judge of its recipe, as manifest and card tell it."""

from cotfactory.schemas.record import Record
from cotfactory.schemas.spending import NOTHING_SPENT, Spending


class JudgeFacts(Record):
    """Who judged, how often, and whether it is relied on.

    `keys_accepted` of the exam's `keys` answers that say nothing were passed. `unreadable` of the `judgements` say
    nothing of some criterion. `distrust` is why no verdict of the judge counts; None where they do. `bought` is what
    all of them cost.
    """

    teacher: str
    model: str
    judge_id: str
    keys: int
    keys_accepted: int
    chains: int
    judgements: int
    unreadable: int
    distrust: str | None
    bought: Spending = NOTHING_SPENT
