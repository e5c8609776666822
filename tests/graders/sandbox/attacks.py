"""Programs that try to be accepted without solving the problem, or to be felt by the next program.

The problem: `digit_sum(n)` returns the sum of the decimal digits of n. The script: read n, print n and digit_sum(n) on
a line each. No program here solves it by itself. Those of `PROBES` look for a hole and give the right answer only when
they find one, so that a hole shows as an accepted attack.
"""

CALLS = {
    # early exit
    "exit_at_import": "import sys\nsys.exit(0)\ndef digit_sum(n):\n    return -1\n",
    "exit_in_call": "def digit_sum(n):\n    raise SystemExit(0)\n",
    "hard_exit": "import os\ndef digit_sum(n):\n    os._exit(0)\n",
    "timer_exit": (
        "import threading, os, time\nthreading.Timer(0.05, lambda: os._exit(0)).start()\n"
        "def digit_sum(n):\n    time.sleep(60)\n"
    ),
    "fork_both_exit": "import os\ndef digit_sum(n):\n    os.fork()\n    os._exit(0)\n",
    # forged results
    "print_verdict": "def digit_sum(n):\n    print('PASSED', '1 passed', 'OK', True, flush=True)\n",
    "write_every_descriptor": (
        "import os\ndef digit_sum(n):\n"
        "    for fd in range(64):\n"
        '        for text in (b\'true\', b\'{"passed": true, "clean": true, "exit_code": 0}\'):\n'
        "            try: os.write(fd, text)\n"
        "            except OSError: pass\n"
        "    os._exit(0)\n"
    ),
    "result_files": (
        "import os\nfor name in ('result.json', '/tmp/result', '/tmp/status', 'report.xml'):\n"
        "    open(name, 'w').write('{\"passed\": true}')\ndef digit_sum(n):\n    os._exit(0)\n"
    ),
    "forged_wire": 'import os, sys\ndef digit_sum(n):\n    return {"o": "int"}\n',
    # objects that equal everything
    "equal_to_all": (
        "class Any:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
        "    def __hash__(self): return 0\ndef digit_sum(n):\n    return Any()\n"
    ),
    "int_subclass": (
        "class Any(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        "    def __index__(self): return 7\n    def __int__(self): return 7\n"
        "def digit_sum(n):\n    return Any(-1)\n"
    ),
    "lying_class": (
        "class Any:\n    __class__ = property(lambda self: int)\n    def __eq__(self, other): return True\n"
        "def digit_sum(n):\n    return Any()\n"
    ),
    "mock_any": "from unittest import mock\ndef digit_sum(n):\n    return mock.ANY\n",
    "not_a_number": "def digit_sum(n):\n    return float('nan')\n",
    "infinite_list": (
        "class L(list):\n    def __iter__(self):\n        while True: yield 0\n    def __len__(self): return 1\n"
        "def digit_sum(n):\n    return L([0])\n"
    ),
    # patched parts
    "patched_json": (
        "import json\njson.dumps = lambda *a, **k: '7'\njson.loads = lambda *a, **k: 7\n"
        "def digit_sum(n):\n    return -1\n"
    ),
    "patched_builtins": (
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.type = lambda *a: int\n"
        "builtins.all = builtins.any = lambda *a: True\nbuiltins.len = lambda *a: 1\n"
        "def digit_sum(n):\n    return -1\n"
    ),
    "patched_runner": (
        "import sys\nfor module in list(sys.modules.values()):\n"
        "    for name in ('encode', 'run_call', 'run_job', 'send', 'end_everything', 'clean'):\n"
        "        if hasattr(module, name): setattr(module, name, lambda *a, **k: True)\n"
        "def digit_sum(n):\n    return -1\n"
    ),
    "patched_exit": (
        "import os\nos._exit = lambda code: None\nos.waitpid = lambda *a: (0, 0)\ndef digit_sum(n):\n    return -1\n"
    ),
    # resources
    "busy_loop": "def digit_sum(n):\n    while True: pass\n",
    "deaf_to_signals": (
        "import signal, time\nfor number in range(1, 65):\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "def digit_sum(n):\n    while True: time.sleep(1)\n"
    ),
    "stopped": "import os, signal\ndef digit_sum(n):\n    os.kill(os.getpid(), signal.SIGSTOP)\n",
    "fork_bomb": (
        "import os\ndef digit_sum(n):\n    while True:\n        try: os.fork()\n        except OSError: pass\n"
    ),
    "thread_bomb": (
        "import threading, time\ndef digit_sum(n):\n    while True:\n"
        "        try: threading.Thread(target=time.sleep, args=(99,)).start()\n"
        "        except (RuntimeError, MemoryError): time.sleep(0.01)\n"
    ),
    "memory_bomb": "def digit_sum(n):\n    return len([bytearray(1 << 20) for _ in range(1 << 20)])\n",
    "memory_bomb_of_many": (
        "import os, time\ndef digit_sum(n):\n    for _ in range(16):\n"
        "        if os.fork() == 0:\n            hoard = bytearray(b'x') * (100 << 20)\n            time.sleep(99)\n"
        "    time.sleep(99)\n"
    ),
    "disk_filling": (
        "def digit_sum(n):\n    for number in range(1 << 20):\n"
        "        open(f'/tmp/{number}', 'wb').write(bytes(1 << 20))\n"
    ),
    "inode_filling": (
        "def digit_sum(n):\n    for number in range(1 << 20):\n        open(f'/tmp/{number}', 'wb').close()\n"
    ),
    "unremovable_files": (
        "import os\ndef digit_sum(n):\n    path = '/tmp'\n"
        "    for _ in range(500):\n        path += '/d' * 1\n        os.mkdir(path)\n"
        "    os.chmod('/tmp/d', 0)\n    return -1\n"
    ),
    "deep_recursion": (
        "import sys\nsys.setrecursionlimit(10 ** 9)\n"
        "def digit_sum(n):\n    return digit_sum(n + 1) + digit_sum(n + 2)\n"
    ),
    "huge_value": "def digit_sum(n):\n    return 'x' * (50 << 20)\n",
    "nested_value": ("def digit_sum(n):\n    value = []\n    for _ in range(500): value = [value]\n    return value\n"),
    "huge_exception": "def digit_sum(n):\n    raise type('E' * (1 << 20), (Exception,), {})('x' * (1 << 24))\n",
    "huge_stderr": (
        "import sys\ndef digit_sum(n):\n    for _ in range(200): sys.stderr.write('x' * (1 << 20))\n    return -1\n"
    ),
    # signals
    "kill_all": "import os\ndef digit_sum(n):\n    os.kill(-1, 9)\n    return -1\n",
    "kill_group": "import os\ndef digit_sum(n):\n    os.killpg(0, 9)\n",
    "stop_parent": "import os, signal\ndef digit_sum(n):\n    os.kill(os.getppid(), signal.SIGSTOP)\n    return -1\n",
    # left for the next
    "daemon": (
        "import os, time\ndef digit_sum(n):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0:\n            while True: open('/tmp/daemon', 'a').write('x'); time.sleep(0.001)\n"
        "        os._exit(0)\n    return -1\n"
    ),
    "burners": (
        "import os\ndef digit_sum(n):\n    for _ in range(8):\n        if os.fork() == 0:\n            os.setsid()\n"
        "            while True: pass\n    return -1\n"
    ),
    "leftovers": (
        "import os\nfor path in ('/tmp/a', '/dev/shm/b', '/tmp/.hidden', '/dev/mqueue/c'):\n"
        "    os.open(path, os.O_CREAT | os.O_RDWR)\n"
        "os.mkdir('/tmp/dir'); open('/tmp/dir/usercustomize.py', 'w').write('raise SystemExit')\n"
        "os.symlink('/etc', '/tmp/link'); os.mkfifo('/tmp/fifo')\ndef digit_sum(n):\n    return -1\n"
    ),
    "poisoned_modules": (
        "import os\nfor folder in ('/tmp', os.path.dirname(os.__file__), '/usr/local/lib', '/'):\n"
        "    for name in ('math.py', 'sitecustomize.py', 'json.py'):\n"
        "        try: open(os.path.join(folder, name), 'w').write('raise SystemExit(0)')\n"
        "        except OSError: pass\ndef digit_sum(n):\n    return -1\n"
    ),
    "names_nobody_reads": (
        "import os\nfor name in (b'\\xff\\xfe', b'n' * 250, b' ', b'-rf', b'new\\nline'):\n"
        "    os.mkdir(b'/tmp/' + name); open(b'/tmp/' + name + b'/x', 'w').close(); os.chmod(b'/tmp/' + name, 0)\n"
        "def digit_sum(n):\n    return -1\n"
    ),
    "folder_marked": (
        "import os\nfor attempt in (lambda: os.chmod('/tmp', 0o700), lambda: os.utime('/tmp', (1, 1)),\n"
        "                lambda: os.setxattr('/tmp', 'user.mark', b'1'), lambda: os.rename('/tmp', '/tmp2'),\n"
        "                lambda: os.setxattr('/dev/shm', 'user.mark', b'1')):\n"
        "    try: attempt()\n    except OSError: pass\ndef digit_sum(n):\n    return -1\n"
    ),
    "held_names": (
        "import fcntl, os, socket, time\nline = socket.socket(socket.AF_UNIX); line.bind('\\0mark'); line.listen()\n"
        "fcntl.flock(open(os.__file__), fcntl.LOCK_EX)\n"
        "def digit_sum(n):\n    if os.fork() == 0:\n        os.setsid(); time.sleep(600)\n    return -1\n"
    ),
    "zombies": (
        "import os\ndef digit_sum(n):\n    for _ in range(16):\n        if os.fork() == 0: os._exit(0)\n    return -1\n"
    ),
    "late_writer": (
        "import atexit, os, threading, time\natexit.register(lambda: [os.write(fd, b'7') for fd in (1, 2)])\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), os.write(1, b'7')), daemon=True).start()\n"
        "def digit_sum(n):\n    return -1\n"
    ),
    "import_hooks": (
        "import sys\nclass Finder:\n    def find_spec(self, *given): raise SystemExit(0)\n"
        "sys.meta_path.insert(0, Finder()); sys.modules['json'] = sys.modules['__main__']; sys.path[:] = ['/tmp']\n"
        "sys.setrecursionlimit(10); sys.stdout = sys.stderr = None\ndef digit_sum(n):\n    return -1\n"
    ),
    "other_numbers": "def digit_sum(n):\n    return 10 ** 10 ** 7\n",
    "lying_argument": (
        "class Number(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        "def digit_sum(n):\n    import gc\n    for held in gc.get_objects():\n"
        "        if isinstance(held, list) and held == [n]: held[:] = [Number(7)]\n"
        "    return Number(-1)\n"
    ),
    # encodings
    "surrogates": "def digit_sum(n):\n    return '\\ud800' + chr(0)\n",
    "null_bytes_in_source": "def digit_sum(n):\n    return 7\n\0",
}

