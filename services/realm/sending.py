"""What waits for a peer is delivered to it, in order, and its answer is written down and told to the senders.

Belongs here: one peer's outbox, read from its head and asked as ``deliver``. Not here: what puts something
into it (``services.messaging``, ``services.group``), the connection (``line``), what the peer does with it.

Theory of operation. One delivery is under way at a time, and the next begins behind what was answered; after
a lost answer the same is delivered again, perhaps with more behind it. So whatever is lost, doubled or late,
each delivery that arrives begins at or before the first item that is not done over there, and nothing can
overtake. An answer is written down while the next delivery is under way already; if we die before it
is, what it was about is delivered again, and known over there. A peer without the room says so, and is left
in peace for as long as it asks for; what it refuses for good goes to its sender, and nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from protocol import realms as language
from protocol.envelope import unpack_body
from protocol.errors import FAILURES, OK, Failure, Internal, Invalid, Retry, TooLarge, failure
from protocol.events import DeliveredEvent, UndeliveredEvent
from protocol.files import FileInfo
from protocol.realms import ITEMS_MAX, Deliver, DeliverReply, Item, Refused
from services.context import Context
from services.realm.enclosed import enclosed
from services.realm.house import House, Peer
from services.realm.line import LOST, Answer
from services.realm.sentences import plain
from services.storage import deliveries, outbox, recipients, refusals
from services.storage.deliveries import Undelivered
from services.storage.engine import StoreUnavailable
from services.storage.outbox import Waiting
from services.storage.refusals import Refusal

MOST: Final = ITEMS_MAX // 2
"""Items in one delivery. They are one transaction over there, for which everybody's own messages wait; yet
over a line on which an answer takes a fifth of a second it is still 2,000 messages a second."""
UNWRITTEN_MOST: Final = 4
"""Answers that our own store could not write down yet; beyond that nothing more is delivered."""
LEAST_PAUSE: Final = 0.05
FIRST_PAUSE: Final = 1.0
"""Seconds of peace after an answer that says nothing of when to try again; doubled while that goes on."""
LONGEST_PAUSE: Final = 60.0

SENTENCE_MAX: Final = 1024
"""Characters of why an item was refused."""

POISON: Final = (Invalid.code, TooLarge.code)
"""Answers to a whole delivery that lie in what it says, so that the same would be answered again."""


class Answered(NamedTuple):
    """A delivery and what was said to it: all up to ``last`` is done, or stands in ``refused``, by n."""

    batch: Sequence[Waiting]
    last: int
    refused: dict[int, Refused]


class Sending:
    """The part of a house that delivers what waits for one peer."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._peer = peer
        self._open = False
        self._after = 0
        """Everything up to this number was answered."""
        self._most = MOST
        self._asked_at = 0.0
        self._pauses = 0
        self._not_before = 0.0
        self._unwritten: list[Answered] = []

    def changed(self, up: bool) -> None:
        """The line went up or down."""
        self._open = False
        self._not_before = 0.0
        self._pauses = 0

    def turn(self) -> None:
        """Write down what was answered, and deliver what waits."""
        self._write_down()
        if self._free() and self._peer.realm.id in self._house.waits():
            self._deliver()

    # --- asking ---------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Ask for the next part, unless one is under way."""
        if not self._free():
            return
        with self._house.store.read() as tx:
            batch = outbox.waiting(tx, self._peer.realm.id, self._after, self._most, self._peer.pace.bytes)
            files = enclosed(tx, batch)
        if batch:
            items = Deliver([_item(entry, files.get(entry.n)) for entry in batch])
            self._asked_at = self._house.now
            self._open = self._peer.ask("deliver", items, partial(self._answered, batch))

    def _free(self) -> bool:
        """Whether something could be asked now."""
        if self._open or not self._peer.line.up or self._house.now < self._not_before:
            return False
        return len(self._unwritten) < UNWRITTEN_MOST

    def _answered(self, batch: Sequence[Waiting], answer: Answer) -> None:
        """The peer has answered, or never will."""
        self._open = False
        if answer is LOST:
            return
        try:
            found = self._read(batch, answer)
        except (ValueError, Failure):
            self._house.log.warning("not an answer", realm=self._peer.name, kind="deliver")
            self._wait(0.0)
            return
        if found is None:
            return
        self._after = found.last
        self._unwritten.append(found)
        self._deliver()
        self._write_down()

    def _read(self, batch: Sequence[Waiting], answer: Answer) -> Answered | None:
        """What was answered; None when nothing came of it. Nonsense raises ``ValueError`` or ``Failure``."""
        if answer.status != OK:
            return self._denied(batch, failure(answer.status, unpack_body(answer.body)))
        reply = language.read_reply(DeliverReply, answer.body)
        last = min(reply.n, batch[-1].n)
        if last < batch[0].n:
            self._wait(0.0)
            return None
        self._most = min(MOST, self._most * 2)
        self._peer.pace.answered(sum(entry.size for entry in batch), self._house.now - self._asked_at)
        self._pauses = 0
        return Answered(batch, last, {one.n: _harmless(one) for one in reply.refused if one.n <= last})

    def _denied(self, batch: Sequence[Waiting], refusal: Failure) -> Answered | None:
        """The whole delivery was refused.

        When that lies in what it says, ever smaller parts of it show what it is that cannot be taken.
        """
        if refusal.code not in POISON:
            self._house.log.info("delivery put off", realm=self._peer.name, code=refusal.code)
            self._wait(refusal.retry_after if refusal.retry is Retry.LATER else 0.0)
            return None
        if len(batch) > 1:
            self._most = len(batch) // 2
            self._house.stir()
            return None
        (entry,) = batch
        why = _harmless(Refused(entry.n, refusal.code, refusal.message))
        return Answered(batch, entry.n, {entry.n: why})

    def _wait(self, seconds: float) -> None:
        """Leave the peer in peace, for so long, or for ever longer when it did not say."""
        if not seconds:
            seconds = FIRST_PAUSE * 2 ** min(self._pauses, 10)
            self._pauses += 1
        pause = min(max(seconds, LEAST_PAUSE), LONGEST_PAUSE) * self._house.rng.uniform(1.0, 1.2)
        self._not_before = self._house.now + pause

    # --- writing down ---------------------------------------------------------------------------

    def _write_down(self) -> None:
        """What was answered leaves the outbox; its senders are told."""
        while self._unwritten:
            try:
                with self._house.write() as ctx:
                    self._settle(ctx, self._unwritten[0])
            except StoreUnavailable as error:
                self._house.log.warning("deliveries not stored", realm=self._peer.name, reason=str(error))
                return
            self._unwritten.pop(0)
            self._house.stir()

    def _settle(self, ctx: Context, answered: Answered) -> None:
        batch, last, refused = answered
        outbox.told(ctx.tx, self._peer.realm.id, last)
        done = [entry for entry in batch if entry.n <= last]
        marks = {
            entry.conversation: entry for entry in done if entry.kind == "message" and entry.n not in refused
        }
        deliveries.delivered(ctx.tx, {where: entry.seq for where, entry in marks.items()})
        sent_back = [entry for entry in done if entry.n in refused]
        if sent_back:
            self._sent_back(ctx, sent_back, refused)
        topics = recipients.topics(ctx.tx, {entry.user_id for entry in [*marks.values(), *sent_back]})
        for where, entry in marks.items():
            ctx.publish(topics[entry.user_id], DeliveredEvent(where, entry.seq))
        for event, entry in _undelivered(sent_back, refused):
            ctx.publish(topics[entry.user_id], event)

    def _sent_back(self, ctx: Context, entries: Sequence[Waiting], refused: dict[int, Refused]) -> None:
        """Remember what was refused, and why."""
        deliveries.refused(
            ctx.tx,
            [
                Undelivered(entry.conversation, entry.seq, refused[entry.n].code, refused[entry.n].message)
                for entry in entries
                if entry.kind == "message"
            ],
        )
        posts = [entry for entry in entries if entry.kind == "post"]
        outbox.dropped(ctx.tx, self._peer.realm.id, [entry.n for entry in posts])
        refusals.add(ctx.tx, [_refusal(entry, refused[entry.n]) for entry in posts])
        for code in {refused[entry.n].code for entry in entries}:
            count = sum(refused[entry.n].code == code for entry in entries)
            self._house.log.info("items refused", realm=self._peer.name, code=code, count=count)


def _harmless(refused: Refused) -> Refused:
    """What a peer said of an item, with a code that we know and a sentence that spoils no terminal."""
    code = refused.code if refused.code in FAILURES else Internal.code
    return Refused(refused.n, code, plain(refused.message, SENTENCE_MAX))


def _item(entry: Waiting, file: FileInfo | None) -> Item:
    return Item(
        entry.n,
        entry.kind,
        entry.user,
        entry.recipient,
        entry.message_id,
        entry.body,
        entry.sent_at,
        file,
    )


def _refusal(entry: Waiting, why: Refused) -> Refusal:
    id, size = entry.message_id or b"", entry.size + len(why.message.encode())
    return Refusal(
        entry.user_id, id, entry.conversation, entry.n, entry.body, entry.sent_at, why.code, why.message, size
    )


def _undelivered(
    entries: Sequence[Waiting], refused: dict[int, Refused]
) -> Iterator[tuple[UndeliveredEvent, Waiting]]:
    """What the senders of messages and posts hear."""
    for entry in entries:
        if entry.kind in ("message", "post"):
            why = refused[entry.n]
            yield (
                UndeliveredEvent(
                    entry.conversation, entry.seq, entry.message_id or b"", why.code, why.message
                ),
                entry,
            )
