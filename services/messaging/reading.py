"""``message.read`` and ``message.typing``: what members let each other know without saying it."""

from __future__ import annotations

from typing import Final

from protocol.commands import Empty, Read, ReadReply, Typing
from protocol.errors import Forbidden
from protocol.events import ReadEvent, TypingEvent
from services.context import Caller, Context
from services.messaging.locate import Place, at, locate
from services.storage import conversations, members, messages, recipients
from services.storage.members import Marker

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
    _tell(ctx, caller, number, old.read_seq, seq)
    return ReadReply(number, seq, newest - seq - new.own_unread)


def _own_behind(ctx: Context, caller: Caller, place: Place, old: Marker, seq: int, newest: int) -> int:
    """How many of the caller's own messages lie behind ``seq``, counted on the shorter side of it."""
    number, user = place.conversation.id, caller.user_id
    if not old.own_unread or seq == newest:
        return 0
    if seq - old.read_seq < newest - seq:
        return old.own_unread - messages.count_by(ctx.tx, number, user, old.read_seq, seq)
    return messages.count_by(ctx.tx, number, user, seq, newest)


def _tell(ctx: Context, caller: Caller, conversation: int, before: int, seq: int) -> None:
    """Tell the caller's other devices, and those whose messages were read just now."""
    topics = messages.sender_topics(
        ctx.tx, conversation, before, seq, caller.user_id, NEWEST_LOOKED_AT, SENDERS_TOLD
    )
    own = recipients.topics(ctx.tx, [caller.user_id])
    ctx.publish_on([*own.values(), *topics], ReadEvent(conversation, caller.user, seq))


def typing(ctx: Context, caller: Caller, command: Typing) -> Empty:
    """Tell the other members. Stored nowhere."""
    place = at(ctx, caller, command.to)
    event = TypingEvent(place.conversation.id, caller.user)
    if not place.partner:
        ctx.publish(place.conversation.topic, event)
    elif place.partner != caller.user_id:
        ctx.publish_on(recipients.topics(ctx.tx, [place.partner]).values(), event)
    return Empty()
