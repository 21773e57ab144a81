"""Ways to break messages, conversations, groups and memberships, at least one for each rule."""

from __future__ import annotations

from tests.services.admin.damage import Damage, also

TALK = (
    Damage(
        "messages.numbers",
        "conversation {pair} has a message with the number 0",
        ("update messages set seq = 0 where conversation_id = {pair} and seq = 1",),
        also=also("messages.holes"),
    ),
    Damage(
        "messages.holes",
        "conversation {pair} lacks 3..4",
        ("delete from messages where conversation_id = {pair} and seq in (3, 4)",),
        also=also("members.unread"),  # one of them was unread, and its sender's own
    ),
    Damage(
        "messages.holes",
        "conversation {pair} lacks 1..1",
        ("delete from messages where conversation_id = {pair} and seq in (1, 3)",),
        problems=2,
    ),
    Damage(
        "messages.doubles",
        "conversation {pair} has 2 messages with the number 2",
        ("update messages set seq = 2 where conversation_id = {pair} and seq = 3",),
        loosen="messages",
        also=also("messages.holes"),
    ),
    Damage(
        "messages.ids",
        "user {ani} has 2 messages with one id, the first in conversation {pair}",
        (
            "drop index messages_by_id",
            "update messages set id = (select id from messages where conversation_id = {pair} and seq = 1)"
            " where conversation_id = {pair} and seq = 3",
        ),
        also=also("schema.objects"),
    ),
    Damage(
        "messages.form",
        "message 2 of conversation {pair}",
        (
            "update messages set body = '' where conversation_id = {pair} and seq = 2",
            "update messages set id = substr(id, 2) where conversation_id = {pair} and seq = 4",
        ),
        problems=2,
    ),
    Damage(
        "messages.conversations",
        "messages 1..6 of conversation 99",
        (
            "update messages set conversation_id = 99 where conversation_id = {pair}",
            "update conversations set last_seq = 0, last_at = 0 where id = {pair}",
            "update members set read_seq = 0, own_unread = 0 where conversation_id = {pair}",
        ),
    ),
    Damage(
        "messages.senders",
        "message 4 of conversation {ops} is from user 99",
        ("update messages set sender_id = 99 where conversation_id = {ops} and seq = 4",),
    ),
    Damage(
        "messages.strangers",
        "message 1 of conversation {pair} is from user {citra}",
        ("update messages set sender_id = {citra} where conversation_id = {pair} and seq = 1",),
    ),
    Damage(
        "conversations.last_seq",
        "conversation {notes} counts up to 3, its newest message is 1",
        ("update conversations set last_seq = 3 where id = {notes}",),
    ),
    Damage(
        "conversations.last_seq",
        "conversation {pair} counts up to 6, its newest message is 5",
        ("delete from messages where conversation_id = {pair} and seq = 6",),
        also=also("conversations.last_at", "members.unread"),
    ),
    Damage(
        "conversations.last_at",
        "conversation {ops}: 7 and not ",
        ("update conversations set last_at = 7 where id = {ops}",),
    ),
    Damage(
        "conversations.broadcast",
        "there are 2",
        (
            "insert into conversations (kind, name_key, topic, created_at)"
            " select 'broadcast', null, topic, 0 from conversations where id = {everyone}",
        ),
        also=also("conversations.names", "topics.doubles"),
    ),
    Damage(
        "conversations.broadcast",
        "there are 0",
        (
            "delete from messages where conversation_id = {everyone}",
            "delete from members where conversation_id = {everyone}",
            "delete from conversations where id = {everyone}",
        ),
        also=also("users.everyone"),
    ),
    Damage(
        "conversations.names",
        "conversation {everyone}, broadcast",
        (
            "update conversations set name_key = 'Ops' where id = {ops}",
            "update conversations set name_key = null where id = {everyone}",
            "update conversations set name = 'talk' where id = {pair}",
        ),
        problems=3,
    ),
    Damage(
        "conversations.one_name",
        "conversations {everyone} and {ops}",
        ("update conversations set name_key = '*' where id = {ops}",),
        loosen="conversations",
        also=also("conversations.names"),
    ),
    Damage(
        "conversations.pairs",
        "conversation {pair}, direct",
        (
            "update conversations set user_low = user_high, user_high = user_low where id = {pair}",
            "update conversations set user_low = {ani}, user_high = {budi} where id = {ops}",
        ),
        problems=2,
    ),
    Damage(
        "conversations.one_pair",
        "conversations {pair} and {notes}",
        ("update conversations set user_low = {ani}, user_high = {budi} where id = {notes}",),
        loosen="conversations",
        also=also("conversations.company", "messages.strangers"),
    ),
    Damage(
        "conversations.partners",
        "conversation {pair}: users {ani} and 99",
        ("update conversations set user_high = 99 where id = {pair}",),
        also=also("conversations.company", "messages.strangers"),
    ),
    Damage(
        "conversations.company",
        "conversation {pair} has 1 members, 1 of its users among them",
        (
            "delete from members where conversation_id = {pair} and user_id = {budi}",
            "insert into members (conversation_id, user_id, joined_at) values ({notes}, {citra}, 0)",
        ),
        problems=2,
    ),
    Damage(
        "conversations.topics",
        "conversation {pair}",
        (
            "update conversations set topic = substr(topic, 1, 15) where id = {pair}",
            "update conversations set topic = (select topic from users where id = {ani}) where id = {ops}",
        ),
        problems=2,
        also=also("topics.doubles"),
    ),
    Damage(
        "groups.members",
        "group {ops}",
        ("delete from members where conversation_id = {ops}",),
        also=also("groups.creators"),
    ),
    Damage(
        "groups.creators",
        "group {ops}: user {dewi}",
        ("update conversations set creator_id = {dewi} where id = {ops}",),
    ),
    Damage(
        "groups.creators",
        "group {ops}: user 0",
        ("update conversations set creator_id = null where id = {ops}",),
    ),
    Damage(
        "groups.passwords",
        "conversation {pair}",
        (
            "update conversations set password = 'please' where id = {ops}",
            "update conversations set password ="
            " (select password from users where id = {ani}) where id = {pair}",
        ),
        problems=2,
    ),
    Damage(
        "members.conversations",
        "user {ani} in conversation 99",
        ("insert into members (conversation_id, user_id, joined_at) values (99, {ani}, 0)",),
    ),
    Damage(
        "members.users",
        "user 99 in conversation {ops}",
        ("insert into members (conversation_id, user_id, joined_at) values ({ops}, 99, 0)",),
    ),
    Damage(
        "members.doubles",
        "user {ani} in conversation {pair}, 2 times",
        ("insert into members select * from members where conversation_id = {pair} and user_id = {ani}",),
        loosen="members",
        also=also("conversations.company"),
    ),
    Damage(
        "members.departures",
        "user {ani} in conversation {ops}",
        ("insert into departures (user_id, conversation_id) values ({ani}, {ops})",),
    ),
    Damage(
        "members.read_seq",
        "user {budi} in conversation {pair} has read up to 7 of 6",
        (
            "update members set read_seq = 7, own_unread = 0"
            " where conversation_id = {pair} and user_id = {budi}",
        ),
    ),
    Damage(
        "members.read_seq",
        "user {budi} in conversation {ops} has read up to -1 of 4",
        ("update members set read_seq = -1 where conversation_id = {ops} and user_id = {budi}",),
    ),
    Damage(
        "members.unread",
        "user {ani} in conversation {pair} has 1 of their own behind 4, not 0",
        (
            "update members set own_unread = 0 where conversation_id = {pair} and user_id = {ani}",
            "update members set own_unread = 9 where conversation_id = {ops} and user_id = {budi}",
        ),
        problems=2,
    ),
)
