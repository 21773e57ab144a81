"""Ways to break users and sessions, at least one for each rule."""

from __future__ import annotations

from tests.services.admin.damage import Damage, also

PEOPLE = (
    Damage("users.names", "user {budi}", ("update users set name_key = 'Budi' where id = {budi}",)),
    Damage(
        "users.one_name",
        "users {ani} and {citra}",
        ("update users set name = 'ani', name_key = 'ani' where id = {citra}",),
        loosen="users",
    ),
    Damage("users.passwords", "user {dewi}", ("update users set password = 'dewi1234' where id = {dewi}",)),
    Damage(
        "users.topics",
        "user {ani}",
        (
            "update users set topic = substr(topic, 1, 15) where id = {ani}",
            "update users set topic = (select topic from conversations where id = {ops}) where id = {budi}",
        ),
        problems=2,
        also=also("topics.doubles"),
    ),
    Damage(
        "users.everyone",
        "user {citra}",
        ("delete from members where conversation_id = {everyone} and user_id = {citra}",),
    ),
    Damage(
        "topics.doubles",
        "user {ani} and user {dewi}",
        ("update users set topic = (select topic from users where id = {dewi}) where id = {ani}",),
    ),
    Damage(
        "sessions.users",
        "session {session} of user 99",
        ("update sessions set user_id = 99 where id = {session}",),
    ),
    Damage(
        "sessions.tokens",
        "session {session}",
        ("update sessions set token_hash = substr(token_hash, 1, 16) where id = {session}",),
    ),
    Damage(
        "sessions.tokens",
        "session {session}",
        ("update sessions set token_hash = (select token_hash from sessions where id = {session})",),
        loosen="sessions",
    ),
    Damage(
        "presence.users",
        "user 99",
        ("insert into presence (broker, user_id) select broker, 99 from presence where user_id = {ani}",),
    ),
    Damage(
        "known_addresses.users",
        "user 99",
        ("insert into known_addresses (user_id, address, seen_at) values (99, '10.0.0.1', 0)",),
    ),
)
