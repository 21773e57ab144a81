"""Messages of ours on their way to other realms: which wait, what they began with, how far they have come.

Belongs here: what is known of them. When it is heard, and what is shown for it, is ``room``'s.
"""

from __future__ import annotations

from typing import Final

from protocol.addresses import name_key

KNOWN_MOST: Final = 200
"""Messages whose beginning is remembered."""


class Journeys:
    """Those that were typed here and are not known to have arrived."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, tuple[str, str]] = {}
        """Id → address, beginning; the latest last."""
        self._early: dict[int, int] = {}
        """Conversation that nobody knows yet → how far it was delivered."""

    def __contains__(self, id: bytes) -> bool:
        return id in self._under_way

    def began(self, id: bytes, address: str, beginning: str) -> None:
        """Our server has it, and passes it on."""
        self._under_way[id] = (address, beginning)
        for old in list(self._under_way)[:-KNOWN_MOST]:
            del self._under_way[old]

    def ended(self, id: bytes) -> tuple[str, str]:
        """One arrived, or never will: its address and beginning, '' where we do not know."""
        return self._under_way.pop(id, ("", ""))

    def arrived(self, address: str) -> None:
        """All that was said to somebody arrived."""
        for id in [id for id, (to, _) in self._under_way.items() if name_key(to) == name_key(address)]:
            del self._under_way[id]

    def waiting(self, address: str) -> int:
        """How many are on their way there."""
        return sum(name_key(to) == name_key(address) for to, _ in self._under_way.values())

    # --- faster than the answer to the first message ----------------------------------------------

    def early(self, conversation: int, seq: int) -> None:
        """Something was delivered in a conversation that nobody knows yet."""
        self._early[conversation] = seq

    def so_far(self, conversation: int) -> int:
        """How far was delivered what was said in a conversation that has just become known."""
        return self._early.pop(conversation, 0)
