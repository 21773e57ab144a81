"""What must hold in a sound store, noun by noun: one row of a table for each rule.

Belongs here: rules that SQL can look at on both engines. Not here: how they are run (``fsck``), and
the tables themselves (``schema``). A rule comes with a way to break it in
``tests/services/admin/damages.py``; a test fails while one has none.

A query's rows are the problems, in an order of their own so that the same store gives the same lines. It must
walk through tables rather than collect them: a store may hold many millions of messages. Where it says
``order by conversation_id + 0`` it keeps PostgreSQL from reading all messages in that order, which for a
table is the dearest way, in the hope of being done after a few.
"""

from __future__ import annotations

from typing import Final

from protocol.addresses import BROADCAST, TopicKind
from protocol.limits import MESSAGE_ID_BYTES, TOPIC_BYTES
from services.admin.fsck import Query

_TOKEN_HASH_BYTES: Final = 32
_HASH: Final = "$argon2id$%"

MESSAGES: Final = (
    Query(
        "messages.numbers",
        "Numbers begin at 1.",
        "conversation {} has a message with the number {}",
        "select conversation_id, seq from messages where seq < 1 order by conversation_id, seq",
    ),
    Query(
        "messages.holes",
        "Behind 1 comes 2, and so on: no number is missing before the newest one.",
        "conversation {} lacks {}..{}",
        "select conversation_id, coalesce((select max(before.seq) from messages before"
        " where before.conversation_id = here.conversation_id and before.seq < here.seq), 0) + 1, seq - 1"
        " from messages here where seq > 1 and not exists (select 1 from messages before"
        " where before.conversation_id = here.conversation_id and before.seq = here.seq - 1)"
        " order by conversation_id, seq",
    ),
    Query(
        "messages.doubles",
        "No number of a conversation is given twice.",
        "conversation {} has {} messages with the number {}",
        "select conversation_id, count(*), seq from messages"
        " group by conversation_id, seq having count(*) > 1 order by conversation_id, seq",
    ),
    Query(
        "messages.ids",
        "A sender's id names one message.",
        "user {} has {} messages with one id, the first in conversation {}",
        "select sender_id, count(*), min(conversation_id) from messages"
        " group by id, sender_id having count(*) > 1 order by sender_id, id",
    ),
    Query(
        "messages.form",
        f"A message has an id of {MESSAGE_ID_BYTES} bytes and a text.",
        "message {1} of conversation {0}",
        "select conversation_id, seq from messages where length(id) <> $1 or length(body) = 0"
        " order by conversation_id + 0, seq",
        (MESSAGE_ID_BYTES,),
    ),
    Query(
        "messages.conversations",
        "Every message is of a conversation that exists.",
        "messages {1}..{2} of conversation {0}",
        "select conversation_id, min(seq), max(seq) from messages"
        " where not exists (select 1 from conversations where conversations.id = conversation_id)"
        " group by conversation_id order by conversation_id",
    ),
    Query(
        "messages.senders",
        "Every message is from a user who exists.",
        "message {1} of conversation {0} is from user {2}",
        "select conversation_id, seq, sender_id from messages"
        " where not exists (select 1 from users where users.id = sender_id)"
        " order by conversation_id + 0, seq",
    ),
    Query(
        "messages.strangers",
        "In a direct conversation nobody speaks but its two users.",
        "message {1} of conversation {0} is from user {2}",
        "select conversation_id, seq, sender_id from messages"
        " join conversations on conversations.id = conversation_id"
        " where kind = 'direct' and sender_id <> user_low and sender_id <> user_high"
        " order by conversation_id + 0, seq",
    ),
)

