"""Topics that many hold over one events socket, and what is heard on them, read once.

Belongs here: who holds what, when that must be told to the broker, and which frames are worth reading. It has
no socket. What an event means to a session is ``listening``'s.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Generic, TypeVar

from protocol.commands import Body, convert
from protocol.envelope import NotAnEnvelope, unpack_body, unpack_event
from protocol.errors import Invalid
from protocol.events import EVENTS
from protocol.limits import TOPIC_BYTES

H = TypeVar("H")

NEEDED: Final = frozenset({"message", "welcome", "topics", "membership"})
"""Kinds without which a session would miss what it must know."""
_KIND: Final = TOPIC_BYTES + 3
"""Where a frame has its kind: after the topic, a list of three, the version, and the kind's length."""
_SHORT_STR: Final = 0xA0
EPOCHS: Final = 64
"""Epochs whose order is remembered; sessions that know of an older one than that renew once too often."""


class Topic(Generic[H]):
    """One topic. ``epoch``: the broker's when it was subscribed to, by the order in which they were told."""

    __slots__ = ("epoch", "holders")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.holders: list[H] = []


class Topics(Generic[H]):
    """Every topic that is held. ``changes`` gathers what the events socket is to be told, in order."""

    def __init__(self) -> None:
        self.changes: list[tuple[bool, bytes]] = []
        """(subscribe?, topic)."""
        self._topics: dict[bytes, Topic[H]] = {}
        self._epochs: dict[int, int] = {}
        """Which one it was, of those that were told here: their numbers say nothing about their order."""
        self._told = 0

    def __len__(self) -> int:
        return len(self._topics)

    def __contains__(self, topic: bytes) -> bool:
        return topic in self._topics

    def holders(self, topic: bytes) -> list[H]:
        """Who holds it; not to be kept."""
        known = self._topics.get(topic)
        return known.holders if known is not None else []

    def hold(self, holder: H, topic: bytes, epoch: int | None) -> bool:
        """One more holds this topic, and knows this epoch of the broker (None: none yet).

        False: it holds it already.
        In a later epoch than the one it was subscribed in, the subscription may have been refused: it is
        renewed, by the first who knows, for all. Who does not know yet what others know renews nothing.
        """
        order = self._order(epoch)
        known = self._topics.get(topic)
        if known is None:
            known = self._topics[topic] = Topic(order)
            self.changes.append((True, topic))
        elif order > known.epoch:
            self.changes.append((False, topic))
            self.changes.append((True, topic))
            known.epoch = order
        if holder in known.holders:
            return False
        known.holders.append(holder)
        return True

    def release(self, holder: H, topic: bytes) -> bool:
        """One holds it no longer; the last one ends it. False: it did not hold it."""
        known = self._topics.get(topic)
        if known is None or holder not in known.holders:
            return False
        known.holders.remove(holder)
        if not known.holders:
            del self._topics[topic]
            self.changes.append((False, topic))
        return True

    def _order(self, epoch: int | None) -> int:
        """Which one it is of those that were told here; 0: none yet."""
        if epoch is None:
            return 0
        order = self._epochs.get(epoch)
        if order is None:
            self._told += 1
            order = self._epochs[epoch] = self._told
            if len(self._epochs) > EPOCHS:
                del self._epochs[next(iter(self._epochs))]
        return order


def kind_of(frame: bytes) -> str:
    """An event's kind, without reading the rest; '' when it has none, or not in the usual place."""
    if len(frame) <= _KIND or frame[_KIND - 1] & 0xE0 != _SHORT_STR:
        return ""
    return frame[_KIND : _KIND + (frame[_KIND - 1] & 0x1F)].decode("ascii", "replace")


def read(frame: bytes, kinds: Collection[str]) -> Body | None:
    """The event in a frame; None when it is of no kind that is wanted, or malformed."""
    if kind_of(frame) not in kinds:
        return None
    try:
        envelope = unpack_event(frame)
        struct = EVENTS.get(envelope.kind)
        return convert(unpack_body(envelope.body), struct) if struct is not None else None
    except (NotAnEnvelope, Invalid):
        return None
