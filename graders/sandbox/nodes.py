"""ListNode and TreeNode as LeetCode has them, and the lists in which its problems write them.

Runs inside the container too, so it uses nothing but the language.

>>> [from_linked(linked([1, 2])), from_tree(tree([1, None, 2, 3]))]
[[1, 2], [1, None, 2, 3]]
"""

from typing import Any

MOST_NODES = 1_000_000


class ListNode:
    """A link of a list."""

    def __init__(self, val: Any = 0, next: "ListNode | None" = None) -> None:  # noqa: A002 - its name on LeetCode
        self.val = val
        self.next = next


class TreeNode:
    """A node of a binary tree."""

    def __init__(self, val: Any = 0, left: "TreeNode | None" = None, right: "TreeNode | None" = None) -> None:
        self.val = val
        self.left = left
        self.right = right


def linked(values: list[Any]) -> ListNode | None:
    """Return the linked list of these values; None for none."""
    head = None
    for value in reversed(values):
        head = ListNode(value, head)
    return head


def from_linked(head: Any) -> list[Any]:
    """Return the values of a linked list; raises ValueError for one that is endless."""
    values = []
    while head is not None:
        values.append(head.val)
        head = head.next
        if len(values) > MOST_NODES:
            raise ValueError("an endless list")
    return values


def tree(values: list[Any]) -> TreeNode | None:
    """Return the tree that is written level by level, None for a child that is not there."""
    nodes = [None if value is None else TreeNode(value) for value in values]
    children = iter(nodes[1:])
    for node in nodes:
        if node is not None:
            node.left = next(children, None)
            node.right = next(children, None)
    return nodes[0] if nodes else None


def from_tree(root: Any) -> list[Any]:
    """Return a tree level by level, without the missing children at its end; raises ValueError for an endless one."""
    values: list[Any] = []
    level = [root]
    while level:
        values += [None if node is None else node.val for node in level]
        level = [child for node in level if node is not None for child in (node.left, node.right)]
        if len(values) > MOST_NODES:
            raise ValueError("an endless tree")
    while values and values[-1] is None:
        values.pop()
    return values