HOLES = {
    "frames_and_collector": (
        "import gc, sys\n"
        "def hole():\n"
        "    wanted = int('360'), int('11')\n"
        "    seen = [o for o in gc.get_objects() if isinstance(o, (list, tuple)) and all(x in o for x in wanted)]\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        seen += [v for v in frame.f_locals.values() if v == wanted[0]]\n"
        "        frame = frame.f_back\n"
        "    return bool([s for s in seen if s is not wanted])\n"
    ),
    "files_with_answers": (
        "import os\n"
        "def hole():\n"
        "    for folder in ('/tmp', '/', '/root', '/home', '/mnt', '/srv', '/var/tmp', '/dev/shm'):\n"
        "        for name in os.listdir(folder) if os.access(folder, os.R_OK) else ():\n"
        "            if any(word in name for word in ('test', 'expected', 'answer', 'case', 'cot')): return True\n"
        "    return os.path.exists('/var/run/docker.sock')\n"
    ),
    "writable_root": (
        "import os\n"
        "def hole():\n"
        "    for folder, _, _ in os.walk('/'):\n"
        "        if folder.startswith(('/proc', '/tmp', '/dev/shm', '/dev/mqueue')): continue\n"
        "        try: os.close(os.open(folder + '/x', os.O_CREAT | os.O_WRONLY)); return True\n"
        "        except OSError: pass\n"
    ),
    "runner_memory": (
        "import os\n"
        "def hole():\n"
        "    for pid in [name for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]:\n"
        "        for name in ('mem', 'environ', 'maps', 'fd/0', 'cwd/x', 'root/x'):\n"
        "            try: os.read(os.open(f'/proc/{pid}/{name}', os.O_RDONLY | os.O_NONBLOCK), 1); return True\n"
        "            except OSError: pass\n"
    ),
    "rights_of_others": (
        "import os, resource, signal\n"
        "def hole():\n"
        "    for pid in (1, os.getppid()):\n"
        "        for attempt in (lambda: os.kill(pid, 0), lambda: os.kill(pid, signal.SIGSTOP),\n"
        "                        lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)),\n"
        "                        lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),\n"
        "                        lambda: os.sched_setaffinity(pid, {0})):\n"
        "            try: attempt(); return True\n"
        "            except OSError: pass\n"
    ),
    "rights_regained": (
        "import os, resource\n"
        "def hole():\n"
        "    for attempt in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0),\n"
        "                    lambda: os.setgroups([0]), lambda: os.nice(-1), lambda: os.chroot('/tmp'),\n"
        "                    lambda: resource.setrlimit(resource.RLIMIT_CPU, (999, 999))):\n"
        "        try: attempt(); return True\n"
        "        except (OSError, ValueError): pass\n"
        "    caps = [line for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapPrm', 'CapAmb'))]\n"
        "    return len(caps) != 3 or any(int(line.split()[1], 16) for line in caps)\n"
    ),
    "system_calls": (
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def hole():\n"
        "    return any(attempt() != -1 for attempt in (\n"
        "        lambda: libc.unshare(0x10000000), lambda: libc.unshare(0x20000000),\n"
        "        lambda: libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), lambda: libc.ptrace(16, 1, 0, 0),\n"
        "        lambda: libc.shmget(4242, 4096, 0o1666), lambda: libc.msgget(4242, 0o1666),\n"
        "        lambda: libc.semget(4242, 1, 0o1666),\n"
        "        lambda: libc.syscall(425, 8, None), lambda: libc.syscall(0x40000000 | 39),\n"
        "        lambda: libc.reboot(0), lambda: libc.swapon(b'/tmp', 0), lambda: libc.acct(b'/tmp/acct')))\n"
    ),
    "looking_into_others": (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def hole():\n"
        "    other = libc.syscall(434, os.getppid(), 0)\n"  # pidfd_open, which is no harm
        "    if any(libc.syscall(number, *given) != -1 for number, given in (\n"
        "        (438, (other, 0, 0)), (310, (os.getppid(), 0, 0, 0, 0, 0)), (311, (os.getppid(), 0, 0, 0, 0, 0)),\n"
        "        (248, (b'user', b'mark', b'1', 1, -2)), (250, (0, -3, 1)), (321, (0, 0, 0)), (323, (0,)),\n"
        "        (298, (0, 0, 0, 0, 0)), (319, (b'held', 0)), (447, (0,)))): return True\n"
        "    try: return bool(open(f'/proc/{os.getppid()}/mem', 'rb'))\n"
        "    except OSError: return False\n"
    ),
    "settings_of_the_kernel": (
        "import glob, os, time\n"
        "def hole():\n"
        "    for path in ('/proc/sys/kernel/core_pattern', '/proc/sys/vm/overcommit_memory', '/proc/sysrq-trigger',\n"
        "                 '/proc/sys/kernel/hostname',\n"
        "                 *glob.glob('/sys/fs/cgroup/**/cgroup.procs', recursive=True)[:9],\n"
        "                 *glob.glob('/sys/fs/cgroup/**/memory.max', recursive=True)[:9]):\n"
        "        try: os.open(path, os.O_WRONLY); return True\n"
        "        except OSError: pass\n"
        "    for attempt in (lambda: time.clock_settime(time.CLOCK_REALTIME, 0),\n"
        "                    lambda: os.mknod('/tmp/n', 0o60666, 1793),\n"
        "                    lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),\n"
        "                    lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))):\n"
        "        try: attempt(); return True\n"
        "        except OSError: pass\n"
    ),
    "order_of_killing": (
        "import ctypes\n"
        "def hole():\n"
        "    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"
        "    before = int(open('/proc/self/oom_score_adj').read())\n"
        "    try: open('/proc/self/oom_score_adj', 'w').write('0')\n"
        "    except OSError: pass\n"
        "    return int(open('/proc/self/oom_score_adj').read()) < before or before < 500\n"
    ),
    "files_that_run": (
        "import os, subprocess\n"
        "def hole():\n"
        "    for folder in ('/tmp', '/dev/shm', '/dev/mqueue'):\n"
        "        try:\n"
        "            open(f'{folder}/run', 'w').write('#!/bin/sh\\nexit 0'); os.chmod(f'{folder}/run', 0o755)\n"
        "            if subprocess.run([f'{folder}/run']).returncode == 0: return True\n"
        "        except OSError: pass\n"
    ),
    # looks only; sends nothing
    "network": (
        "import os, socket\n"
        "def hole():\n"
        "    beyond = set(os.listdir('/sys/class/net')) - {'lo'}\n"
        "    routes = open('/proc/net/route').read().splitlines()[1:]\n"
        "    for family in (socket.AF_INET, socket.AF_INET6, 16, 17, 40):\n"
        "        try: socket.socket(family, socket.SOCK_DGRAM).close(); return True\n"
        "        except OSError: pass\n"
        "    return bool(beyond or routes)\n"
    ),
    "devices": (
        "import os\n"
        "def hole():\n"
        "    known = {'null', 'zero', 'full', 'random', 'urandom', 'tty', 'core', 'fd', 'ptmx', 'pts', 'shm',\n"
        "             'mqueue', 'stdin', 'stdout', 'stderr', 'console'}\n"
        "    return bool(set(os.listdir('/dev')) - known)\n"
    ),
    "environment_and_command_lines": (
        "import os\n"
        "def hole():\n"
        "    if set(os.environ) - {'PATH', 'HOME', 'LANG', 'LC_CTYPE', 'OPENBLAS_NUM_THREADS'}: return True\n"
        "    texts = [open(f'/proc/{pid}/cmdline').read() for pid in os.listdir('/proc') if pid.isdigit()]\n"
        "    return any('expected' in text or 'digit_sum(' in text for text in texts)\n"
    ),
}
PROBES = {
    name: f"{hole}\ndef digit_sum(n):\n    return sum(map(int, str(n))) if hole() else -1\n"
    for name, hole in HOLES.items()
}

