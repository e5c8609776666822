"""Find the program in a response: one row per way models write it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotfactory.graders.code.program import extract_program, fenced_blocks

GIVEN = 'from typing import List\n\n\ndef helper(x):\n    return x\n\n\ndef f(xs: List[int]) -> int:\n    """Sum."""\n'
QUESTION = f"Complete this Python function.\n\n```python\n{GIVEN}```"
PLAIN = "Write `f`."
DEFINES = "def f(xs):\n    return sum(xs)\n"
DRAFT = "def f(xs):\n    return 0\n"


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}```"


@pytest.mark.parametrize(
    ("response", "rule", "program"),
    [
        (f"Here:\n{fenced(DEFINES)}\nDone.", "fenced_block", DEFINES),
        (fenced(DEFINES, ""), "fenced_block", DEFINES),
        (fenced(DEFINES, "Python"), "fenced_block", DEFINES),
        (fenced(DEFINES).replace("```", "~~~"), "fenced_block", DEFINES),
        (f"{fenced(DRAFT)}\nBetter:\n{fenced(DEFINES)}", "last_fenced_block", DEFINES),
        # a server that did not stop leaves its marks
        (f"{fenced(DEFINES).rstrip()}<|im_end|>", "fenced_block", DEFINES),
        (f"{fenced(DEFINES)}<|eot_id|>\n<|endoftext|>", "fenced_block", DEFINES),
        # the same program twice is no choice
        (f"{fenced(DEFINES)}\nAgain:\n{fenced(DEFINES)}", "fenced_block", DEFINES),
        # a usage example after the answer does not define the function
        (f"{fenced(DEFINES)}\nUse:\n{fenced('print(f([1]))' + chr(10))}", "fenced_block", DEFINES),
        (f"{fenced(DEFINES)}\nOutput:\n{fenced('6' + chr(10), '')}", "fenced_block", DEFINES),
        # a block in a list is indented with its fence
        ("1. Code:\n   ```python\n   def f(xs):\n       return sum(xs)\n   ```\n", "fenced_block", DEFINES),
        # a longer fence may hold a shorter one
        (f"````python\n{DEFINES}s = '''\n```\n'''\n````", "fenced_block", f"{DEFINES}s = '''\n```\n'''\n"),
        (DEFINES, "unfenced", DEFINES),
        (fenced("f = lambda xs: sum(xs)\n"), "fenced_block", "f = lambda xs: sum(xs)\n"),
    ],
)
def test_found(response: str, rule: str, program: str) -> None:
    found = extract_program(response, PLAIN, "f")
    assert (found.rule, found.program, found.executed) == (rule, program, program)


@pytest.mark.parametrize(
    ("response", "rule"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("I cannot do that.", "no_program"),
        (f"```python\n{DEFINES}", "unclosed_fence"),
        # a correction was begun and never finished: what stands before it is not the last word
        (f"{fenced(DRAFT)}\nNo, better:\n```python\ndef f(", "unclosed_fence"),
        (fenced("def g():\n    pass\n"), "no_entry_point"),
        (fenced("class f2:\n    pass\n"), "no_entry_point"),
        # defined inside something else
        (fenced("class A:\n    def f(self):\n        pass\n"), "no_entry_point"),
        (fenced("int f(int x);\n", "cpp"), "no_program"),
        ("Sure! def f is easy.", "no_program"),
    ],
)
def test_not_found(response: str, rule: str) -> None:
    found = extract_program(response, PLAIN, "f")
    assert (found.rule, found.program, found.executed) == (rule, None, None)


@pytest.mark.parametrize("response", ["    return sum(xs)\n", fenced("    return sum(xs)\n"), "    return sum(xs)</s>"])
def test_a_body_completes_the_function_the_question_began(response: str) -> None:
    found = extract_program(response, QUESTION, "f")
    assert found.rule == "completion"
    assert found.executed == GIVEN + "    return sum(xs)\n"


def test_imports_and_helpers_of_the_question_come_first() -> None:
    found = extract_program(fenced(DEFINES), QUESTION, "f")
    assert found.program == DEFINES
    assert found.executed is not None
    assert found.executed.startswith("from typing import List\n\n\ndef helper(x):")
    assert found.executed.endswith(DEFINES)


def test_a_program_that_repeats_what_was_given_is_left_alone() -> None:
    whole = GIVEN + "    return sum(xs)\n"
    assert extract_program(fenced(whole), QUESTION, "f").executed == whole


def test_a_future_import_stays_first() -> None:
    whole = f"from __future__ import annotations\n{DEFINES}"
    assert extract_program(fenced(whole), QUESTION, "f").executed == whole


def test_a_script_is_the_last_python_block() -> None:
    response = f"{fenced('print(1)' + chr(10))}\nIt prints\n{fenced('1' + chr(10), '')}"
    found = extract_program(response, "Print 1.", None)
    assert (found.rule, found.program) == ("fenced_block", "print(1)\n")


@given(st.text(alphabet="`~ \n\tpython1"))
def test_any_text_is_read_and_blocks_are_part_of_it(text: str) -> None:
    blocks, _ = fenced_blocks(text)
    for block in blocks:
        assert block.text.replace(" ", "").replace("\t", "").strip("\n") in text.replace(" ", "").replace("\t", "")


@pytest.mark.parametrize("unit", ["```a", "`", "``` ", "def f ", " \t", "```\n", "async  "])
def test_reading_takes_linear_time(unit: str) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        extract_program(unit * count, PLAIN, "f")
        return time.process_time() - started

    # Quadratic time would be a hundredfold; the constant covers a clock that is coarse.
    assert seconds(200_000) < 40 * seconds(20_000) + 0.5


@pytest.mark.parametrize(
    ("response", "program"),
    [
        (f"```python:solution.py\n{DEFINES}```", DEFINES),
        (f"```{{.python}}\n{DEFINES}```", DEFINES),
        (f"```python3.10\n{DEFINES}```", DEFINES),
        (f"```ipython\n{DEFINES}```", DEFINES),
        (f"Answer: ```python\n{DEFINES}```", DEFINES),
        # the closing fence at the end of the last line of code
        (f"```python\n{DEFINES.rstrip()}```\nDone.", DEFINES),
        (f"<answer>\n{DEFINES}</answer>", DEFINES),
        (f"[PYTHON]\n{DEFINES}[/PYTHON]", DEFINES),
        (f"Here it is:\n\n{DEFINES}\nThat is all.", DEFINES),
        # a fence in a docstring
        ('```python\ndef f(xs):\n    """\n    ```\n    f([])\n    ```\n    """\n    return 1\n```',
         'def f(xs):\n    """\n    ```\n    f([])\n    ```\n    """\n    return 1\n'),
        # complete, then an example that is cut off
        (f"{fenced(DEFINES)}\nUse:\n```python\nprint(f([1", DEFINES),
        (fenced("if True:\n    def f(xs): return 1\n"), "if True:\n    def f(xs): return 1\n"),
        (fenced("f: object = lambda xs: 1\n"), "f: object = lambda xs: 1\n"),
        # a helper in a block of its own; a draft that is not needed stays out
        (f"{fenced('def g(): return 1' + chr(10))}\n{fenced(DRAFT)}\n{fenced('def f(xs): return g()' + chr(10))}",
         "def g(): return 1\n\n\ndef f(xs): return g()\n"),
    ],
)  # fmt: skip
def test_other_ways_to_write_it(response: str, program: str) -> None:
    found = extract_program(response, PLAIN, "f")
    assert found.executed is not None
    assert found.executed.strip("\n") == program.strip("\n")


def test_what_is_reported_stands_in_the_response() -> None:
    # Two blocks run as one program; glued together they would be words that nobody wrote.
    helper, last = "def g(): return one\n", "def f(xs): return g()\n"
    found = extract_program(f"{fenced(helper)}\nand then\n{fenced(last)}", PLAIN, "f")
    assert (found.program, found.executed) == (last, f"{helper}\n\n{last}")


@pytest.mark.parametrize(
    ("response", "program"),
    [
        ("n = int(input())\nprint(n)\n", "n = int(input())\nprint(n)\n"),
        (
            f"{fenced('print(input())' + chr(10))}\nRun:\n{fenced('import os' + chr(10) + 'os.system(1)' + chr(10))}",
            "print(input())\n",
        ),
        (f"{fenced('print(input())' + chr(10), '')}\nSample:\n{fenced('1 2 3' + chr(10), '')}", "print(input())\n"),
        ("Yes", None),
        ("42", None),
    ],
)
def test_scripts(response: str, program: str | None) -> None:
    assert extract_program(response, "Print it.", None).program == program


def test_a_body_whose_first_line_lost_its_indentation() -> None:
    found = extract_program("total = sum(xs)\n    return total\n", QUESTION, "f")
    assert found.executed == GIVEN + "    total = sum(xs)\n    return total\n"
