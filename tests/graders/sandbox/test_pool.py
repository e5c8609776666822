"""What comes back from an execution on a real engine, and which limit ended it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cotfactory.graders.sandbox.execution import Call, Check, Execution, Sandbox, Stdio
from tests.graders.sandbox.executions import call, returned, run_one

pytestmark = pytest.mark.docker


def test_a_call_returns_typed_json(sandbox: Sandbox) -> None:
    assert returned(sandbox, "def f(x, y): return (x, y, {1.0})", 1, {"t": [True]}) == {
        "t": [1, {"t": [True]}, {"s": [{"f": "0x1.0000000000000p+0"}]}]
    }


def test_keyword_arguments(sandbox: Sandbox) -> None:
    way = Call(entry_point="f", args=(1,), kwargs={"b": [2]})
    assert run_one(sandbox, Execution(program="def f(a, *, b): return b", way=way)).output == b"[2]"


def test_a_call_sees_neither_main_nor_what_it_prints(sandbox: Sandbox) -> None:
    program = "print('noise')\nif __name__ == '__main__': raise SystemExit\ndef f(): print('x'); return input"
    result = run_one(sandbox, call(program))
    assert result.output == b'{"o": "builtin_function_or_method"}'


@pytest.mark.parametrize(
    ("program", "exit_code", "output"),
    [
        ("def f(): return 1 / 0", 76, b"ZeroDivisionError"),
        ("def f(:", 76, b"SyntaxError"),
        ("def g(): pass", 78, b"NoEntryPointError"),
        ("f = 3", 78, b"NoEntryPointError"),
        ("def f(): raise SystemExit(0)", 76, b"SystemExit"),
        ("import os\ndef f(): os.kill(os.getpid(), 11)", -11, b""),
        ("import numpy_that_is_not_there\ndef f(): pass", 79, b"ModuleNotFoundError"),
        ("def f(): return '\\ud800'", 0, b'"\\ud800"'),
        ("# \ud800\ndef f(): return 1", 76, b"UnicodeEncodeError"),  # what a model wrote may be no valid text
    ],
)
def test_how_a_call_ends(program: str, exit_code: int, output: bytes, sandbox: Sandbox) -> None:
    result = run_one(sandbox, call(program))
    assert (result.exit_code, result.output) == (exit_code, output)
    assert not any((result.timed_out, result.memory_exceeded, result.output_exceeded))


@pytest.mark.parametrize(
    ("program", "stdin", "printed", "exit_code"),
    [
        ("print(int(input()) + 1)", "41\n", b"42\n", 0),
        ("import sys\nprint(sys.stdin.read())", "é\0\n", "é\0\n\n".encode(), 0),
        ("print(open(0).read())", "x", b"x\n", 0),
        ("import subprocess\nsubprocess.run(['cat'])", "abc", b"abc", 0),
        ("import sys\nprint(1)\nsys.exit(3)", "", b"1\n", 3),
        ("import sys\nsys.exit('no')", "", b"", 1),
        ("print(1)\nraise ValueError", "", b"1\n", 76),
        # output is complete: threads are joined, exit hooks run, buffers flushed
        ("import threading\nthreading.Timer(0.1, lambda: print(2)).start()\nprint(1)", "", b"1\n2\n", 0),
        ("import atexit\natexit.register(lambda: print('end'))", "", b"end\n", 0),
        ("print('no newline', end='')", "", b"no newline", 0),
        ("if __name__ == '__main__': print('main')", "", b"main\n", 0),
        ("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nprint(A(1))", "", b"A(x=1)\n", 0),
        ("import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__name__)", "", b"A\n", 0),
    ],
)
def test_a_script(program: str, stdin: str, printed: bytes, exit_code: int, sandbox: Sandbox) -> None:
    result = run_one(sandbox, Execution(program=program, way=Stdio(stdin=stdin)))
    assert (result.output, result.exit_code) == (printed, exit_code)


def test_a_large_input_and_a_large_program(sandbox: Sandbox) -> None:
    stdin = "x" * 20_000_000  # more than a file that a program writes may hold
    program = f"# {'y' * 3_000_000}\nprint(len(input()))"
    assert run_one(sandbox, Execution(program=program, way=Stdio(stdin=stdin))).output == b"20000000\n"


def test_a_file_that_is_too_large_is_the_programs_own_error(sandbox: Sandbox) -> None:
    program = "def f():\n    with open('/tmp/a', 'wb', 0) as file:\n        while file.write(bytes(1 << 20)): pass"
    assert run_one(sandbox, call(program)).output == b"OSError"


@pytest.mark.parametrize(
    ("code", "passed"),
    [
        ("def check(candidate):\n    assert candidate() == 1\n", True),
        ("def check(candidate):\n    assert candidate() == 2\n", False),
        ("assert f() == 1\nassert helper() == 3\n", True),
        ("assert f() == 2\n", False),
    ],
)
def test_a_check(code: str, passed: bool, sandbox: Sandbox) -> None:
    way = Check(code=code, entry_point="f", token="secret")
    result = run_one(sandbox, Execution(program="def helper(): return 3\ndef f(): return 1", way=way))
    assert (result.output == b"secret") is passed


@pytest.mark.parametrize(
    ("program", "flag"),
    [
        ("def f():\n    while True: pass", "timed_out"),
        ("def f():\n    import time; time.sleep(99)", "timed_out"),
        ("def f(): return bytearray(1 << 40)", "memory_exceeded"),
        (
            "import os, time\ndef f():\n    for _ in range(4):\n        if not os.fork():\n"
            "            x = bytearray(b'x') * (150 << 20); time.sleep(99)\n    time.sleep(99)",
            "memory_exceeded",
        ),
        ("def f(): return 'x' * (1 << 20)", "output_exceeded"),
    ],
)
def test_limits(program: str, flag: str, sandbox: Sandbox) -> None:
    result = run_one(sandbox, call(program))
    assert getattr(result, flag), result
    assert result.exit_code != 0 or flag == "output_exceeded"


def test_a_full_disk_is_the_programs_own_error(sandbox: Sandbox) -> None:
    program = (
        "def f():\n    for number in range(99): open(f'/tmp/{number}', 'wb').write(bytes(1 << 20))\n    return number"
    )
    assert run_one(sandbox, call(program)).output == b"OSError"
    assert returned(sandbox, "import os\ndef f(): return os.listdir('/tmp')") == []


def test_nothing_is_shared_between_executions_of_one_candidate(sandbox: Sandbox) -> None:
    program = (
        "import math\ncount = 0\ndef f(x):\n    global count\n    count += 1\n    math.pi += x\n"
        "    return [count, math.pi > 4]"
    )
    results = sandbox.run([call(program, x) for x in (9, 0, 0)])
    assert [result.output for result in results] == [b"[1, true]", b"[1, false]", b"[1, false]"]


SCAN = """
import ctypes
HALVES = {halves!r}
def f():
    found = 0
    for line in open("/proc/self/maps"):
        span, rights = line.split()[:2]
        if not rights.startswith("rw") or "[v" in line: continue
        start, end = (int(part, 16) for part in span.split("-"))
        memory = ctypes.string_at(start, end - start)
        at = memory.find(HALVES[0])
        while at >= 0:
            found += memory[at + len(HALVES[0]):].startswith(HALVES[1])
            at = memory.find(HALVES[0], at + 1)
        del memory
    return found
