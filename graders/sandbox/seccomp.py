"""The system calls a candidate may not make, beyond Docker's own profile; installed by itself, for good.

Four kinds: kernel objects that outlive a process and would be felt by the next candidate (System V queues,
semaphores and shared memory), looking into other processes, and kernel surface no graded program needs (io_uring,
every socket family but AF_UNIX: even with no network a VM's AF_VSOCK reaches the host), and what would let a program
hold memory that counts for no process while it moves itself behind the runner in the order of the kernel's killing:
memory files, and becoming dumpable, which would hand it its own `oom_score_adj`. Runs in the container.
"""

import ctypes
import errno
import struct

ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""machine -> (the kernel's audit number, column in the tables below)"""

DENIED = {
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
SOCKET = (41, 198)
PRCTL = (157, 167)
PR_SET_DUMPABLE = 4
AF_UNIX = 1
X32_BIT = 0x40000000

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def build_filter(machine: str) -> bytes:
    """Return the BPF program for a machine as `os.uname()` names it; raises KeyError for an unknown one."""
    audit_number, column = ARCHITECTURES[machine]
    program = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 1, 0, audit_number),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
        (JUMP_AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),
    ]
    for numbers in DENIED.values():
        program += [(JUMP_EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    program += [
        (JUMP_EQUAL, 0, 3, PRCTL[column]),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_EQUAL, 5, 0, PR_SET_DUMPABLE),
        (RETURN, 0, 0, ALLOW),
        (JUMP_EQUAL, 0, 4, SOCKET[column]),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_EQUAL, 2, 0, AF_UNIX),
        (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class FilterProgram(ctypes.Structure):
    """The kernel's `sock_fprog`: how many instructions, and where they are."""

    _fields_ = (("count", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Call prctl(2); raises OSError when the kernel refuses."""
    if LIBC.prctl(option, first, second, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) was refused")


def prepare(program: bytes) -> FilterProgram:
    """Return a BPF program as `install` takes it; this process and its children can gain no rights from now on.

    Done once in the runner, because ctypes is slow compared with all else that happens between fork and program.
    """
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    return FilterProgram(len(program) // 8, program)


def install(program: FilterProgram) -> None:
    """Put this process and all it will start under the filter, irrevocably; raises OSError."""
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def become_subreaper() -> None:
    """Make every orphan below this process its child, so that it can wait for all of them; raises OSError."""
    pr_set_child_subreaper = 36
    prctl(pr_set_child_subreaper, 1)
