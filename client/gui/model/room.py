"""The conversation that is open: its messages as rows in pages, what was typed into it, what is read.

Belongs here: which messages are loaded, and when which are let go again. How rows are made of messages is
``rows``'s, the list of all conversations ``talks``'.

Messages are loaded in pages. Whoever draws keeps a page's height; a page that is far from what is seen is let
go (``rows`` is None) and takes its place as that height, until it comes near again. So a room of any length
scrolls, and costs a few pages. While somebody reads older messages (``following`` is false) nothing is added
at the bottom, so that nothing moves under their eyes: ``held`` counts what waits there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from client.gui.model.problem import Problem
from client.gui.model.rows import Row
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

PAGE: Final = 50
"""Messages loaded at a time."""
KEPT: Final = 8
"""Pages around what is seen that hold their rows."""


@dataclass
class Page:
    """Messages ``first`` to ``last`` (seq). ``rows``: None while it is let go. ``version`` grows as rows change.

    ``height`` in pixels as it was last drawn, 0 when it never was: the view's to keep.
    """

    number: int
    first: int
    last: int
    rows: list[Row] | None = field(default_factory=list)
    version: int = 0
    height: float = 0.0


class Room:
    """An open conversation. ``pages``: oldest first, the last one grows. ``waiting``: rows behind them, which
    the server has not answered for.

    ``loading``: its first messages have not come. ``older_loading``: older ones were asked for. ``at_start``:
    there are no older ones. ``new_at``: seq of the first message that was unread when it was opened, 0 when
    none was. ``held``: messages that came while somebody read older ones.
    """

    def __init__(self, model: Model, address: str) -> None:
        self.address = address
        self.conversation = 0
        self.pages: list[Page] = []
        self.waiting: list[Row] = []
        self.loading = True
        self.older_loading = False
        self.at_start = False
        self.following = True
        self.held = 0
        self.new_at = 0
        self.unread_at_opening = 0
        self._model = model

    @property
    def kind(self) -> str:
        """As in ``Kind``."""
        raise NotImplementedError

    def is_at(self, address: str) -> bool:
        """Whether this is the conversation with that address, compared without case."""
        raise NotImplementedError

    # --- messages -------------------------------------------------------------------------------

    async def load(self) -> Problem | None:
        """Its latest messages, enough to have the first unread one among them (if that is not far)."""
        raise NotImplementedError

    async def refresh(self) -> None:
        """The server is back: marks that moved meanwhile. Messages come by themselves."""
        raise NotImplementedError

    async def older(self) -> None:
        """One page more at the top. Harmless when there is none, or one is under way."""
        raise NotImplementedError

    def near(self, first: int, last: int) -> None:
        """Pages ``first`` to ``last`` (by position in ``pages``) are seen: have them and those around them
        hold rows, and let others go."""
        raise NotImplementedError

    def follow(self, following: bool) -> None:
        """Whether the newest messages are seen. When they are again, what was held is added."""
        raise NotImplementedError

    def to_newest(self) -> None:
        """Forget what is loaded above, if it is much, and show the newest messages."""
        raise NotImplementedError

    def read(self) -> None:
        """What is seen is read: move the marker, now or when the server is back."""
        raise NotImplementedError

    # --- what is typed --------------------------------------------------------------------------

    @property
    def draft(self) -> str:
        """What was begun here and not sent; kept for each conversation."""
        raise NotImplementedError

    def typed(self, text: str) -> None:
        """The text being typed has changed: keep it as the draft, and tell the others that we are typing."""
        raise NotImplementedError

    def say(self, text: str) -> bool:
        """Send what was typed; False when it is nothing but blanks. The draft is empty then."""
        raise NotImplementedError

    @property
    def typists(self) -> list[str]:
        """Who else is typing now, by name."""
        raise NotImplementedError

    # --- what is heard --------------------------------------------------------------------------

    def heard(self, event: MessageEvent) -> bool:
        """A message; whether it is of this conversation, and seen as it comes."""
        raise NotImplementedError

    def hint(self, event: TypingEvent | ReadEvent | DeliveredEvent | UndeliveredEvent | SetBack) -> None:
        """Marks move, somebody types, the server was set back."""
        raise NotImplementedError

    def membership(self, event: MembershipEvent) -> None:
        """Somebody joined or left; if it was us, the room is closed by the model."""
        raise NotImplementedError

    def outbox_changed(self) -> None:
        """Messages of ours wait, were sent, or were refused: ``waiting`` is made anew."""
        raise NotImplementedError

    def close(self) -> None:
        """It is not open any more."""
        raise NotImplementedError
