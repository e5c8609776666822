"""The pool on a real engine: what comes back, which limit ended it, and what happens when a container is lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import pytest

from graders.sandbox.execution import Call, Check, Execution, ExecutionResult, Limits, Sandbox, Stdio
from graders.sandbox.pool import OWNER_LABEL, open_sandbox
from schemas.errors import SandboxError

pytestmark = pytest.mark.docker


def call(program: str, *args: Any, entry_point: str = "f") -> Execution:
    return Execution(program=program, way=Call(entry_point=entry_point, args=args))


def run_one(sandbox: Sandbox, execution: Execution) -> ExecutionResult:
    (result,) = sandbox.run([execution])
    return result


def returned(sandbox: Sandbox, program: str, *args: Any) -> Any:
    result = run_one(sandbox, call(program, *args))
    assert result.exit_code == 0, result
    return json.loads(result.output)


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
        ("def f(): return 1 / 0", 1, b"ZeroDivisionError"),
        ("def f(:", 1, b"SyntaxError"),
        ("def g(): pass", 78, b"NoEntryPointError"),
        ("f = 3", 78, b"NoEntryPointError"),
        ("def f(): raise SystemExit(0)", 1, b"SystemExit"),
        ("import os\ndef f(): os.kill(os.getpid(), 11)", -11, b""),
        ("import numpy_that_is_not_there\ndef f(): pass", 1, b"ModuleNotFoundError"),
        ("def f(): return '\\ud800'", 0, b'"\\ud800"'),
        ("# \ud800\ndef f(): return 1", 1, b"UnicodeEncodeError"),  # what a model wrote may be no valid text
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
        ("print(1)\nraise ValueError", "", b"1\n", 1),
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
    stdin = "x" * 3_000_000
    program = f"# {'y' * 3_000_000}\nprint(len(input()))"
    assert run_one(sandbox, Execution(program=program, way=Stdio(stdin=stdin))).output == b"3000000\n"


@pytest.mark.parametrize(
    ("checker", "passed"),
    [
        ("def check(candidate):\n    assert candidate() == 1\n", True),
        ("def check(candidate):\n    assert candidate() == 2\n", False),
        ("assert f() == 1\nassert helper() == 3\n", True),
        ("assert f() == 2\n", False),
    ],
)
def test_a_check(checker: str, passed: bool, sandbox: Sandbox) -> None:
    way = Check(checker=checker, entry_point="f", token="secret")
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


def engine() -> Any:
    return docker.from_env()


def containers_of(owner: str) -> list[Any]:
    return list(engine().containers.list(all=True, filters={"label": f"{OWNER_LABEL}={owner}"}))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def own_pool(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A pool that a test may break (`sandbox` says whether there is an engine at all)."""
    with open_sandbox(containers=1, limits=Limits(timeout_s=20)) as pool:
        yield pool


def my_owner() -> str:
    return f"{os.uname().nodename}/{os.getpid()}"


def test_a_killed_container_costs_nothing_but_time(own_pool: Sandbox) -> None:
    before = {container.id for container in containers_of(my_owner())}
    slow = call("import time\ndef f():\n    time.sleep(2)\n    return 7")
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(own_pool.run, [slow])
        for container in containers_of(my_owner()):
            container.kill()
        (result,) = running.result()
    assert result.output == b"7"
    after = {container.id for container in containers_of(my_owner())}
    assert not before & after


def test_a_container_that_cannot_be_cleaned_is_replaced(own_pool: Sandbox) -> None:
    def container_name() -> bytes:
        return run_one(own_pool, call("import os\ndef f(): return os.uname().nodename")).output

    first = container_name()
    assert container_name() == first
    run_one(own_pool, call("import os\ndef f():\n    os.makedirs('/tmp/a/b'); os.chmod('/tmp/a', 0)"))
    assert container_name() != first
    assert returned(own_pool, "import os\ndef f(): return os.listdir('/tmp')") == []


def test_more_threads_than_containers_take_turns(sandbox: Sandbox) -> None:
    program = "def f(x): return x"
    with ThreadPoolExecutor(8) as threads:
        outputs = list(threads.map(lambda x: run_one(sandbox, call(program, x)).output, range(64)))
    assert outputs == [str(x).encode() for x in range(64)]


def test_an_interrupted_run_does_not_answer_the_next_one(own_pool: Sandbox) -> None:
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_one(own_pool, call("import time\ndef f():\n    time.sleep(3)\n    return 'late'"))
    assert returned(own_pool, "def f(): return 'mine'") == "mine"


def test_containers_are_gone_at_the_end(sandbox: Sandbox) -> None:
    before = len(containers_of(my_owner()))
    with open_sandbox(containers=1) as pool:
        returned(pool, "def f(): return 1")
        assert len(containers_of(my_owner())) == before + 1
    assert len(containers_of(my_owner())) == before


def test_containers_end_with_a_process_that_is_killed(sandbox: Sandbox) -> None:
    code = (
        "from graders.sandbox.pool import open_sandbox\n"
        "with open_sandbox():\n    print('open', flush=True)\n    input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        owner = f"{os.uname().nodename}/{process.pid}"
        assert len(containers_of(owner)) == 1
        process.kill()
        process.wait()
        wait_until(lambda: containers_of(owner) == [])


def test_containers_of_a_dead_owner_are_swept(sandbox: Sandbox) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    owner = f"{os.uname().nodename}/{gone.pid}"
    engine().containers.create(sandbox.image_digest, ["true"], labels={OWNER_LABEL: owner})
    with open_sandbox(containers=1):
        assert containers_of(owner) == []


def test_a_missing_image_says_how_to_build_it(sandbox: Sandbox) -> None:
    with (
        pytest.raises(SandboxError, match="no image 'cotfactory-no-such-image'") as raised,
        open_sandbox("cotfactory-no-such-image"),
    ):
        pass
    assert "docker build" in raised.value.hint


def test_an_image_without_python_is_the_engines_failure(sandbox: Sandbox) -> None:
    client = engine()
    container = client.containers.create(sandbox.image_digest, ["true"])
    try:
        image = container.commit(changes="ENV PATH=/nowhere")
        with pytest.raises(SandboxError, match="could not be started"), open_sandbox(image.id):
            pass
    finally:
        container.remove()
        client.images.remove(image.id)
