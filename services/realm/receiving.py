"""What peers deliver: messages and markers of their users, done by the handlers that do it for our own.

Belongs here: from items to commands and from their outcome to an answer. Not here: what a message or a marker
does (``services.messaging``), how often a peer may deliver (``house``), who its people are (``people``).

Theory of operation. A delivery is the head of what waits for us over there, in order. It is answered with the
number up to which everything is committed or refused for good; what lies behind that is offered again. A
delivery whose answer was lost comes again as a whole, perhaps with more behind it, and does no harm: a
message is known by its sender and id, and a marker moves forward alone. Only who left a group and came
back must not be taken out by the same word once more, so ``Peer.taken`` remembers how far this process got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise
from typing import Final

from protocol import commands
from protocol.addresses import checked_name, name_key
from protocol.envelope import unpack_body
from protocol.errors import FAILURES, OK, Failure, Invalid, NotFound, Retry, failure
from protocol.realms import Deliver, DeliverReply, Item, Refused
from services.context import pack_struct
from services.realm import people, reading
from services.realm.house import Carried, House, Peer, Reply, grant
from services.realm.presence import nudge
from services.storage import conversations, users
from services.storage.engine import Transaction
from services.storage.foreigners import Foreigner

SENTENCE_MAX: Final = 1024
CODE_MAX: Final = 32

MESSAGING: Final = frozenset(("message", "post", "read"))
"""Kinds that one service does, in one transaction as long as they follow each other."""
SAYING: Final = frozenset(("message", "post"))
"""Kinds by which somebody is met who was not known."""
KINDS: Final = MESSAGING | {"leave"}


def deliver(house: House, peer: Peer, body: Deliver, reply: Reply) -> None:
    """Do what was delivered, as far as possible, and answer how far that was."""
    items = body.items
    if any(later.n <= earlier.n for earlier, later in pairwise(items)):
        raise Invalid("The items are not in order.")
    delivery = Delivery(house, peer, items)
    delivery.do()
    delivery.answer(reply)


class Delivery:
    """One delivery. Places are indices of ``items``."""

    def __init__(self, house: House, peer: Peer, items: Sequence[Item]) -> None:
        self._house = house
        self._peer = peer
        self._items = items
        self._refused: dict[int, Failure] = {}
        self._people: dict[str, Foreigner] = {}
        """Who is known of those who have something to say, by ``name_key``."""
        self._stopped: tuple[int, str, bytes] | None = None
        """The first place that could not be done now: status and body of what was said."""

    def do(self) -> None:
        """Everything, in order, until something cannot be done now."""
        self._look()
        self._meet()
        for places in self._stretches():
            if self._items[places[0]].kind == "leave":
                self._leave(places)
            else:
                self._say(places)
            if self._stopped is not None:
                return

    def answer(self, reply: Reply) -> None:
        """Say how far it went; what could not even begin is answered with why."""
        done = len(self._items)
        if self._stopped is not None:
            done, status, body = self._stopped
            if not done:
                reply(status, body)
                return
        refused = [
            Refused(self._items[place].n, found.code[:CODE_MAX], found.message[:SENTENCE_MAX])
            for place, found in sorted(self._refused.items())
            if place < done
        ]
        last = self._items[done - 1].n if done else 0
        self._peer.taken = max(self._peer.taken, last)
        grant(reply, DeliverReply(last, refused))

    # --- who and what ---------------------------------------------------------------------------

    def _look(self) -> None:
        """Refuse what makes no sense, and whoever is not the peer's to speak for."""
        foreign = []
        for place, item in enumerate(self._items):
            try:
                _sensible(item)
            except people.ForeignSender as refusal:
                foreign.append(item.user)
                self._refused[place] = refusal
            except Failure as refusal:
                self._refused[place] = refusal
        if foreign:
            self._peer.people.log_foreign(foreign[0], len(foreign))

    def _meet(self) -> None:
        """Those who write for the first time, to somebody who is here; as many as there is room for."""
        theirs = self._peer.people
        self._people = theirs.find(self._items[place].user for place in self._fit())
        new = [place for place in self._fit() if self._says(place) and self._known(place) is None]
        if not new:
            return
        with self._house.store.read() as tx:
            away = {place for place in new if not _is_here(tx, self._items[place])}
        for place in away:
            self._refused[place] = _nobody(self._items[place])
        self._people |= theirs.meet(self._items[place].user for place in new if place not in away)
        nudge(self._house, self._peer.name)
        crowded = [place for place in new if place not in away and self._known(place) is None]
        for place in crowded:
            self._refused[place] = theirs.too_many()
        if crowded:
            self._house.gate.count(self._peer.name, "user beyond realm_users")

    def _known(self, place: int) -> Foreigner | None:
        return self._people.get(name_key(self._items[place].user))

    def _fit(self) -> Iterator[int]:
        return (place for place in range(len(self._items)) if place not in self._refused)

    def _says(self, place: int) -> bool:
        return self._items[place].kind in SAYING

    def _stretches(self) -> Iterator[list[int]]:
        """Places in order, cut where another service comes next.

        Who is not known has read nothing here and been in no group: there is nothing to be done for them.
        """
        theirs = (place for place in self._fit() if self._known(place) is not None)
        for _, places in groupby(theirs, lambda place: self._items[place].kind in MESSAGING):
            yield list(places)

    def _who(self, place: int) -> Foreigner:
        found = self._known(place)
        assert found is not None  # or it would have been refused
        return found

    # --- doing ----------------------------------------------------------------------------------

    def _say(self, places: list[int]) -> None:
        """Messages, posts and markers, in one transaction."""
        calls: list[Carried] = []
        replies: list[Reply] = []
        marks: list[reading.Marked] = []
        marked: int | None = None
        for place in places:
            item, who = self._items[place], self._who(place)
            if item.kind == "read":
                marks.append((who, item))
                marked = place if marked is None else marked
            else:
                calls.append(_MESSAGES[item.kind](who, item))
                replies.append(partial(self._heard, place))
        if marked is not None:
            with self._house.store.read() as tx:
                read = reading.carried(tx, marks)
            calls += read
            replies += [partial(self._marked, marked)] * len(read)
        self._house.carry(calls, replies)

    def _leave(self, places: list[int]) -> None:
        """Out of groups of ours, but for what an earlier try of the same delivery has done."""
        fresh = [place for place in places if self._items[place].n > self._peer.taken]
        calls = [_left(self._who(place), self._items[place]) for place in fresh]
        self._house.carry(calls, [partial(self._heard, place) for place in fresh])
        if self._stopped is None:
            self._peer.taken = max(self._peer.taken, self._items[places[-1]].n)

    def _heard(self, place: int, status: str, body: bytes) -> None:
        """What came of one of them."""
        if status != OK and not self._tried(place, status, body):
            self._refused[place] = failure(status, unpack_body(body))

    def _marked(self, place: int, status: str, body: bytes) -> None:
        """What came of a marker: one that is refused had nothing to mark."""
        if status != OK:
            self._tried(place, status, body)

    def _tried(self, place: int, status: str, body: bytes) -> bool:
        """Whether this is to be tried again, so that nothing from this place on counts as done."""
        kind = FAILURES.get(status)
        if kind is None or kind.retry is Retry.NEVER:
            return False
        if self._stopped is None or place < self._stopped[0]:
            self._stopped = place, status, body
        return True


