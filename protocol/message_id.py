"""Ids of messages: UUIDv7 (RFC 9562, section 5.7), so that the index on them only grows at its end."""

from __future__ import annotations

import os
from typing import Final

_FIXED: Final = 7 << 76 | 2 << 62
"""The version and the variant, where they stand."""
_RANDOM: Final = (2**76 - 1) ^ (3 << 62)
"""The other 74 bits behind the time."""


def message_id(now_ms: int) -> bytes:
    """A fresh id: 48 bits of ``now_ms`` (milliseconds since the epoch), version, 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big") & _RANDOM
    return ((now_ms & (2**48 - 1)) << 80 | _FIXED | random).to_bytes(16, "big")