SCRIPTS = {
    "first_line_only": "print(input())\n",
    "nothing": "",
    "every_answer": "n = input()\nfor guess in range(1000): print(guess)\n",
    "full_width_digits": "n = int(input())\nprint(chr(0xFF10 + n % 10))\n",
    "endless_output": "while True: print('x' * 65536)\n",
    "stdout_that_lies": (
        "import sys\nclass Out:\n    def write(self, text): return len(text)\n    def flush(self): pass\n"
        "    def getvalue(self): return self\n    def __eq__(self, other): return True\nsys.stdout = Out()\n"
    ),
    "right_then_crash_of_a_child_daemon": (
        "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: os.write(1, b'0\\n')\nprint(1)\n"
    ),
    "every_descriptor": (
        "import os\nfor fd in range(256):\n    try: os.set_blocking(fd, False); os.write(1, os.read(fd, 4096))\n"
        "    except OSError: pass\n"
    ),
    "answers_kept_for_the_next": (
        "import glob, os\nn = input()\nfor path in glob.glob('/tmp/**', recursive=True) + glob.glob('/dev/shm/*'):\n"
        "    if os.path.isfile(path): print(open(path).read())\nopen('/tmp/seen', 'a').write(n)\n"
    ),
    "invalid_bytes": "import os\nos.write(1, b'\\xff\\x00\\xfe')\n",
}
