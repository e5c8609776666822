"""The signature that a question gives for its function, and the nodes among its arguments and in its result.

LeetCode's problems write a linked list as `[1, 2]`, and their judge makes nodes of it where the signature says
`Optional[ListNode]`. Only the question is asked: what a program writes into its own signature changes nothing.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cotfactory.graders.code.bindings import tree_of
from cotfactory.graders.code.program import fenced_blocks
from cotfactory.graders.sandbox.nodes import linked, tree

NODES: dict[str, Callable[[list[Any]], Any]] = {"ListNode": linked, "TreeNode": tree}


@dataclass(frozen=True)
class Signature:
    """The annotations of the parameters, in their order and without `self`, and of the result; empty where unknown."""

    parameters: tuple[str, ...] = ()
    result: str = ""


def signature_in(question: str, entry_point: str) -> Signature:
    """Return the signature of the asked function in the code blocks of a question, an empty one where there is none."""
    name = entry_point.rpartition(".")[2]
    for block in reversed(fenced_blocks(question)[0]):
        text = block.text.rstrip()
        trees = (tree_of(text), tree_of(f"{text} pass"))  # starter code mostly ends where the body begins
        module = next((found for found in trees if found is not None), None)
        for node in ast.walk(module) if module is not None else ():
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return _signature(node)
    return Signature()


def as_nodes(value: Any, annotation: str) -> Any:
    """Return a value as what its annotation says: a list as nodes, a list of such lists as a list of nodes."""
    name = next((name for name in NODES if name in annotation), None)
    if name is None or not isinstance(value, list):
        return value
    if annotation.removeprefix("Optional[").lower().startswith("list["):
        return [NODES[name](item) if isinstance(item, list) else item for item in value]
    return NODES[name](value)


def _signature(node: ast.FunctionDef) -> Signature:
    parameters = [parameter for parameter in node.args.args if parameter.arg != "self"]
    annotations = tuple(ast.unparse(item.annotation) if item.annotation else "" for item in parameters)
    return Signature(annotations, ast.unparse(node.returns) if node.returns else "")
