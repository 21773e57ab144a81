"""A realm process for which what was sent counts as delivered, whether it was answered or not.

Started in the middle of a run in place of the real one, to show that the judge condemns it.
"""

from __future__ import annotations

import sys

from services.__main__ import main
from tests.simulation.broken_between import trusting

if __name__ == "__main__":
    with trusting():
        sys.exit(main(sys.argv[1:]))
