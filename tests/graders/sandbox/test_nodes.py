"""Linked lists and trees, and the lists in which LeetCode writes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.sandbox.nodes import ListNode, TreeNode, from_linked, from_tree, linked, tree
from cotfactory.graders.sandbox.values import decode, encode


@given(st.lists(st.integers()))
def test_a_linked_list_holds_its_values(values: list[int]) -> None:
    assert from_linked(linked(values)) == values


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ([], []),
        ([1], [1]),
        ([1, 2, 3], [1, 2, 3]),
        ([1, None, 2, 3], [1, None, 2, 3]),  # the children of what is not there are not written
        ([4, 7, 2, None, None, 3], [4, 7, 2, None, None, 3]),
        ([1, 2, None, None], [1, 2]),
        ([None], []),
        ([5, 4, 8, 11, None, 13, 4, 7, 2, None, None, None, 1], [5, 4, 8, 11, None, 13, 4, 7, 2, None, None, None, 1]),
    ],
)
def test_a_tree_is_written_level_by_level(written: list[Any], normal: list[Any]) -> None:
    assert from_tree(tree(written)) == normal


@pytest.mark.parametrize("value", [linked([1, 2]), tree([1, None, 2]), [linked([1]), None]])
def test_nodes_survive_the_way_into_the_container(value: Any) -> None:
    assert encode(decode(encode(value))) == encode(value)
    assert encode(value) not in ({"o": "ListNode"}, {"o": "TreeNode"})


def test_what_goes_round_for_ever_is_no_value() -> None:
    ring, own_child = ListNode(1), TreeNode(1)
    ring.next = ring
    own_child.left = own_child
    assert (encode(ring), encode(own_child)) == ({"o": "ListNode"}, {"o": "TreeNode"})
