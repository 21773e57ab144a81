"""A worker that marks a chunk as held before it has written it.

Started by the crash matrix of files in place of the real one, to show that the matrix condemns it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from weakref import WeakKeyDictionary

from services.__main__ import main
from services.file.bulk.staged import Staged

BETWEEN = 0.02
"""Seconds that a chunk takes: a disk that is slow, so that there is time to kill it before the last one."""

_marked: WeakKeyDictionary[Staged, tuple[bytes, int]] = WeakKeyDictionary()
"""The chunk that is marked and not written yet, and its offset: from the first to the last there is one."""


def put(self: Staged, chunk: int, payload: memoryview) -> bool:
    """As the real one, in the wrong order: the bytes follow with the next chunk, or with the last."""
    fcntl.flock(self._map, fcntl.LOCK_EX)
    try:
        if os.pread(self._map, 1, chunk) != b"\1":
            os.pwrite(self._map, b"\1", chunk)
            _write(self)
            _marked[self] = bytes(payload), chunk * self.chunk_bytes
            time.sleep(BETWEEN)
            if self.complete:
                _write(self)
    finally:
        fcntl.flock(self._map, fcntl.LOCK_UN)
    return True


def _write(staged: Staged) -> None:
    payload, at = _marked.pop(staged, (b"", 0))
    os.pwrite(staged.data, payload, at)


if __name__ == "__main__":
    Staged.put = put  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
