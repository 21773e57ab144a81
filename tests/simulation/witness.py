"""Whoever sees everything at once: what must never happen, not even for a moment, is looked for here.

Here: every transaction, acknowledgement, event and answer as it comes about, held against what is stored.
What may be looked at only now and then, or must hold only in the end, is in ``rules``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from protocol.commands import HistoryReply
from protocol.envelope import unpack_body, unpack_event
from protocol.events import MessageEvent
from tests.simulation.ledger import Row

if TYPE_CHECKING:
    from tests.simulation.device import Device, Letter
    from tests.simulation.world import World


class Witness:
    """Of one run. ``digest`` is of everything that was handed out, and when."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._book = world.book
        self.digest = 0
        self._letters: dict[tuple[str, bytes], tuple[Device, Letter]] = {}
        self._latest: dict[tuple[Device, int], Letter] = {}
        """The message of a device that was stored last, by conversation."""
        self._handed: dict[tuple[Device, int], int] = {}
        """The newest message that was ever handed to a device, by conversation."""

    # --- what is stored -------------------------------------------------------------------------

    def written(self, device: Device, letter: Letter) -> None:
        """A person has written a message."""
        self._letters[device.user, letter.id] = device, letter

    def committed(self) -> None:
        """A transaction is over."""
        for sentence in self._book.look():
            self._world.violated(sentence)
        if self._book.fresh:
            fresh, self._book.fresh = self._book.fresh, []
            for row in fresh:
                self._stored(row)

    def _stored(self, row: Row) -> None:
        """One device's messages are stored in the order in which they were written.

        But for one that was refused: what is left of its flights may arrive whenever it likes.
        """
        found = self._written(row)
        if found is None:
            self._world.violated(f"{row.sender}'s {row.body!r} was never written")
            return
        device, letter = found
        if letter.body != row.body:
            self._world.violated(f"{device.name}'s {letter.body!r} is stored as {row.body!r}")
        latest = self._latest.get((device, row.conversation))
        if latest is not None and latest.place > letter.place and letter.state != "refused":
            self._world.violated(f"{device.name}'s {letter.body!r} is stored behind {latest.body!r}")
        if latest is None or latest.place < letter.place:
            self._latest[device, row.conversation] = letter

    def _written(self, row: Row) -> tuple[Device, Letter] | None:
        """Who wrote it, be it in another realm; there it was stored first, unless it was said in a group."""
        name, _, realm = row.sender.partition("@")
        neighbour = self._world.neighbour
        if realm in ("", self._world.settings.realm) or neighbour is None:
            # By its whole name one of ours stands in a copy that was made anew: nothing here proves it.
            return self._letters.get((name, row.id))
        theirs = neighbour.witness
        if row.conversation in self._book.abroad() and (name, row.id) not in theirs._book.ledger.place:
            self._world.violated(f"{row.sender}'s {row.body!r} is here and not where it was written")
        return theirs._letters.get((name, row.id))

    def acknowledged(self, device: Device, letter: Letter) -> None:
        """A client was told that its message is stored: so it must be, now."""
        self._world.counts["acknowledged"] += 1
        if not letter.seq:
            self._world.counts["posts taken"] += 1
            return  # its number is another realm's to give
        found = self._book.message(device.user, letter.id)
        if found != [(letter.conversation, letter.seq)] and letter.conversation in self._book.conversations():
            self._world.violated(f"{device.name}'s {letter.body!r} was acknowledged and is stored at {found}")

    # --- what is told ---------------------------------------------------------------------------

    def published(self, frame: bytes) -> None:
        """The broker lets an event out: nobody can be told of what is not stored, or otherwise than it is."""
        event = unpack_event(frame)
        if event.kind != "message":
            return
        body = unpack_body(event.body)
        place = body["conversation"], body["seq"]
        if self._book.ledger.contradicted(*place, body["from"], body["id"], body["body"]):
            self._world.violated(f"an event says that {place} is {body['from']}'s {body['body']!r}")

    def overheard(self, device: Device, frame: bytes) -> None:
        """An event reached a device over the wire: it must have been for its user."""
        event = unpack_event(frame)
        if event.kind == "message":
            body = unpack_body(event.body)
            conversation, seq = body["conversation"], body["seq"]
            if not self._book.may_hear(device.user, conversation, seq):
                self._world.violated(
                    f"{device.name} was sent {conversation}/{seq}, which is not for {device.user}"
                )

    def looked_up(self, device: Device, reply: HistoryReply) -> None:
        """A page of history: it has no hole, and says what is stored."""
        place = reply.conversation
        if [message.seq for message in reply.messages] != list(range(reply.first, reply.last + 1)):
            self._world.violated(f"{device.name} was shown {place} with a hole in it")
        for message in reply.messages:
            if self._book.ledger.contradicted(place, message.seq, message.sender, message.id, message.body):
                self._world.violated(f"{device.name} was shown {place}/{message.seq} as {message.body!r}")

    # --- what is handed out ---------------------------------------------------------------------

    def begins(self, device: Device, conversation: int, seq: int) -> None:
        """A device says from where on it hears a conversation: not from behind what it has heard."""
        heard = (device.heard or {}).get(conversation)
        if heard is not None and heard != seq:
            self._world.violated(f"{device.name} heard {conversation} up to {heard} and goes on from {seq}")

    def handed_out(self, device: Device, event: MessageEvent, heard: int | None) -> None:
        """A client hands a message to its program: the next one, always, once, and as it is stored."""
        world, conversation, seq = self._world, event.conversation, event.seq
        world.counts["handed out"] += 1
        told = f"{world.clock.now} {device.name} {conversation} {seq}"
        self.digest = crc32(told.encode(), self.digest)
        if heard is None or seq != heard + 1:
            world.violated(f"{device.name} heard {conversation}/{seq} after {heard}")
        if seq <= self._handed.get((device, conversation), 0):
            world.violated(f"{device.name} heard {conversation}/{seq} twice")
        self._handed[device, conversation] = seq
        if self._book.ledger.contradicted(conversation, seq, event.sender, event.id, event.body):
            world.violated(f"{device.name} heard {conversation}/{seq} as {event.sender}'s {event.body!r}")
