"""``conversation.list`` and ``conversation.verify``: what there is, and whether it is all there."""

from __future__ import annotations

from typing import Final

from protocol.addresses import BROADCAST, Kind
from protocol.commands import ConversationInfo, ConversationsReply, ListConversations, Verify, VerifyReply
from services.context import Caller, Context
from services.messaging.locate import locate
from services.storage import conversations, messages
from services.storage.conversations import Listed

GAPS_NAMED: Final = 1000
"""Missing ranges named in one answer."""


def list_conversations(ctx: Context, caller: Caller, command: ListConversations) -> ConversationsReply:
    """The caller's conversations by number, a page at a time."""
    page = conversations.of_member(ctx.tx, caller.user_id, command.after, command.limit + 1)
    return ConversationsReply([_info(each) for each in page[: command.limit]], len(page) > command.limit)


def _info(each: Listed) -> ConversationInfo:
    direct = each.kind == Kind.DIRECT
    names = {Kind.DIRECT: each.partner, Kind.GROUP: f"#{each.name}", Kind.BROADCAST: BROADCAST}
    return ConversationInfo(
        each.id,
        each.kind,
        names[Kind(each.kind)],
        b"" if direct else each.topic,
        # A copy of another realm's group may still be filling up to where its member joined. That is where
        # their events begin, and nothing ever counts back.
        max(each.last_seq, each.read_seq),
        each.read_seq,
        max(each.unread, 0),
        each.last_at,
    )


def verify(ctx: Context, caller: Caller, command: Verify) -> VerifyReply:
    """Count what is stored, and name what is missing. Reads the whole conversation."""
    conversation = locate(ctx, caller, command).conversation
    count = messages.count(ctx.tx, conversation.id)
    missing = messages.gaps(ctx.tx, conversation.id, conversation.last_seq, GAPS_NAMED)
    complete = count == conversation.last_seq and not missing
    return VerifyReply(conversation.id, conversation.last_seq, count, complete, missing)
