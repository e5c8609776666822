"""`check --nodes` says of each node whether it can ask each teacher, and buys nothing."""

import asyncio

import pytest

from cotfactory.flows.host.grading_tools import GradingTerms, opened_grading
from cotfactory.flows.inspect.check_nodes import check_nodes
from cotfactory.flows.load_recipe import load_recipe
from cotfactory.flows.nodes import ray_cluster
from cotfactory.flows.nodes.choice import Nodes
from cotfactory.schemas.code import Code
from cotfactory.schemas.errors import SandboxError
from tests.flows.conftest import WriteRecipe
from tests.flows.counting_teacher import CountingTeacher
from tests.flows.nodes.nodes_here import opening


def test_what_each_node_can_ask(
    write_recipe: WriteRecipe, teacher: CountingTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "opened_cluster", opening(2))
    reached = {"name": "t", "model": "m", "base_url": teacher.base_url, "sampling": {"max_tokens": 50}}
    keyless = reached | {"name": "u", "model": "n", "api_key_env": "A_KEY_THAT_IS_NOT_SET"}
    recipe = load_recipe(write_recipe(count=1, teachers=[reached, keyless]))
    ok, faults = asyncio.run(check_nodes(recipe, Nodes(address="auto"), runs_programs=False))
    assert [line for line in ok if "teacher" in line] == [f"node {node} reaches teacher t" for node in "01"]
    assert [line.partition(":")[0] for line in faults] == [f"node {node}, teacher u" for node in "01"]
    assert all("A_KEY_THAT_IS_NOT_SET" in line for line in faults)
    assert teacher.calls == 0


@pytest.mark.docker
def test_a_node_with_another_sandbox_image_is_told() -> None:
    """Programs would be graded in it as well, by other versions of what they import."""
    terms = GradingTerms(image="sha256:another", code=Code(), packages=(), grader=None)
    with pytest.raises(SandboxError, match="expected sha256:another, as at the head"), opened_grading(terms):
        pass