CONVERSATIONS: Final = (
    Query(
        "conversations.last_seq",
        "last_seq is the number of the newest message.",
        "conversation {} counts up to {}, its newest message is {}",
        "select id, last_seq, newest from (select id, last_seq, coalesce((select max(seq) from messages"
        " where conversation_id = conversations.id), 0) as newest from conversations) counted"
        " where last_seq <> newest order by id",
    ),
    Query(
        "conversations.last_at",
        "last_at is the time of the newest message.",
        "conversation {}: {} and not {}",
        "select id, last_at, newest from (select id, last_at, coalesce((select sent_at from messages"
        " where conversation_id = conversations.id order by seq desc limit 1), 0) as newest"
        " from conversations) counted where last_at <> newest order by id",
    ),
    Query(
        "conversations.broadcast",
        "There is one conversation that everyone is in.",
        "there are {}",
        "select n from (select count(*) as n from conversations where kind = 'broadcast') counted"
        " where n <> 1 order by n",
    ),
    Query(
        "conversations.names",
        "A group has a name, the conversation of everyone its mark, a direct one neither.",
        "conversation {}, {}",
        "select id, kind from conversations where coalesce(name_key, '') <>"
        " case kind when 'group' then lower(name) when 'broadcast' then $1 else '' end"
        " or (kind = 'group') <> (name <> '') order by id",
        (BROADCAST,),
    ),
    Query(
        "conversations.one_name",
        "No two conversations have the same name.",
        "conversations {} and {}",
        "select min(id), max(id) from conversations where name_key is not null"
        " group by name_key having count(*) > 1 order by min(id)",
    ),
    Query(
        "conversations.pairs",
        "A direct conversation names its two users, the lower number first; no other one does.",
        "conversation {}, {}",
        "select id, kind from conversations where case kind"
        " when 'direct' then user_low is null or user_high is null or user_low > user_high"
        " else user_low is not null or user_high is not null end order by id",
    ),
    Query(
        "conversations.one_pair",
        "Two users have one direct conversation.",
        "conversations {} and {}",
        "select min(id), max(id) from conversations where kind = 'direct'"
        " group by user_low, user_high having count(*) > 1 order by min(id)",
    ),
    Query(
        "conversations.partners",
        "The two users of a direct conversation exist.",
        "conversation {}: users {} and {}",
        "select id, user_low, user_high from conversations where kind = 'direct'"
        " and (not exists (select 1 from users where users.id = user_low)"
        " or not exists (select 1 from users where users.id = user_high)) order by id",
    ),
    Query(
        "conversations.company",
        "A direct conversation has its two users as members (one, for notes to oneself), and no other.",
        "conversation {} has {} members, {} of its users among them",
        "select id, everyone, theirs from (select id, user_low, user_high,"
        " (select count(*) from members where conversation_id = conversations.id) as everyone,"
        " (select count(*) from members where conversation_id = conversations.id"
        " and user_id in (user_low, user_high)) as theirs from conversations where kind = 'direct') counted"
        " where everyone <> theirs or theirs <> case when user_low = user_high then 1 else 2 end order by id",
    ),
    Query(
        "conversations.topics",
        f"A conversation's topic is {TOPIC_BYTES} bytes of the right kind.",
        "conversation {}",
        "select id from conversations where length(topic) <> $1 or substr(topic, 1, 1) <> $2 order by id",
        (TOPIC_BYTES, TopicKind.CONVERSATION),
    ),
    Query(
        "groups.members",
        "A group has members: the last one to leave takes it along.",
        "group {}",
        "select id from conversations where kind = 'group'"
        " and not exists (select 1 from members where conversation_id = conversations.id) order by id",
    ),
    Query(
        "groups.creators",
        "A group's creator is one of its members; in a copy of another realm's nobody is.",
        "group {}: user {}",
        "select id, coalesce(creator_id, 0) from conversations where kind = 'group' and not exists (select 1"
        " from members where conversation_id = conversations.id and user_id = creator_id)"
        " and not exists (select 1 from copies where conversation_id = conversations.id) order by id",
    ),
    Query(
        "groups.passwords",
        "A group's password is a hash, or there is none.",
        "conversation {}",
        "select id from conversations where password <> ''"
        " and (kind <> 'group' or password not like $1) order by id",
        (_HASH,),
    ),
)

