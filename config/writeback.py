"""Writing a large file to the disk while it grows, so that little is left when it is synced.

Left to the end, half a gigabyte takes the disk a quarter of a second at once, and whoever commits a message
meanwhile waits as long. Begun early it runs beside everything else.
"""

from __future__ import annotations

import ctypes
from typing import Final

SYNC_FILE_RANGE_WRITE: Final = 2
"""From fcntl.h: begin to write, and wait for nothing."""

_begin = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)


def begin_to_write(handle: int, at: int, length: int) -> None:
    """Begin with these bytes of an open file. It promises nothing: sync it in the end. Only on Linux."""
    if _begin is not None:
        _begin(handle, ctypes.c_int64(at), ctypes.c_int64(length), SYNC_FILE_RANGE_WRITE)
