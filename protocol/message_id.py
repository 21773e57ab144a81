"""Ids of messages: UUIDv7 (RFC 9562, section 5.7), so that the index on them only grows at its end."""

from __future__ import annotations


def message_id(now_ms: int) -> bytes:
    """A fresh id: 48 bits of ``now_ms`` (milliseconds since the epoch), version, 74 random bits."""
    import secrets  # here, because every process imports this file and few make ids

    random = secrets.randbits(74)
    value = (now_ms & (2**48 - 1)) << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | random & (2**62 - 1)
    return value.to_bytes(16, "big")
