"""Memory that a flood has taken, given back to the system once the flood is over.

libzmq frees what a peer had sent when it hangs up, but libc keeps the pages for the next time: after six
unfinished messages of 50 MB the broker stayed at 500 MB for good. ``malloc_trim`` brings it back to 20. It
costs 0.2 ms when there is nothing to give back and 100 ms for half a gigabyte, so it is done in a thread,
seldom, and more seldom still while it does not help. Where libc has no such function nothing is done.
"""

from __future__ import annotations

import ctypes
import resource
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

SLACK: Final = 64 << 20
"""Bytes above the least that was seen which are worth looking at."""
PAUSE: Final = 5.0
"""Seconds between two looks; doubles while trimming does not help, up to the next line."""
PAUSE_MOST: Final = 60.0
TRIMMING: Final = 1.0
"""Seconds after which a trim has done what it can."""


class Memory:
    """When to trim. ``resident`` tells the bytes in use; ``trim`` is carried out beside the loop."""

    def __init__(self, resident: Callable[[], int], trim: Callable[[], None]) -> None:
        self._resident = resident
        self._trim = trim
        self._least = resident()
        self._trimmed_at = 0
        self._pause = PAUSE
        self._next = 0.0

    def look(self, now: float) -> None:
        """Called at every tick; does something every few seconds."""
        if now < self._next:
            return
        size = self._resident()
        self._least = min(self._least, size)
        if self._trimmed_at:
            helped = size < self._trimmed_at - SLACK // 2
            self._pause = PAUSE if helped else min(2 * self._pause, PAUSE_MOST)
            self._trimmed_at = 0
        elif size > self._least + SLACK:
            self._trimmed_at = size
            self._trim()
        self._next = now + (TRIMMING if self._trimmed_at else self._pause)


def resident() -> int:
    """Bytes of memory that this process occupies; 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def trim() -> None:
    """Give free pages back, in a thread of its own: for most of it libc holds no lock that the loop needs."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        threading.Thread(target=malloc_trim, args=(0,), name="trim", daemon=True).start()
