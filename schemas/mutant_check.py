"""MutantCheck: how many falsified answers were made of accepted ones, and how many of them the graders accepted."""

from cotfactory.schemas.record import Record


class MutantCheck(Record):
    """How many mutants of how many chains were made and accepted; `examples` says which were, for people."""

    chains: int
    made: int
    accepted: int
    examples: tuple[str, ...] = ()
