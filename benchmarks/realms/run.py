"""``python -m benchmarks realms``: between realms. With ``--chaos``, while everything breaks."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.realms.chaos import main as chaos


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names."""
    if "--chaos" in arguments:
        return chaos(arguments)
    print("Say --chaos; --help with it tells more.", file=sys.stderr)
    return 2
