"""How windows reach servers: their own over the trunks of a gateway, any other as every client does.

Belongs here: that, and for whom a window speaks. All browsers would else be this one process to the broker:
it would slow everybody's login for one who guesses passwords.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from client.chat import Chat
from client.trunk import Trunks
from protocol.events import EVENTS

if TYPE_CHECKING:
    from client.gui.serving.app import Serving


class Ways:
    """Those of one process. The trunks are made for the first who comes."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    @cached_property
    def _trunks(self) -> Trunks:
        log = self._serving.log
        return Trunks(
            self._serving.server,
            secret=self._serving.secret,
            kinds=EVENTS,
            on_refusal=lambda refusal: log.info("not believed to be a gateway", why=refusal.message),
        )

    def of(self, address: str) -> Callable[..., Chat]:
        """What makes a chat for somebody at this address: a server, and what ``Chat.connect`` takes."""

        def connect(server: str, **wishes: Any) -> Chat:
            if server != self._serving.server:
                return Chat.connect(server, **wishes)
            return Chat.connect(server, trunks=self._trunks, origin=address, **wishes)

        return connect

    def close(self) -> None:
        """Close the trunks, and every chat on them with them."""
        if "_trunks" in self.__dict__:
            self._trunks.close()
