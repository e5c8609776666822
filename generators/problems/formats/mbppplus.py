"""MBPP+ (evalplus/mbppplus): functions to write, with loops over inputs and results."""

import ast
import re

from cotfactory.generators.problems.formats.benchmark_row import BenchmarkRow, ProblemFields
from cotfactory.generators.problems.formats.program_tests import is_python
from cotfactory.generators.problems.starter_code import with_code
from cotfactory.schemas.syntax_tree import syntax_tree


class MbppPlusRow(BenchmarkRow):
    """A problem: `test_list` are the asserts of MBPP, of which the first tells solvers name and arguments."""

    task_id: int | str
    prompt: str
    code: str
    test: str
    test_list: list[str]
    test_imports: tuple[str, ...] = ()

    def problem(self) -> ProblemFields:
        """Return the problem. Raises ValueError where the asserts call nothing that `code` defines."""
        return {
            "id": self.task_id,
            "question": with_code(self.prompt, self.test_list[0] if self.test_list else "", "For example:"),
            "tests": {
                "kind": "assert",
                "code": "\n".join([*self.test_imports, self.test]),
                "entry_point": self._entry_point(),
            },
            "solution": self.code,
        }

    def _entry_point(self) -> str:
        """Return the function of the reference that the first assert calls: `code` may define helpers too."""
        tree = syntax_tree(self.code) if is_python(self.code) else ast.Module([], [])
        defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        for name in defined:
            if self.test_list and re.search(rf"\b{name}\(", self.test_list[0]):
                return name
        raise ValueError(
            f"`code` defines {', '.join(defined) or 'no function'}, none of which the first of `test_list` calls: "
            "expected the function that is tested"
        )
