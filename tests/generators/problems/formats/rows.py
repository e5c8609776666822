"""A row of our own in the true shape of each format, with a function or program that solves it, and one that does not.

What only the tests know has the number 7919 in it, so that it is found wherever it should not be.
"""

import base64
import json
import pickle
import zlib
from typing import Any, NamedTuple

DOUBLE = "print(2 * int(input()))\n"
HALF = "print(int(input()) // 2)\n"
DOUBLE_FUNCTION = "def double(n):\n    return 2 * n\n"
HALF_FUNCTION = "def double(n):\n    return n // 2\n"
SECRET = "7919"


class FormatExample(NamedTuple):
    """A row, a program that is right by all of its tests, and one that is right by none."""

    row: dict[str, Any]
    right: str
    wrong: str


def packed(cases: list[dict[str, str]]) -> str:
    """Return tests as LiveCodeBench packs the private ones."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


def stdin_case(number: int) -> dict[str, str]:
    return {"input": f"{number}\n", "output": f"{2 * number}\n", "testtype": "stdin"}


LIVECODEBENCH = FormatExample(
    {
        "question_title": "Twice",
        "question_content": "Read a number and print twice the number.\n\nSample Input\n\n4\n\nSample Output\n\n8",
        "platform": "atcoder",
        "question_id": "abc900_a",
        "contest_id": "abc900",
        "contest_date": "2024-01-06T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": json.dumps([stdin_case(4)]),
        "private_test_cases": packed([stdin_case(7919), stdin_case(0)]),
        "metadata": "{}",
    },
    DOUBLE,
    HALF,
)
LIVECODEBENCH_FUNCTIONAL = FormatExample(
    {
        **LIVECODEBENCH.row,
        "question_id": "9000",
        "platform": "leetcode",
        "question_content": "Return the places of the two numbers whose sum is the target.",
        "starter_code": "class Solution:\n    def twoSum(self, nums: List[int], target: int) -> List[int]:\n        ",
        "public_test_cases": json.dumps([{"input": "[2, 7]\n9", "output": "[0, 1]", "testtype": "functional"}]),
        "private_test_cases": packed([{"input": "[3, 7919, 4]\n7923", "output": "[1, 2]", "testtype": "functional"}]),
        "metadata": json.dumps({"func_name": "twoSum"}),
    },
    "class Solution:\n"
    "    def twoSum(self, nums: List[int], target: int) -> List[int]:\n"
    "        pairs = ((i, j) for j in range(len(nums)) for i in range(j))\n"
    "        return next([i, j] for i, j in pairs if nums[i] + nums[j] == target)\n",
    "class Solution:\n    def twoSum(self, nums: List[int], target: int) -> List[int]:\n        return [0, 0]\n",
)
APPS = FormatExample(
    {
        "problem_id": 4321,
        "question": "Print twice the number.\n\n-----Input-----\n\nA number.\n\n-----Example-----\n4\n8",
        "solutions": json.dumps(["print 2 * input()\n", DOUBLE]),  # the first is Python 2
        "input_output": json.dumps({"inputs": ["4\n", "7919\n"], "outputs": ["8\n", "15838\n"]}),
        "difficulty": "introductory",
        "url": "https://example.org/problem",
        "starter_code": "",
    },
    DOUBLE,
    HALF,
)
APPS_FUNCTION = FormatExample(
    {
        **APPS.row,
        "solutions": json.dumps([DOUBLE_FUNCTION]),
        # each result in a list of its own, as the rows from Codewars have them
        "input_output": json.dumps({"fn_name": "double", "inputs": [[4], [7919]], "outputs": [[8], [15838]]}),
        "starter_code": "def double(n):\n\t",
    },
    DOUBLE_FUNCTION,
    HALF_FUNCTION,
)
TACO = FormatExample(
    {
        "question": "Print twice the number.",
        "solutions": json.dumps([DOUBLE]),
        "starter_code": "",
        "input_output": json.dumps({"inputs": [["4"], ["7919"]], "outputs": [["8"], ["15838"]]}),  # lists of lines
        "difficulty": "EASY",
        "raw_tags": "['Mathematics']",
        "name": None,
        "source": "codeforces",
        "tags": "['Mathematics']",
        "skill_types": "[]",
        "url": None,
        "Expected Auxiliary Space": None,
        "time_limit": "2.0 seconds",
        "date": None,
        "picture_num": "0",
        "memory_limit": "256.0 megabytes",
        "Expected Time Complexity": None,
    },
    DOUBLE,
    HALF,
)
CODECONTESTS = FormatExample(
    {
        "name": "900_A. Twice",
        "description": "Print twice the number.\n\nExamples\n\nInput\n\n4\n\nOutput\n\n8",
        "public_tests": {"input": ["4\n"], "output": ["8\n"]},
        "private_tests": {"input": ["7919\n"], "output": ["15838\n"]},
        "generated_tests": {"input": ["5\n"], "output": ["10\n"]},
        "source": 2,
        "difficulty": 7,
        "solutions": {"language": [2, 1, 3], "solution": ["int main() {}", "print 2 * input()", DOUBLE]},
        "incorrect_solutions": {"language": [3], "solution": [HALF]},
        "cf_contest_id": 900,
        "cf_index": "A",
        "cf_points": 500.0,
        "cf_rating": 800,
        "cf_tags": ["math"],
        "is_description_translated": False,
        "untranslated_description": "",
        "time_limit": {"seconds": 2, "nanos": 500000000},
        "memory_limit_bytes": 256000000,
        "input_file": "",
        "output_file": "",
    },
    DOUBLE,
    HALF,
)
CODEFORCES = FormatExample(
    {
        "id": "900/A",
        "aliases": None,
        "contest_id": "900",
        "contest_name": "Round 900",
        "contest_type": "CF",
        "contest_start": 1500000000,
        "contest_start_year": 2017,
        "index": "A",
        "time_limit": 2.0,
        "memory_limit": 256.0,
        "title": "Twice",
        "description": "Print twice the number.",
        "input_format": "A number.",
        "output_format": "Twice the number.",
        "interaction_format": None,
        "note": "Twice 4 is 8.",
        "examples": [{"input": "4", "output": "8"}],
        "editorial": None,
        "rating": 800,
        "tags": ["math"],
        "testset_size": 2,
        "official_tests": [{"input": "4\n", "output": "8\n"}, {"input": "7919\n", "output": "15838\n"}],
        "official_tests_complete": True,
        "input_mode": "stdio",
        "generated_checker": None,
        "executable": True,
        "generated_tests": 0,
    },
    DOUBLE,
    HALF,
)
LOOP = (
    "inputs = [[4], [7919]]\nresults = [8, 15838]\n"
    "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion({}(*inp), exp, 0)\n"
)
ASSERTION = "def assertion(out, exp, atol):\n    assert out == exp\n\n"
HUMANEVALPLUS = FormatExample(
    {
        "task_id": "HumanEval/900",
        "prompt": 'def double(n):\n    """ Twice n.\n    >>> double(4)\n    8\n    """\n',
        "canonical_solution": "    return 2 * n\n",
        "entry_point": "double",
        "test": f"{ASSERTION}def check(candidate):\n"
        + "".join(f"    {line}\n" for line in LOOP.format("candidate").splitlines()),
    },
    DOUBLE_FUNCTION,
    HALF_FUNCTION,
)
MBPPPLUS = FormatExample(
    {
        "task_id": 900,
        "code": "def one():\n    return 1\n\ndef double(n):\n    return (one() + one()) * n\n",
        "prompt": "Write a function to find twice a number.",
        "source_file": "a file",
        "test_imports": ["import math"],
        "test_list": ["assert double(4) == 8"],
        "test": ASSERTION + LOOP.format("double"),
    },
    DOUBLE_FUNCTION,
    HALF_FUNCTION,
)
BIGCODEBENCH = FormatExample(
    {
        "task_id": "BigCodeBench/9000",
        "complete_prompt": 'import math\n\ndef task_func(n):\n    """Twice the floor of n."""\n',
        "instruct_prompt": "Return twice the floor of n.\nYou should write self-contained code starting with:\n"
        "```\nimport math\ndef task_func(n):\n```",
        "canonical_solution": "    return 2 * math.floor(n)",
        "code_prompt": "import math\ndef task_func(n):\n",
        "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
        "    def test_case_1(self):\n        self.assertEqual(task_func(7919.5), 15838)\n",
        "entry_point": "task_func",
        "doc_struct": "{}",
        "libs": "['math']",
    },
    "import math\n\ndef task_func(n):\n    return 2 * math.floor(n)\n",
    "def task_func(n):\n    return n\n",
)
MULTIPL_E = FormatExample(
    {
        "name": "HumanEval_900_double",
        "language": "py",
        "prompt": 'def double(n: int) -> int:\n    """Twice n."""\n',
        "doctests": "transform",
        "original": "/datasets/originals/HumanEval_900_double.py",
        "prompt_terminology": "reworded",
        "tests": "def check(candidate):\n    assert candidate(7919) == 15838\n\n\n"
        "def test_check():\n    check(double)\n\ntest_check()\n",
        "stop_tokens": ["\ndef", "\n#", "\nif", "\nclass"],
    },
    DOUBLE_FUNCTION,
    HALF_FUNCTION,
)
KODCODE = FormatExample(
    {
        "version": "v1.0",
        "style": "instruct",
        "subset": "Prefill",
        "question_id": "Prefill_900_I",
        "question": "Write a Python function that returns twice a number.",
        "solution": DOUBLE_FUNCTION,
        "test": "from solution import double\n\ndef test_double():\n    assert double(7919) == 15838\n",
        "test_info": [
            {
                "docstring": "Twice n.",
                "function_declaration": "def double(n):",
                "function_name": "double",
                "parameter_list": "(n)",
            }
        ],
        "gpt_pass_percentage": 1.0,
        "gpt_difficulty": "easy",
    },
    DOUBLE_FUNCTION,
    HALF_FUNCTION,
)
EXAMPLES: dict[str, tuple[FormatExample, ...]] = {
    "livecodebench": (LIVECODEBENCH, LIVECODEBENCH_FUNCTIONAL),
    "apps": (APPS, APPS_FUNCTION),
    "taco": (TACO,),
    "codecontests": (CODECONTESTS,),
    "codeforces": (CODEFORCES,),
    "humanevalplus": (HUMANEVALPLUS,),
    "mbppplus": (MBPPPLUS,),
    "bigcodebench": (BIGCODEBENCH,),
    "multipl-e": (MULTIPL_E,),
    "kodcode": (KODCODE,),
}