MEMBERS: Final = (
    Query(
        "members.conversations",
        "Every member is one of a conversation that exists.",
        "user {1} in conversation {0}",
        "select conversation_id, user_id from members where not exists (select 1 from conversations"
        " where conversations.id = conversation_id) order by conversation_id, user_id",
    ),
    Query(
        "members.users",
        "Every member is a user who exists.",
        "user {1} in conversation {0}",
        "select conversation_id, user_id from members"
        " where not exists (select 1 from users where users.id = user_id) order by conversation_id, user_id",
    ),
    Query(
        "members.doubles",
        "Nobody is a member twice.",
        "user {1} in conversation {0}, {2} times",
        "select conversation_id, user_id, count(*) from members"
        " group by conversation_id, user_id having count(*) > 1 order by conversation_id, user_id",
    ),
    Query(
        "members.departures",
        "Nobody who is a member is noted as gone.",
        "user {1} in conversation {0}",
        "select conversation_id, user_id from departures where exists (select 1 from members"
        " where members.conversation_id = departures.conversation_id"
        " and members.user_id = departures.user_id) order by conversation_id, user_id",
    ),
    Query(
        "members.read_seq",
        "Nobody has read further than the newest message, in a copy than its home's newest.",
        "user {1} in conversation {0} has read up to {2} of {3}",
        "select members.conversation_id, user_id, read_seq, last_seq from members"
        " join conversations on conversations.id = members.conversation_id"
        " left join copies on copies.conversation_id = members.conversation_id"
        " where read_seq < 0 or (read_seq > last_seq and (home_seq is null or read_seq > home_seq))"
        " order by members.conversation_id, user_id",
    ),
    Query(
        "members.unread",
        "own_unread counts a member's own messages behind their marker, so that unread is exact.",
        "user {1} in conversation {0} has {3} of their own behind {4}, not {2}",
        # Both sides in one column each, then summed: joining the sums to the members instead made
        # PostgreSQL, which cannot guess how many there are, compare each with each.
        "select conversation_id, user_id, cast(sum(said) as bigint), cast(sum(own) as bigint), max(mark)"
        " from (select conversation_id, user_id, own_unread as said, 0 as own, read_seq as mark from members"
        " union all select messages.conversation_id, sender_id, 0, 1, 0 from messages"
        " join members on members.conversation_id = messages.conversation_id and user_id = sender_id"
        " where seq > read_seq) counted"
        " group by conversation_id, user_id having sum(said) <> sum(own) order by conversation_id, user_id",
    ),
)

USERS: Final = (
    Query(
        "users.names",
        "A user's name is looked up without case.",
        "user {}",
        "select id from users where name = '' or name_key <> lower(name) order by id",
    ),
    Query(
        "users.one_name",
        "No two users have the same name.",
        "users {} and {}",
        "select min(id), max(id) from users group by name_key having count(*) > 1 order by min(id)",
    ),
    Query(
        "users.realms",
        "A user of another realm is named after it, and no user of ours is named after any.",
        "user {}",
        "select id from users where name_key not like '%@' || realm and realm <> ''"
        " or name_key like '%@%' and realm = '' order by id",
    ),
    Query(
        "users.passwords",
        "A user's password is a hash; one of another realm has none here.",
        "user {}",
        "select id from users where password not like case realm when '' then $1 else '' end order by id",
        (_HASH,),
    ),
    Query(
        "users.topics",
        f"A user's topic is {TOPIC_BYTES} bytes of the right kind.",
        "user {}",
        "select id from users where length(topic) <> $1 or substr(topic, 1, 1) <> $2 order by id",
        (TOPIC_BYTES, TopicKind.USER),
    ),
    Query(
        "users.everyone",
        "Every user of ours is in the conversation of everyone, and nobody else.",
        "user {}",
        "select id from users where (realm <> '') = exists (select 1 from members where user_id = users.id"
        " and conversation_id in (select conversations.id from conversations where kind = 'broadcast'))"
        " order by id",
    ),
    Query(
        "topics.doubles",
        "No two topics are the same.",
        "{} and {}",
        "select min(whose), max(whose) from (select topic, 'user ' || id as whose from users"
        " union all select topic, 'conversation ' || id from conversations) every_topic"
        " group by topic having count(*) > 1 order by min(whose)",
    ),
)

SESSIONS: Final = (
    Query(
        "sessions.users",
        "Every session is of a user of ours.",
        "session {} of user {}",
        "select id, user_id from sessions"
        " where not exists (select 1 from users where users.id = user_id and realm = '') order by id",
    ),
    Query(
        "sessions.tokens",
        "A session's token is stored as a hash, and no two are the same.",
        "session {}",
        "select min(id) from sessions"
        " group by token_hash having count(*) > 1 or length(token_hash) <> $1 order by min(id)",
        (_TOKEN_HASH_BYTES,),
    ),
    Query(
        "presence.users",
        "Whoever is online is a user who exists.",
        "user {}",
        "select user_id from presence"
        " where not exists (select 1 from users where users.id = user_id) order by user_id",
    ),
    Query(
        "known_addresses.users",
        "Whoever logs in from a known address is a user who exists.",
        "user {}",
        "select distinct user_id from known_addresses"
        " where not exists (select 1 from users where users.id = user_id) order by user_id",
    ),
)
