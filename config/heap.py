"""How libc treats the memory that chunks of files were in. Nothing else.

Left to itself it hands the pages of freed chunks back to the system and asks for as many again a moment
later, each of which is cleared and mapped anew.
"""

from __future__ import annotations

import ctypes
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
"""Parameters of ``mallopt``, from malloc.h."""

KEPT: Final = 32 << 20
"""Free bytes at the end of a heap that are not handed back: a few windows of chunks."""
MAPPED: Final = 4 << 20
"""Bytes from which on a piece of memory is the system's own, and goes back to it as soon as it is freed."""


def keep_chunks() -> None:
    """Let the next chunk have the pages of those before, in all of this process. Only on glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED)
        mallopt(M_TRIM_THRESHOLD, KEPT)
