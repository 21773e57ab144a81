"""A worker that marks a chunk as held before it has written it.

Started by the crash matrix of files in place of the real one, to show that the matrix condemns it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

from services.__main__ import main
from services.file.bulk.staged import Staged

BETWEEN = 0.02
"""Seconds between the mark and the bytes: on a disk that is slow."""


def put(self: Staged, chunk: int, payload: memoryview) -> bool:
    """As the real one, in the wrong order."""
    fcntl.flock(self._map, fcntl.LOCK_EX)
    try:
        if os.pread(self._map, 1, chunk) != b"\1":
            os.pwrite(self._map, b"\1", chunk)
            time.sleep(BETWEEN)
            os.pwrite(self.data, payload, chunk * self.chunk_bytes)
    finally:
        fcntl.flock(self._map, fcntl.LOCK_UN)
    return True


if __name__ == "__main__":
    Staged.put = put  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
