"""What judges put in front of a program: names that contestants use without importing them.

Sent into the container as text. A name is bound only where the program uses it, so that a program without any costs
nothing. Typing's names and LeetCode's nodes are there for every program; the standard library's, as LeetCode's and
LiveCodeBench's judges import it, for a `class Solution`, which is written for them. A program's own definitions replace
these.
"""

import importlib
import types
from typing import Any

TYPING = frozenset(
    [
        "Any",
        "Callable",
        "ClassVar",
        "DefaultDict",
        "Deque",
        "Dict",
        "FrozenSet",
        "Generator",
        "Generic",
        "Iterable",
        "Iterator",
        "List",
        "Literal",
        "Mapping",
        "NamedTuple",
        "Optional",
        "Sequence",
        "Set",
        "Tuple",
        "Type",
        "TypeVar",
        "Union",
    ]
)
MODULES = frozenset(
    [
        "bisect",
        "collections",
        "copy",
        "datetime",
        "fractions",
        "functools",
        "heapq",
        "io",
        "itertools",
        "json",
        "math",
        "operator",
        "random",
        "re",
        "statistics",
        "string",
        "sys",
        "typing",
    ]
)
NODES = frozenset(["ListNode", "TreeNode"])
NAMES = {
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "copy": "deepcopy",
    "fractions": "Fraction",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce",
    "heapq": "heapify heappop heappush heappushpop heapreplace nlargest nsmallest",
    "itertools": "accumulate chain combinations combinations_with_replacement count cycle groupby islice pairwise "
    "permutations product repeat starmap takewhile zip_longest",
    "math": "ceil comb exp factorial floor gcd inf isqrt lcm log log10 log2 perm pi prod sqrt",
    "operator": "add and_ itemgetter mul or_ xor",
    "random": "randint shuffle",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits",
}
STANDARD = {name: module for module, names in NAMES.items() for name in names.split()}


def bind(code: types.CodeType, is_solution: bool, space: dict[str, Any]) -> None:
    """Bind in a module's globals what its code uses of the prelude."""
    used = names_of(code)
    for name in used & TYPING:
        space[name] = getattr(importlib.import_module("typing"), name)
    for name in used & NODES:
        space[name] = getattr(importlib.import_module("cotfactory.graders.sandbox.nodes"), name)
    if is_solution:
        for name in used & STANDARD.keys():
            space[name] = getattr(importlib.import_module(STANDARD[name]), name)
        for name in used & MODULES - STANDARD.keys():
            space[name] = importlib.import_module(name)


def names_of(code: types.CodeType) -> set[str]:
    """Return the names that code and all code inside it look up."""
    names = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names |= names_of(inner)
    return names
