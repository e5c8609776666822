"""Purchase: a completion with all that says what it was bought for, as the ledger keeps it."""

from datetime import datetime

from schemas.candidate import StrategyName
from schemas.record import Record
from schemas.teaching import Completion, Sampling, Usage


class Purchase(Record):
    """One completion that reached us, before anything has interpreted it.

    `candidate_id` is the request's id, `usage` what the endpoint billed or, where it did not say, the worst case.
    """

    candidate_id: str
    problem_id: str
    teacher: str
    prompt_id: str
    strategy: StrategyName
    sampling: Sampling
    sample_index: int
    parent_id: str | None
    completion: Completion
    usage: Usage
    cost_usd: float | None
    created_at: datetime
