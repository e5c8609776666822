"""Order and Purchase: what a completion is bought for, and the completion with it, as the ledger keeps them."""

from datetime import datetime

from schemas.candidate import RequestStrategy
from schemas.record import Record
from schemas.teaching import Completion, Sampling, Usage


class Order(Record):
    """What one request is sent for; `candidate_id` is the request's id."""

    candidate_id: str
    problem_id: str
    teacher: str
    prompt_id: str
    strategy: RequestStrategy
    sampling: Sampling
    sample_index: int
    parent_id: str | None


class Purchase(Order):
    """One completion that reached us, before anything has interpreted it.

    `usage` is what the endpoint billed or, where it did not say, the worst case.
    """

    completion: Completion
    usage: Usage
    cost_usd: float | None
    created_at: datetime
