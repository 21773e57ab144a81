"""Copying: what was said in a group of another realm, stored under the numbers that its home gave.

Belongs here: the request ``push``, from a stranger's input to rows and events. Not here: who of us is a
member (``membership``), and how a home pushes (``following``).

Theory of operation. A copy is complete up to its ``last_seq``; a push that begins behind that leaves a gap
and is not taken, and what it says of earlier numbers is known already. The answer is always how far we have
it, so a home that lost count, or a copy that came out of a backup, finds its place.

The home vouches for its own users and for those of third realms. For ours it does not: a message is one of
our user's only if it stands in our outbox, word for word. Else it is stored as said by ``ani@a``, who is
nobody of ours though a is our own name.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Final

from protocol.addresses import name_key
from protocol.errors import Busy, Invalid
from protocol.events import MessageEvent
from protocol.realms import GroupMessage, Push, PushReply
from services.context import Context
from services.messaging import arriving
from services.realm.groups import membership, names
from services.realm.house import House, Peer, Reply, grant
from services.storage import copies, foreigners, members, messages, outbox, users
from services.storage.copies import Copy
from services.storage.engine import Duplicate
from services.storage.members import Marker

TRIES: Final = 3
"""How often a push is tried while others store messages with the same ids."""

CUT: Final = " … (cut here: longer than this server takes)"


class Sender:
    """Who said something, as we know them."""

    __slots__ = ("id", "name")

    def __init__(self, id: int, name: str) -> None:
        self.id = id
        self.name = name


def push(house: House, peer: Peer, body: Push, reply: Reply) -> None:
    """The request ``push``. Raises ``Invalid`` for one that no home in its senses would make."""
    senders = _sensible(house, peer, body)
    for _ in range(TRIES):
        try:
            with house.write() as ctx:
                answer = _take(ctx, peer, body, senders)
        except Duplicate:
            continue
        grant(reply, answer)
        return
    raise Busy("Others keep storing messages with these ids.", retry_after=0.5)


def _sensible(house: House, peer: Peer, body: Push) -> dict[str, str]:
    """The senders as they are called here, by what the home calls them."""
    names.user(body.group)
    if "@" in body.group:
        raise Invalid("A realm pushes groups of its own.")
    for place, message in enumerate(body.messages, body.after + 1):
        if message.seq != place:
            raise Invalid("The messages are not in order, or not all there.")
        if not message.body or "\0" in message.body:
            raise Invalid("A message has a text, and no character NUL in it.")
    if body.messages and body.messages[-1].seq > body.last_seq:
        raise Invalid("There are more messages than there should be.")
    ours = house.settings.realm
    return {said: names.here(said, ours, peer.name) for said in {each.sender for each in body.messages}}


def _take(ctx: Context, peer: Peer, body: Push, senders: dict[str, str]) -> PushReply:
    again = membership.settle(ctx, peer, body) if body.members is not None else False
    copy = copies.locked(ctx.tx, body.group, peer.name)
    if copy is None:
        return PushReply(0, again)
    name = f"{body.group}@{peer.name}"
    if copy.name != name:
        copies.rename(ctx.tx, copy.conversation, name)
        copy = copy._replace(name=name)
    copies.heard_of(ctx.tx, copy.conversation, body.last_seq)
    new = [message for message in body.messages if message.seq > copy.last_seq]
    if body.after > copy.last_seq or not new:
        return PushReply(copy.last_seq, again)
    Filling(ctx, peer, copy, new, senders).do()
    return PushReply(new[-1].seq, again)


class Filling:
    """One stretch of messages on its way into a copy. ``senders`` as ``_sensible`` found them."""

    def __init__(
        self, ctx: Context, peer: Peer, copy: Copy, new: list[GroupMessage], senders: dict[str, str]
    ) -> None:
        self._ctx = ctx
        self._peer = peer
        self._copy = copy
        self._new = new
        self._senders = senders
        self._most = ctx.settings.message_max_bytes

    def do(self) -> None:
        """Store, count and publish them."""
        ctx, copy = self._ctx, self._copy
        ours = self._proven()
        people = self._people(ours)
        who = [ours.get((self._senders[each.sender], each.id)) or people[each.sender] for each in self._new]
        ids = self._ids(who)
        rows = [
            (copy.conversation, each.seq, sender.id, id, self._text(each), min(each.sent_at, ctx.now))
            for each, sender, id in zip(self._new, who, ids, strict=True)
        ]
        messages.add(ctx.tx, rows)
        self._count(who, {sender.id for sender in ours.values()})
        copies.filled(ctx.tx, copy.conversation, self._new[-1].seq, rows[-1][5])
        for each, sender, row in zip(self._new, who, rows, strict=True):
            self._publish(each, sender, row[3], row[4], row[5])
        # The realm's row is the last that anybody locks (``Context.queue``).
        outbox.back(ctx.tx, self._peer.realm.id, [(sender.id, id) for (_, id), sender in ours.items()])

    # --- who said it ----------------------------------------------------------------------------

    def _proven(self) -> dict[tuple[str, bytes], Sender]:
        """Those messages that users of ours posted, by sender and id: they stand in the outbox."""
        claimed = [each for each in self._new if "@" not in self._senders[each.sender]]
        if not claimed:
            return {}
        found: dict[str, Sender] = {}
        for name in sorted({self._senders[each.sender] for each in claimed}):
            user = users.named(self._ctx.tx, name)
            if user is not None:
                found[name] = Sender(user.id, user.name)
        pairs = {
            (found[name].id, each.id): each
            for each in claimed
            if (name := self._senders[each.sender]) in found
        }
        posts = outbox.posts(self._ctx.tx, self._peer.realm.id, self._copy.conversation, pairs)
        return {
            (self._senders[each.sender], each.id): found[self._senders[each.sender]]
            for pair, each in pairs.items()
            if posts.get(pair) == each.body
        }

    def _people(self, ours: dict[tuple[str, bytes], Sender]) -> dict[str, Sender]:
        """Everybody else, by what the home calls them; made known here if they were not."""
        tx, realm = self._ctx.tx, self._ctx.settings.realm
        wanted = {
            each.sender: self._senders[each.sender]
            for each in self._new
            if (self._senders[each.sender], each.id) not in ours
        }
        found: dict[str, Sender] = {}
        room: dict[str, int] = {}
        for said, name in sorted(wanted.items(), key=lambda pair: name_key(pair[1])):
            bare, _, there = name.partition("@")
            who = foreigners.named(tx, bare, there or realm)
            if who is None:
                bare = bare if self._room(room, there or realm) else "?"
                there = there if bare != "?" else self._peer.name
                who = foreigners.met(tx, bare, there or realm, self._ctx.now)
            found[said] = Sender(who.id, who.name)
        return found

    def _room(self, room: dict[str, int], realm: str) -> bool:
        """Whether one more of this realm may be known; on another's word only half as many.

        ``room`` keeps for how many there still is: to count them for each would take a while, and everybody
        who writes waits for it.
        """
        if realm not in room:
            most = self._ctx.settings.realm_users
            most = most if realm == self._peer.name else most // 2
            room[realm] = most - foreigners.count(self._ctx.tx, realm)
        room[realm] -= 1
        return room[realm] >= 0

    def _ids(self, who: list[Sender]) -> list[bytes]:
        """The messages' ids; where one has been that sender's already, another, which is always the same.

        A home, or the sender itself, may give two messages one id; that must not stop the copy.
        """
        pairs = [(sender.id, each.id) for sender, each in zip(who, self._new, strict=True)]
        seen = set(messages.stored(self._ctx.tx, set(pairs)))
        ids = []
        for pair, each in zip(pairs, self._new, strict=True):
            place = f"{self._copy.conversation} {each.seq}".encode()
            ids.append(hashlib.sha256(place + each.id).digest()[:16] if pair in seen else each.id)
            seen.add(pair)
        return ids

    # --- what was said --------------------------------------------------------------------------

    def _text(self, message: GroupMessage) -> str:
        """The text, or as much of it as a message may have here."""
        body = message.body
        if len(body) * 4 <= self._most or len(body.encode()) <= self._most:
            return body
        return body.encode()[: self._most - len(CUT.encode())].decode(errors="ignore") + CUT

    def _count(self, who: list[Sender], ours: set[int]) -> None:
        """Messages of our own users do not count as unread for those who said them."""
        tx, conversation = self._ctx.tx, self._copy.conversation
        markers: dict[int, Marker] = {}
        for user in sorted(ours):
            marker = members.locked(tx, conversation, user)
            if marker is not None:
                markers[user] = marker
        own = Counter(
            (conversation, sender.id)
            for sender, each in zip(who, self._new, strict=True)
            if sender.id in markers and each.seq > markers[sender.id].read_seq
        )
        if own:
            members.sent(tx, own)

    def _publish(self, message: GroupMessage, sender: Sender, id: bytes, body: str, sent_at: int) -> None:
        """Tell our members, but of what is older than the time when the first of them joined."""
        ctx, copy = self._ctx, self._copy
        file = None
        if message.file is not None:
            file = arriving.attach(
                ctx, self._peer.realm.id, copy.conversation, message.seq, sender.id, id, message.file
            )
        if message.seq > copy.begun_seq:
            where, to = copy.conversation, f"#{copy.name}"
            event = MessageEvent(where, message.seq, sender.name, to, body, sent_at, id, file)
            ctx.publish(copy.topic, event)
