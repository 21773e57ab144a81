"""The conversations of ours: which there are, what is unread, what was said last; and finding one.

Belongs here: the list. Messages of the one that is open are ``room``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client.inbox import SetBack
from protocol.events import (
    DeliveredEvent,
    MembershipEvent,
    MessageEvent,
    ReadEvent,
    TypingEvent,
    UndeliveredEvent,
)

if TYPE_CHECKING:
    from client.gui.model.model import Model


@dataclass
class Talk:
    """One conversation. ``name`` is its address (``bob``, ``#ops``, ``*``), ``kind`` as in ``Kind``.

    ``last_at`` in microseconds; ``excerpt`` is the beginning of what was said last, in one line, by ``said_by``
    ('' while it is not known). ``delivered`` and ``seen``: how far the other's server has, and somebody else
    has read, what was said. ``readers``: by user, as far as was heard.
    """

    id: int
    kind: str
    name: str
    last_seq: int = 0
    read_seq: int = 0
    unread: int = 0
    last_at: int = 0
    excerpt: str = ""
    said_by: str = ""
    delivered: int = 0
    seen: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    typists: dict[str, float] = field(default_factory=dict)
    """Who types → until when (monotonic seconds) that counts."""


class Talks:
    """Every conversation of ours."""

    def __init__(self, model: Model) -> None:
        self.loaded = False
        self._model = model
        self._talks: dict[int, Talk] = {}

    @property
    def rows(self) -> list[Talk]:
        """Newest first."""
        raise NotImplementedError

    @property
    def unread(self) -> int:
        """Messages that are not read, in all of them."""
        raise NotImplementedError

    def found(self, query: str) -> list[Talk]:
        """Those whose name has every word of ``query`` in it, whatever the case, newest first; '' = all."""
        raise NotImplementedError

    def named(self, address: str) -> Talk | None:
        """The conversation with this address, compared without case."""
        raise NotImplementedError

    def get(self, conversation: int) -> Talk | None:
        """The conversation with this number."""
        raise NotImplementedError

    def know(self, conversation: int, address: str) -> Talk:
        """There is a conversation with this number and address: it has just begun, or is known."""
        raise NotImplementedError

    async def load(self) -> None:
        """Ask for the list; what was said last in the newest of them comes a little later."""
        raise NotImplementedError

    def read(self, conversation: int, seq: int) -> None:
        """It was read here up to ``seq``."""
        raise NotImplementedError

    def typists(self, address: str) -> list[str]:
        """Who is typing there now, by name."""
        raise NotImplementedError

    # --- what is heard --------------------------------------------------------------------------

    def heard(self, event: MessageEvent, here: bool) -> None:
        """A message. ``here``: it is read as it comes; else it counts, and is told if it is not ours."""
        raise NotImplementedError

    def membership(self, event: MembershipEvent) -> None:
        """Somebody joined or left a group; if it was us, the list changes."""
        raise NotImplementedError

    def hint(self, event: TypingEvent | ReadEvent | DeliveredEvent | UndeliveredEvent | SetBack) -> None:
        """Marks move, somebody types, the server was set back."""
        raise NotImplementedError
