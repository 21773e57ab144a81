"""Read markers between realms: what a peer's user has read of our users' messages.

Each realm has its own numbers in a direct conversation, so a marker travels as the id of the newest message
that was read. Not here: what puts one into the outbox (``services.messaging.reading``).
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.commands import Read
from protocol.realms import Item
from services.context import pack_struct
from services.realm.house import Carried
from services.storage import conversations, messages, users
from services.storage.engine import Transaction
from services.storage.foreigners import Foreigner

Marked = tuple[Foreigner, Item]
"""Who has read, and what they said about it."""


def carried(tx: Transaction, marks: Sequence[Marked]) -> list[Carried]:
    """The markers as commands of those who moved them; of several in one conversation only the last.

    A marker at a message that is not known, or that is no message between these two, is passed over: it
    was never theirs, or it is gone, and then there is nothing to mark.
    """
    last = {(who.id, item.to.lower()): (who, item) for who, item in marks}
    wanted = {}
    for who, item in last.values():
        ours = users.named(tx, item.to)
        if ours is not None and item.id is not None:
            wanted[ours.id, item.id] = who
    found = messages.stored(tx, wanted)
    calls = []
    for (ours_id, id), who in wanted.items():
        message = found.get((ours_id, id))
        if message is not None and _between(tx, message.conversation, ours_id, who.id):
            body = pack_struct(Read(message.seq, message.conversation))
            calls.append(Carried("message.read", who.id, who.name, body))
    return calls


def _between(tx: Transaction, conversation: int, one: int, other: int) -> bool:
    """Whether it is the direct conversation of these two."""
    found = conversations.numbered(tx, conversation)
    return found is not None and {found.user_low, found.user_high} == {one, other}