# --- one item ---------------------------------------------------------------------------------


def _sensible(item: Item) -> None:
    """Raises the refusal of an item that no realm in its senses would deliver."""
    people.own(item.user)
    checked_name(item.to)
    if item.kind not in KINDS:
        raise Invalid(f"There is no item of the kind {item.kind[:CODE_MAX]!r}.")
    if item.id is None and item.kind != "leave":
        raise Invalid("An item of this kind has an id.")


def _is_here(tx: Transaction, item: Item) -> bool:
    """Whether there is anybody, or any group, that this could be about."""
    if item.kind == "message":
        return users.named(tx, item.to) is not None
    return conversations.keyed(tx, item.to) is not None


def _nobody(item: Item) -> Failure:
    """What is said of an item for nobody."""
    if item.kind == "message":
        return NotFound(f"There is no user {item.to}.")
    return NotFound(f"There is no group #{item.to}.")


def _message(who: Foreigner, item: Item) -> Carried:
    assert item.id is not None
    command = commands.Deliver(item.to, item.body, item.id, item.sent_at, item.file)
    return Carried("message.deliver", who.id, who.name, pack_struct(command))


def _post(who: Foreigner, item: Item) -> Carried:
    assert item.id is not None
    to = f"#{item.to}"
    if item.file is not None:
        command = commands.Deliver(to, item.body, item.id, item.sent_at, item.file)
        return Carried("message.deliver", who.id, who.name, pack_struct(command))
    return Carried("message.send", who.id, who.name, pack_struct(commands.Send(to, item.body, item.id)))


def _left(who: Foreigner, item: Item) -> Carried:
    return Carried("group.leave", who.id, who.name, pack_struct(commands.NameGroup(item.to)))


_MESSAGES: Final[dict[str, Callable[[Foreigner, Item], Carried]]] = {"message": _message, "post": _post}
