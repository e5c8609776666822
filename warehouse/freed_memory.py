"""Freed memory goes back to the system, instead of being kept for later.

Columns come and go by tens of MB, stage after stage, on one thread or another: Arrow's own allocator keeps what was
freed, and glibc keeps some for each thread. So Arrow uses glibc's, which has one heap for all and maps what is big.
"""

import ctypes

import pyarrow as pa

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""glibc's names for what `mallopt` sets (malloc.h)."""
BIG_BYTES = 256 * 1024


def keep_little() -> None:
    """Set this for the rest of the process."""
    pa.set_memory_pool(pa.system_memory_pool())
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # another C library than glibc has no such knob
        for option, value in ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, BIG_BYTES), (M_TRIM_THRESHOLD, BIG_BYTES)):
            library.mallopt(option, value)


def trim() -> None:
    """Give back what lies between things that are still in use, too; for the end of a stage that took much."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
