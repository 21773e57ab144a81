"""Who has opened a window, as far as whoever serves it knows.

Belongs here: the values, and where a window finds them. ``serving`` sets them for a browser's tab; on the
desktop there are none, and this machine's own count.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.chat import Chat
    from client.gui.model.keeping import Keeping
    from client.gui.model.model import Model
    from client.gui.views.window import Doors


@dataclass(frozen=True)
class Visit:
    """``languages`` as in Accept-Language, ``zone`` a name such as Asia/Jakarta ('' = this machine's).

    ``server``: the connection string that the window begins with; ``fixed``: and no other may be named.
    ``device``: what the list of sessions shows. ``doors`` and ``keeping`` make, for a page (and its model),
    where files come in and go out, and where texts are kept; None: the desktop's. ``origin`` is the network
    address that the visit counts by. ``chats`` makes a chat as ``Chat.connect`` does, which None stands for.
    """

    languages: str = ""
    zone: str = ""
    server: str = ""
    fixed: bool = False
    device: str = ""
    doors: Callable[[Any, Model], Doors] | None = None
    keeping: Callable[[Any], Keeping] | None = None
    origin: str = ""
    chats: Callable[..., Chat] | None = None


visit: ContextVar[Visit] = ContextVar("visit", default=Visit())  # noqa: B039  # it is frozen
"""Set before Flet begins a page, and inherited by everything that the page does."""
