"""RequestRecord: what one request is sent for, as known before there is an answer."""

from cotfactory.schemas.candidate import RequestStrategy
from cotfactory.schemas.record import Record
from cotfactory.schemas.teaching import Sampling


class RequestRecord(Record):
    """What one request is sent for; `candidate_id` is the request's id, `tool_results` what it tells."""

    candidate_id: str
    problem_id: str
    teacher: str
    prompt_id: str
    strategy: RequestStrategy
    sampling: Sampling
    sample_index: int
    parent_id: str | None
    tool_results: tuple[str, ...] = ()
