"""A client program whose library takes the highest number it heard for how far it has heard.

Started by the crash matrix in place of the real one, to show that the matrix condemns it.
"""

from __future__ import annotations

import sys

from benchmarks.crash.client import play
from tests.simulation.broken import BUILDS

if __name__ == "__main__":
    with BUILDS["maximum instead of contiguous cursor"].apply():
        play(sys.argv[1])
