"""A claim: a lock that one process of an installation holds for its life, so that no second one starts.

The kernel gives it back however the process ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 2.0
"""Seconds that a newcomer waits: whoever was killed a moment ago may still be on the way out."""
PAUSE: Final = 0.05


def claim(file: Path, patience: float = PATIENCE) -> int | None:
    """Hold ``file`` until this process ends; its descriptor, or None when someone else holds it.

    Raises ``OSError`` when the file cannot be made.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(handle)
                return None
            time.sleep(PAUSE)
        else:
            return handle
