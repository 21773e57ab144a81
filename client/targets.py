"""How a program names a conversation, and how requests want it.

Not here: what an address means; that is ``protocol.addresses``.
"""

from __future__ import annotations

Target = str | int
"""A conversation: its number, or its address."""


def which(target: Target) -> tuple[int | None, str | None]:
    """(conversation, address) as requests want it: one of the two."""
    return (target, None) if isinstance(target, int) else (None, target)
