"""What tests that make many releases share: a picture of the same numbers is drawn once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from cotfactory.publishing import charts


@pytest.fixture(scope="session", autouse=True)
def same_picture_once() -> Iterator[None]:
    """The process that draws takes half a second, and most of these releases are of the same few sums."""
    known: dict[str, list[tuple[str, bytes]]] = {}
    draw = charts.drawn

    def drawn(specifications: Sequence[Mapping[str, Any]]) -> list[tuple[str, bytes]]:
        asked = json.dumps([charts.DRAW, *specifications])
        if asked not in known:
            known[asked] = draw(specifications)
        return known[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "drawn", drawn)
        yield
