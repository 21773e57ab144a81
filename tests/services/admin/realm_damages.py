"""Ways to break what is kept about other realms, at least one for each rule."""

from __future__ import annotations

from tests.services.admin.damage import Damage, also

REALMS = (
    Damage(
        "realms.outbox",
        "realm {realm}: 2 wait and not 3, ",
        ("update realms set waiting = 3 where id = {realm}",),
    ),
    Damage(
        "realms.outbox",
        "realm {realm}: 2 wait and not 2, ",
        ("update realms set waiting_bytes = waiting_bytes + 1 where id = {realm}",),
    ),
    Damage(
        "realms.outbox",
        "realm {realm}: 2 wait and not 2, ",
        ("update realms set last_n = 2 where id = {realm}",),
    ),
    Damage(
        "outbox.realms",
        "realm 99 has 1 entries",
        ("update outbox set realm_id = 99 where n = 3",),
        also=also("realms.outbox"),
    ),
    Damage(
        "outbox.users",
        "entry 3 for realm {realm} is from user {bob}",
        ("update outbox set user_id = {bob} where n = 3",),
    ),
    Damage(
        "outbox.messages",
        "entry 2 for realm {realm}: message 9 of conversation {abroad}",
        ("update outbox set seq = 9 where n = 2",),
    ),
    Damage(
        "outbox.form",
        "entry 3 for realm {realm}, a post",
        ("update outbox set body = '' where n = 3",),
    ),
    Damage(
        "deliveries.conversations",
        "conversation {abroad} up to 9",
        (
            "update deliveries set delivered_seq = 9 where conversation_id = {abroad}",
            "insert into deliveries values ({pair}, 1)",
        ),
        problems=2,
    ),
    Damage(
        "undelivered.messages",
        "message 9 of conversation {abroad}",
        ("update undelivered set seq = 9 where conversation_id = {abroad}",),
    ),
    Damage(
        "refused_posts.groups",
        "a post of user {bob} in conversation {copy}",
        ("update refused_posts set user_id = {bob}",),
    ),
    Damage(
        "refused_posts.groups",
        "a post of user {ani} in conversation {files}",
        ("update refused_posts set conversation_id = {files}",),
    ),
    Damage(
        "followers.groups",
        "realm {realm} in conversation {files}",
        ("update followers set sent_seq = 9 where conversation_id = {files}",),
    ),
    Damage(
        "followers.groups",
        "realm 99 in conversation {files}",
        ("update followers set realm_id = 99",),
    ),
    Damage(
        "copies.groups",
        "conversation {copy}",
        ("update conversations set name = 'team@c', name_key = 'team@c' where id = {copy}",),
    ),
    Damage(
        "copies.groups",
        "conversation {pair}",
        ("insert into copies (conversation_id, realm_id) values ({pair}, {realm})",),
    ),
    Damage(
        "joinings.users",
        "user {bob} in realm {realm}",
        ("insert into joinings (realm_id, name, user_id, asked_at) values ({realm}, 'team', {bob}, 0)",),
    ),
    Damage(
        "users.realms",
        "user {bob}",
        (
            "update users set realm = 'c' where id = {bob}",
            "update users set name = 'dewi@c', name_key = 'dewi@c' where id = {dewi}",
        ),
        problems=2,
    ),
    Damage(
        "users.passwords",
        "user {bob}",
        ("update users set password = (select password from users where id = {ani}) where id = {bob}",),
    ),
    Damage(
        "users.everyone",
        "user {bob}",
        ("insert into members (conversation_id, user_id, joined_at) values ({everyone}, {bob}, 0)",),
    ),
    Damage(
        "sessions.users",
        "session {session} of user {bob}",
        ("update sessions set user_id = {bob} where id = {session}",),
    ),
)
