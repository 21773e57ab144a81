"""A client program whose library does not look at what the server holds already: it begins at the front.

Started by the crash matrix of files in place of the real one, to show that the matrix condemns it.
"""

from __future__ import annotations

import sys

from benchmarks.crash.transfers.program import play
from client.files.sources import Ranges, Reader

_begin = Reader.begin


def begin(self: Reader, missing: Ranges, chunk_bytes: int) -> None:
    """As the real one, with everything missing."""
    _begin(self, [(0, self.size)] if missing else [], chunk_bytes)


if __name__ == "__main__":
    Reader.begin = begin  # type: ignore[method-assign]
    play(sys.argv[1])
