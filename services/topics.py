"""Replacing topics, so that who once knew one and may no longer listen hears nothing more.

A topic is a capability: it cannot be taken back, only replaced. The old topic then carries one last
word, that there is a new one, and never which; members ask for it. Used by the group service when
someone leaves, and by the auth service whenever a session ends.
"""

from __future__ import annotations

from typing import Final

from protocol.addresses import TopicKind, new_topic
from protocol.events import TopicsEvent
from services.context import Context
from services.storage import groups, users

MOST_TOLD: Final = 1000
"""User topics told of one replacement. The old topic tells all who listen; this is the second way."""


def replace_conversation(ctx: Context, conversation: int, old: bytes) -> None:
    """Give a conversation another topic and say so on the old one."""
    groups.set_topic(ctx.tx, conversation, new_topic(TopicKind.CONVERSATION))
    ctx.publish(old, TopicsEvent(conversation))


def replace_group(ctx: Context, group: groups.Group) -> None:
    """Give a group another topic and say so on the old one and to each member."""
    replace_conversation(ctx, group.id, group.topic)
    ctx.publish_on(groups.member_topics(ctx.tx, group.id, MOST_TOLD), TopicsEvent(group.id))


def replace_user(ctx: Context, user: users.User) -> bytes:
    """Give a user another topic of their own and say so on the old one; the new one."""
    topic = new_topic(TopicKind.USER)
    users.set_topic(ctx.tx, user.id, topic)
    ctx.publish(user.topic, TopicsEvent())
    return topic


def replace_heard_by(ctx: Context, user: users.User) -> bytes:
    """Replace every topic that a device of the user has known: their own, their groups', everyone's.

    The old topics say which conversation it is; those who share a group hear once, on their own
    topic, that some topic has changed. The user's new topic. Whoever calls this holds the user's row.
    """
    own = replace_user(ctx, user)
    for conversation, topic in groups.heard_by(ctx.tx, user.id):
        replace_conversation(ctx, conversation, topic)
    ctx.publish_on(groups.companion_topics(ctx.tx, user.id, MOST_TOLD), TopicsEvent())
    return own
