"""How long hypothesis looks: a little in ``make test``, longer with ``PESAN_FUZZ_EXAMPLES=5000``."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

EXAMPLES: Final = int(os.environ.get("PESAN_FUZZ_EXAMPLES", "100"))

FUZZ: Final = settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
"""For a property that costs microseconds."""

FEW: Final = settings(FUZZ, max_examples=max(10, EXAMPLES // 4))
"""For one that costs milliseconds, or that is asked of every command in turn."""
