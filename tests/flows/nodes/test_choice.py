"""Where a run asks: the command line before the environment, and never the recipe."""

import sys
from pathlib import Path

import pytest

from cotfactory.flows.nodes.choice import Nodes, chosen_nodes, shard_problems
from cotfactory.flows.run import run_recipe
from cotfactory.schemas.errors import InputError


@pytest.mark.parametrize(
    ("address", "processes", "of_environment", "chosen"),
    [
        (None, None, None, None),
        (None, None, "", None),
        ("auto", None, None, Nodes(address="auto")),
        ("ray://head.example:10001", None, "auto", Nodes(address="ray://head.example:10001")),
        (None, None, "auto", Nodes(address="auto")),
        (None, 2, "auto", Nodes(processes=2)),
    ],
)
def test_what_is_chosen(
    address: str | None, processes: int | None, of_environment: str | None, chosen: Nodes | None
) -> None:
    assert chosen_nodes(address, processes, of_environment) == chosen


@pytest.mark.parametrize(
    ("address", "processes", "said"),
    [
        ("auto", 2, "expected one of them"),
        ("head:6379", None, "expected auto or ray://HOST:PORT"),
        ("ray://head", None, "expected auto or ray://HOST:PORT"),
        ("ray://head:1/x", None, "expected auto or ray://HOST:PORT"),
    ],
)
def test_what_cannot_be_chosen(address: str | None, processes: int | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        chosen_nodes(address, processes)


def test_every_node_has_some_of_few_problems() -> None:
    assert [shard_problems(500, problems) for problems in (10, 1_000, 8_000, 1_000_000)] == [16, 63, 500, 500]
    assert shard_problems(4, 1_000) == 4


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'cotfactory\[ray\]'") as raised:
        run_recipe(None, tmp_path / "w", 2, direct=True, publish=False, nodes=Nodes(processes=2))
    assert raised.value.exit_code == 2
    assert not (tmp_path / "w").exists()
