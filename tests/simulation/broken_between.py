"""Builds that are broken on purpose in what they do between realms, each in one place.

As ``broken``, for runs of two realms.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from protocol.errors import OK
from protocol.realms import DeliverReply
from services.context import pack_struct
from services.realm.line import LOST, Answer
from services.realm.sending import MOST_BYTES, Sending
from services.storage import outbox
from services.storage.outbox import Waiting
from tests.simulation.broken import BUILDS, Broken


def trusting() -> AbstractContextManager[Any]:
    """Who does not answer has understood: what was delivered counts as done, whatever became of it."""
    real = Sending._answered

    def answered(self: Sending, batch: Sequence[Waiting], answer: Answer) -> None:
        if answer is LOST:
            answer = Answer(OK, pack_struct(DeliverReply(batch[-1].n, [])))
        real(self, batch, answer)

    return patch.object(Sending, "_answered", answered)


def _hasty() -> AbstractContextManager[Any]:
    """The next delivery begins behind what was asked, before it was answered."""
    real = Sending._deliver

    def deliver(self: Sending) -> None:
        for _ in range(4):
            self._open = False
            with self._house.store.read() as tx:
                batch = outbox.waiting(tx, self._peer.realm.id, self._after, self._most, MOST_BYTES)
            real(self)
            if self._open:
                self._after = batch[-1].n

    return patch.object(Sending, "_deliver", deliver)


def _selective() -> AbstractContextManager[Any]:
    """Of many that wait only the newest are delivered."""
    real = outbox.waiting

    def waiting(*arguments: Any) -> list[Waiting]:
        return real(*arguments)[-5:]

    return patch.object(outbox, "waiting", waiting)


BETWEEN = {
    "silence taken for consent": Broken(trusting),
    "deliveries that do not wait for each other": Broken(_hasty),
    "only the newest delivered": Broken(_selective),
    "forget the dedupe": BUILDS["forget the dedupe"],
}
"""Every build that is broken between realms, by what it does wrong."""
