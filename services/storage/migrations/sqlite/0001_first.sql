-- Accounts, conversations, messages. AUTOINCREMENT, so that the number of a deleted group never
-- comes back: clients keep cursors by it.

create table users (
    id integer primary key autoincrement,
    name text not null,
    name_key text not null unique,
    password text not null,
    topic blob not null,
    created_at integer not null,
    last_seen_at integer not null default 0
) strict;

create table sessions (
    id integer primary key autoincrement,
    user_id integer not null,
    token_hash blob not null unique,
    device text not null,
    created_at integer not null,
    seen_at integer not null,
    ended_at integer
) strict;
create index sessions_of_user on sessions (user_id);
create index sessions_ended on sessions (ended_at) where ended_at is not null;

-- name_key: groups and the broadcast conversation. user_low, user_high: direct ones, one per pair.
create table conversations (
    id integer primary key autoincrement,
    kind text not null check (kind in ('direct', 'group', 'broadcast')),
    name text not null default '',
    name_key text unique,
    password text not null default '',
    creator_id integer,
    topic blob not null,
    last_seq integer not null default 0,
    last_at integer not null default 0,
    created_at integer not null,
    user_low integer,
    user_high integer,
    unique (user_low, user_high)
) strict;

create table members (
    conversation_id integer not null,
    user_id integer not null,
    read_seq integer not null default 0,
    own_unread integer not null default 0,
    joined_at integer not null,
    primary key (conversation_id, user_id)
) strict, without rowid;
create index members_of_user on members (user_id, conversation_id);

-- No foreign keys here: nothing but a group's deletion removes what they would point to, and on
-- this table they would cost a look-up for every message.
create table messages (
    conversation_id integer not null,
    seq integer not null,
    sender_id integer not null,
    id blob not null,
    body text not null,
    sent_at integer not null,
    primary key (conversation_id, seq)
) strict, without rowid;
-- The id comes first because ids begin with the time: all new ones then go to the end of the index.
create unique index messages_by_id on messages (id, sender_id);

create table presence (
    broker blob not null,
    user_id integer not null,
    primary key (broker, user_id)
) strict, without rowid;
create index presence_of_user on presence (user_id);
