"""Cells in the sandbox: one namespace, and of all that is run only what the last cell shows."""

import pytest

from cotfactory.graders.sandbox.execution import Sandbox
from cotfactory.graders.sandbox.notebook import NOTHING, STOPPED, show_last

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1 + 1"], "2"),
        (["x = 3"], NOTHING),
        (["x = 3\nprint('set')", "x * 2"], "6"),  # what earlier cells show was told before
        (["print('a')\n'b'"], "a\n'b'"),
        (["def f(n):\n    return n + 1", "f(1)"], "2"),
        (["x = 1\n1 / 0\n", "x"], "1"),  # an error ends its cell alone
        (["None"], NOTHING),
        (["import sys\nprint(1)\nsys.exit(3)"], "1"),
        (["for n in range(2):\n    print(n)"], "0\n1"),
        (["__name__"], "'__main__'"),
        (["np.sum([1])"], "Traceback (most recent call last):\n"
         '  File "<cell 1>", line 1, in <module>\nNameError: name \'np\' is not defined'),  # nothing is imported for it
        (["x = 1", "def f():\n    return 1 / 0\nf()"], "Traceback (most recent call last):\n"
         '  File "<cell 2>", line 3, in <module>\n  File "<cell 2>", line 2, in f\n'
         "ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_what_the_last_cell_shows(cells: list[str], shown: str, sandbox: Sandbox) -> None:
    assert show_last(cells, sandbox) == shown


def test_what_is_no_python_is_told(sandbox: Sandbox) -> None:
    assert "SyntaxError" in show_last(["x = 1", "x ="], sandbox)


@pytest.mark.parametrize(
    "code", ["while True:\n    pass", "import os\nos._exit(0)", "import os\nos.kill(os.getpid(), 9)"]
)
def test_what_is_ended_from_outside_is_told(code: str, sandbox: Sandbox) -> None:
    assert show_last([code], sandbox).startswith(STOPPED)


def test_much_output_is_cut(sandbox: Sandbox) -> None:
    shown = show_last(["print('x' * 20_000)"], sandbox)
    assert shown.endswith("... 10000 more characters")


def test_the_same_cells_show_the_same(sandbox: Sandbox) -> None:
    """Sets of texts too: the seed of hashes is fixed."""
    cells = ["words = {str(n) for n in range(50)}", "list(words)"]
    assert show_last(cells, sandbox) == show_last(cells, sandbox)