"""


def test_no_trace_of_an_earlier_execution_is_in_memory(sandbox: Sandbox) -> None:
    # The scanner holds the needles in halves, so that it does not find itself.
    program, value, argument = "in_the_program_51f0", "in_the_value_c7a2", "in_the_argument_9e34"
    sandbox.run([call(f"# {program}\ndef f(x): print('{value}'); return '{value}' * 3", argument)])
    for needle in (program, value, argument):
        halves = (needle[:9].encode(), needle[9:].encode())
        assert returned(sandbox, SCAN.format(halves=halves)) == 0
        assert returned(sandbox, SCAN.format(halves=halves) + f"# {needle}\n") > 0  # the scanner does find


def test_more_threads_than_containers_take_turns(sandbox: Sandbox) -> None:
    program = "def f(x): return x"
    with ThreadPoolExecutor(8) as threads:
        outputs = list(threads.map(lambda x: run_one(sandbox, call(program, x)).output, range(64)))
    assert outputs == [str(x).encode() for x in range(64)]


def test_the_hash_seed_is_fixed_and_can_be_chosen(sandbox: Sandbox) -> None:
    seen = call("def f(): return hash('text')")
    hashes = [sandbox.run([seen], hash_seed=seed)[0].output for seed in (0, 0, 1, 1, 0)]
    assert hashes[0] == hashes[1] == hashes[4] != hashes[2] == hashes[3]


def test_an_execution_may_have_less_time_than_the_sandbox_gives_but_not_more(sandbox: Sandbox) -> None:
    way = Call(entry_point="f")
    slow, short = "import time\ndef f(): time.sleep(2)", "def f():\n    while True: pass"
    (result,) = sandbox.run([Execution(program=slow, way=way, timeout_s=0.5)])
    assert result.timed_out
    (result,) = sandbox.run([Execution(program=short, way=way, timeout_s=1000.0)])
    assert result.timed_out


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("numpy.arange(4).sum()", b"6"),
        ("numpy.float64(0.5)", b'{"f": "0x1.0000000000000p-1"}'),
        ("numpy.bool_(True)", b"true"),
        ("[numpy.int8(1), (numpy.float32(0.5),)]", b'[1, {"t": [{"f": "0x1.0000000000000p-1"}]}]'),
        ("numpy.zeros(2)", b'{"o": "ndarray"}'),
        ("numpy.ones((80, 80)).dot(numpy.ones((80, 80)))[0, 0]", b'{"f": "0x1.4000000000000p+6"}'),
    ],
)
def test_numpy_is_there_and_its_numbers_are_numbers(value: str, output: bytes, sandbox: Sandbox) -> None:
    result = run_one(sandbox, call(f"import numpy\ndef f(): return {value}"))
    assert (result.output, result.exit_code) == (output, 0)


NOISE = (
    "import sys; print('x', file=sys.stderr)",
    "import warnings; warnings.warn('x')",
    "import logging; logging.warning('x')",
    "print('x', flush=True)",
    "print('x' * 20_000)",
    "import traceback; traceback.print_exc()",
    "import os; os.write(2, b'x'); os.write(0, b'x')",
)


@pytest.mark.parametrize("noise", NOISE)
def test_what_a_called_function_prints_is_no_part_of_its_result(noise: str, sandbox: Sandbox) -> None:
    assert returned(sandbox, f"def f():\n    {noise}\n    return 7") == 7


@pytest.mark.parametrize("noise", NOISE[:3])
def test_what_a_script_says_on_stderr_is_no_part_of_its_output(noise: str, sandbox: Sandbox) -> None:
    assert run_one(sandbox, Execution(program=f"{noise}\nprint(7)", way=Stdio())).output == b"7\n"


def test_only_one_descriptor_of_a_program_leads_to_the_result(sandbox: Sandbox) -> None:
    program = "import os\ndef f(): return [os.readlink(f'/proc/self/fd/{number}') for number in range(4)]"
    *streams, result = returned(sandbox, program)
    assert streams == ["/dev/null"] * 3
    assert result.startswith("pipe:")
    listing = "import os\nprint([os.readlink(f'/proc/self/fd/{number}')[:5] for number in range(4)])"
    printed = run_one(sandbox, Execution(program=listing, way=Stdio())).output
    assert printed == b"['/memf', 'pipe:', '/dev/', 'pipe:']\n"


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("w = open(1, 'w')\nw.write('a')", b"a"),  # a file left open is written at the end
        ("import sys, io\nsys.stdout = io.StringIO()\nsys.__stdout__.write('b')", b"b"),
        ("print(len(str(10 ** 5000)))", b"5001\n"),
        ("import threading\nthreading.stack_size(512 << 20)\nt = threading.Thread(target=lambda: print(1))\n"
         "t.start()\nt.join()", b"1\n"),
        ("import sys\nfrom functools import cache\nsys.setrecursionlimit(10**6)\n"
         "f = cache(lambda k: k and 1 + f(k - 1))\nprint(f(50_000))", b"50000\n"),
    ],
)  # fmt: skip
def test_idioms_of_contests(program: str, printed: bytes, sandbox: Sandbox) -> None:
    assert run_one(sandbox, Execution(program=program, way=Stdio())).output == printed


@pytest.mark.parametrize(
    "attempt",
    ["os.memfd_create('x')", "open('/proc/self/oom_score_adj', 'w').write('0')", "dumpable()"],
)
def test_a_program_cannot_move_itself_behind_the_runner(attempt: str, sandbox: Sandbox) -> None:
    program = (
        "import os, ctypes\ndef dumpable():\n    if ctypes.CDLL(None).prctl(4, 1, 0, 0, 0): raise PermissionError\n"
        f"def f(): {attempt}"
    )
    assert run_one(sandbox, call(program)).output == b"PermissionError"


def test_a_program_that_idles_has_longer_than_one_that_computes(sandbox: Sandbox) -> None:
    assert returned(sandbox, "import time\ndef f(): time.sleep(4.5); return 1") == 1
    assert run_one(sandbox, call("def f():\n    while True: pass")).timed_out


def test_an_execution_may_have_limits_of_its_own(sandbox: Sandbox) -> None:
    held = "def f():\n    x = bytearray(b'x') * (100 << 20)\n    return len(x)"
    plain = call(held)
    assert not run_one(sandbox, plain).memory_exceeded
    assert run_one(sandbox, plain.model_copy(update={"memory_mb": 64})).memory_exceeded
    printing = Execution(program="print('x' * 100_000)", way=Stdio())
    assert run_one(sandbox, printing).output_exceeded
    assert not run_one(sandbox, printing.model_copy(update={"output_bytes": 200_000})).output_exceeded
