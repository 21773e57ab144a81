"""``message.read`` and ``message.typing``: what members let each other know without saying it."""

from __future__ import annotations

from typing import Final

from protocol import backend
from protocol.commands import Empty, Read, ReadReply, Typing
from protocol.errors import Forbidden
from protocol.events import ReadEvent, TypingEvent
from services import hints
from services.context import Caller, Context
from services.messaging.locate import Place, address_of, at, locate
from services.messaging.outgoing import OVERHEAD, has_room
from services.storage import conversations, followers, members, messages, realms, recipients, users
from services.storage.members import Marker
from services.storage.messages import Sender
from services.storage.outbox import Entry

NEWEST_LOOKED_AT: Final = 1000
"""Messages newly read whose senders are looked for."""

SENDERS_TOLD: Final = 32
"""Senders told that they were read."""


def read(ctx: Context, caller: Caller, command: Read) -> ReadReply:
    """Move the caller's marker forward, never back, at most to the newest message."""
    place = locate(ctx, caller, command)
    number = place.conversation.id
    if not number:
        return ReadReply(0, 0, 0)
    old = members.locked(ctx.tx, number, caller.user_id)
    if old is None:
        raise Forbidden("You are not a member any more.")
    # Asked for only now: with the marker locked, none of the caller's own messages can slip in between.
    newest = conversations.last_seq(ctx.tx, number)
    seq = min(command.seq, newest)
    if seq <= old.read_seq:
        # A copy of another realm's group may still be filling up to where the caller joined.
        return ReadReply(number, old.read_seq, max(0, newest - old.read_seq - old.own_unread))
    new = Marker(seq, _own_behind(ctx, caller, place, old, seq, newest))
    members.set_marker(ctx.tx, number, caller.user_id, new)
    _tell(ctx, caller, place, old.read_seq, seq)
    return ReadReply(number, seq, newest - seq - new.own_unread)


def _own_behind(ctx: Context, caller: Caller, place: Place, old: Marker, seq: int, newest: int) -> int:
    """How many of the caller's own messages lie behind ``seq``, counted on the shorter side of it."""
    number, user = place.conversation.id, caller.user_id
    if not old.own_unread or seq == newest:
        return 0
    if seq - old.read_seq < newest - seq:
        return old.own_unread - messages.count_by(ctx.tx, number, user, old.read_seq, seq)
    return messages.count_by(ctx.tx, number, user, seq, newest)


def _tell(ctx: Context, caller: Caller, place: Place, before: int, seq: int) -> None:
    """Tell the caller's other devices, and those whose messages were read just now."""
    number = place.conversation.id
    senders = messages.senders(ctx.tx, number, before, seq, caller.user_id, NEWEST_LOOKED_AT, SENDERS_TOLD)
    own = recipients.topics(ctx.tx, [caller.user_id])
    topics = [sender.topic for sender in senders if not sender.realm]
    ctx.publish_on([*own.values(), *topics], ReadEvent(number, caller.user, seq))
    for sender in senders:
        if sender.realm and sender.user == place.partner:
            _tell_abroad(ctx, caller, number, sender, before, seq)


def _tell_abroad(
    ctx: Context, caller: Caller, conversation: int, sender: Sender, before: int, seq: int
) -> None:
    """Have the other one's realm told. There the message has another number, so its id is named."""
    realm = realms.named(ctx.tx, sender.realm)
    id = messages.newest_by(ctx.tx, conversation, sender.user, before, seq)
    user = users.numbered(ctx.tx, sender.user)
    if realm is None or id is None or user is None or not has_room(ctx, realm, caller.user_id):
        return
    name = user.name.partition("@")[0]
    ctx.queue(realm.id, Entry("read", caller.user_id, name, conversation, seq, id, "", OVERHEAD))


def typing(ctx: Context, caller: Caller, command: Typing) -> Empty:
    """Tell the other members. Stored nowhere."""
    place = at(ctx, caller, command.to)
    event = TypingEvent(place.conversation.id, caller.user)
    abroad = address_of(ctx.settings, command.to).realm
    if not place.partner:
        ctx.publish(place.conversation.topic, event)
        if abroad or followers.followed(ctx.tx, [place.conversation.id]):
            ctx.effect(backend.TELL, backend.REALM, hints.typing(caller.user, f"#{place.conversation.name}"))
    elif abroad:
        ctx.effect(backend.TELL, backend.REALM, hints.typing(caller.user, command.to))
    elif place.partner != caller.user_id:
        ctx.publish_on(recipients.topics(ctx.tx, [place.partner]).values(), event)
    return Empty()
