"""What must hold between the tables about other realms, and between them and the rest: a row for each rule.

Belongs here: outboxes, deliveries, followers, copies. Not here: rules about foreigners that are those of
users or conversations at large (``checks``), and about files (``file_checks``).
"""

from __future__ import annotations

from typing import Final

from services.admin.fsck import Query

REALMS: Final = (
    Query(
        "realms.outbox",
        "What a realm's row counts is what its outbox holds, and no number there is above the last.",
        "realm {}: {} wait and not {}, {} bytes and not {}; {} was given out, the newest is {}",
        "select id, there, waiting, bytes, waiting_bytes, last_n, newest from"
        " (select realms.id, waiting, waiting_bytes, last_n,"
        " (select count(*) from outbox where realm_id = realms.id and state = 'waiting') as there,"
        " (select coalesce(cast(sum(size) as bigint), 0) from outbox"
        " where realm_id = realms.id and state = 'waiting') as bytes,"
        " (select coalesce(max(n), 0) from outbox where realm_id = realms.id) as newest from realms) counted"
        " where there <> waiting or bytes <> waiting_bytes or newest > last_n order by id",
    ),
    Query(
        "outbox.realms",
        "Whatever waits is for a realm that is known.",
        "realm {} has {} entries",
        "select realm_id, count(*) from outbox where not exists (select 1 from realms"
        " where realms.id = realm_id) group by realm_id order by realm_id",
    ),
    Query(
        "outbox.users",
        "Whatever waits was done by a user of ours.",
        "entry {1} for realm {0} is from user {2}",
        "select realm_id, n, user_id from outbox where not exists (select 1 from users"
        " where users.id = user_id and users.realm = '') order by realm_id, n",
    ),
    Query(
        "outbox.messages",
        "A message that waits is stored, and is its sender's.",
        "entry {1} for realm {0}: message {3} of conversation {2}",
        "select realm_id, n, conversation_id, seq from outbox where kind = 'message' and not exists (select 1"
        " from messages where messages.conversation_id = outbox.conversation_id"
        " and messages.seq = outbox.seq and sender_id = user_id) order by realm_id, n",
    ),
    Query(
        "outbox.form",
        "A post and a marker name a message by its id; only a post has a text, and outlasts its telling.",
        "entry {1} for realm {0}, a {2}",
        "select realm_id, n, kind from outbox where (kind in ('post', 'read') and message_id is null)"
        " or (kind = 'post') <> (body <> '') or (state = 'told' and kind <> 'post') or size < 0"
        " order by realm_id, n",
    ),
    Query(
        "deliveries.conversations",
        "What was delivered was said, to or by somebody in another realm.",
        "conversation {} up to {}",
        "select conversation_id, delivered_seq from deliveries where not exists (select 1 from conversations"
        " join users on users.id in (user_low, user_high) and realm <> ''"
        " where conversations.id = conversation_id and delivered_seq between 0 and last_seq)"
        " order by conversation_id",
    ),
    Query(
        "undelivered.messages",
        "What was refused is a message of a user of ours.",
        "message {1} of conversation {0}",
        "select conversation_id, seq from undelivered where not exists (select 1 from messages"
        " join users on users.id = sender_id and realm = '' where messages.conversation_id ="
        " undelivered.conversation_id and messages.seq = undelivered.seq) order by conversation_id, seq",
    ),
    Query(
        "refused_posts.groups",
        "A post that was refused is by a user of ours, to a group of another realm.",
        "a post of user {1} in conversation {0}",
        "select conversation_id, user_id from refused_posts where size < 0 or body = '' or not exists"
        " (select 1 from users where users.id = user_id and users.realm = '') or not exists"
        " (select 1 from copies where copies.conversation_id = refused_posts.conversation_id)"
        " order by conversation_id, user_id",
    ),
    Query(
        "followers.groups",
        "Realms that are known follow groups of ours, as far as those go; a gone one leaves its name.",
        "realm {1} in conversation {0}",
        "select conversation_id, realm_id from followers where name = '' and not exists (select 1"
        " from conversations where conversations.id = conversation_id and kind = 'group'"
        " and sent_seq between 0 and last_seq)"
        " or exists (select 1 from copies where copies.conversation_id = followers.conversation_id)"
        " or not exists (select 1 from realms where realms.id = realm_id) order by conversation_id, realm_id",
    ),
    Query(
        "copies.groups",
        "A copy is a group that is named after its realm, and no longer than its home's.",
        "conversation {}",
        "select conversation_id from copies where not exists (select 1 from conversations join realms"
        " on realms.id = realm_id where conversations.id = conversation_id and kind = 'group'"
        " and name_key like '%@' || realms.name and last_seq <= home_seq) order by conversation_id",
    ),
    Query(
        "joinings.users",
        "Who asked to join a group of another realm is a user of ours, and that realm is known.",
        "user {1} in realm {0}",
        "select realm_id, user_id from joinings where not exists (select 1 from users"
        " where users.id = user_id and users.realm = '')"
        " or not exists (select 1 from realms where realms.id = realm_id) order by realm_id, user_id",
    ),
)
