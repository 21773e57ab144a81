"""``python -m benchmarks realms``: how fast between realms. With ``--chaos``: whether anything is lost."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.realms.catch_up import main as catch_up
from benchmarks.realms.chaos import main as chaos


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names."""
    return chaos(arguments) if "--chaos" in arguments else catch_up(arguments)
