"""Builds that are broken on purpose in what they do between realms, each in one place.

As ``broken``, for runs of two realms.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from protocol.body import Body
from protocol.errors import OK
from protocol.realms import Deliver, DeliverReply
from services.context import pack_struct
from services.realm.house import Peer, Reply
from services.realm.line import Answer
from services.realm.receiving import Delivery
from services.storage import outbox
from services.storage.outbox import Waiting
from tests.simulation.broken import BUILDS, Broken


def trusting() -> AbstractContextManager[Any]:
    """What was sent counts as delivered: nobody waits for an answer."""
    real = Peer.ask

    def ask(self: Peer, kind: str, body: Body, then: Callable[[Answer], None]) -> bool:
        if not isinstance(body, Deliver):
            return real(self, kind, body, then)
        if real(self, kind, body, lambda answer: None):
            then(Answer(OK, pack_struct(DeliverReply(body.items[-1].n, []))))
        return False

    return patch.object(Peer, "ask", ask)


def _boasting() -> AbstractContextManager[Any]:
    """The answer to a delivery says that all of it is done, though some of it could not be done now."""
    real = Delivery.answer

    def answer(self: Delivery, reply: Reply) -> None:
        self._stopped = None
        real(self, reply)

    return patch.object(Delivery, "answer", answer)


def _selective() -> AbstractContextManager[Any]:
    """Of many that wait only the newest are delivered."""
    real = outbox.waiting

    def waiting(*arguments: Any) -> list[Waiting]:
        return real(*arguments)[-5:]

    return patch.object(outbox, "waiting", waiting)


BETWEEN = {
    "sent taken for delivered": Broken(trusting, likely=3),
    "answers that say more than was done": Broken(_boasting, likely=3),
    "only the newest delivered": Broken(_selective),
    "forget the dedupe": replace(BUILDS["forget the dedupe"], likely=7),
}
"""Every build that is broken between realms, by what it does wrong."""
