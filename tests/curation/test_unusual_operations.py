"""An operation is unusual where fellow right chains, or the solution, do another with the same two numbers."""

import pytest

from cotfactory.curation.unusual_operations import operations, unusual_operations

TIMES = "There are 7 * 2 = 14 legs."


@pytest.mark.parametrize(
    ("chains", "solution", "found"),
    [
        ((TIMES, "So 2 × 7 = 14.", "So 7 + 2 = 9."), None, (None, None, "7 + 2")),
        ((TIMES, "So 7 + 2 = 9."), r"It is $2 \times 7 = 14$.", (None, "7 + 2")),  # the solution is a fellow
        ((TIMES, "So 7 + 2 = 9."), None, (None, None)),  # one against one
        ((TIMES, TIMES, "So 7 + 2 = 9.", "It is 2 + 7 = 9."), None, (None,) * 4),  # two ways, each with a fellow
        ((TIMES, TIMES, "So 7 + 2 + 5 = 14."), None, (None, None, None)),  # a sum of three is of no two
        (("12 - 8 = 4", "12 - 8 = 4", "It is $36 - $12 - $8 = $16."), None, (None, None, None)),
        (("1,200 / 4 = 300", "1200 / 4 = 300", "1200 * 4 = 4800"), None, (None, None, "1200 * 4")),
        ((), "7 * 2 = 14", ()),
    ],
)
def test_who_is_alone(chains: tuple[str, ...], solution: str | None, found: tuple[str | None, ...]) -> None:
    stated = [operations(chain) for chain in chains]
    assert tuple(unusual_operations(stated, operations(solution or ""))) == found
