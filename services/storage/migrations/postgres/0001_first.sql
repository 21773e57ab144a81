-- Accounts, conversations, messages. Names are compared byte by byte (collation C), as SQLite does it.

create table users (
    id bigint generated always as identity primary key,
    name text collate "C" not null,
    name_key text collate "C" not null unique,
    password text not null,
    topic bytea not null,
    created_at bigint not null,
    last_seen_at bigint not null default 0
);

create table sessions (
    id bigint generated always as identity primary key,
    user_id bigint not null,
    token_hash bytea not null unique,
    device text not null,
    created_at bigint not null,
    seen_at bigint not null,
    ended_at bigint
);
create index sessions_of_user on sessions (user_id);
create index sessions_ended on sessions (ended_at) where ended_at is not null;

-- name_key: groups and the broadcast conversation. user_low, user_high: direct ones, one per pair.
-- Room in each page, because last_seq changes with every message: such an update then touches no index.
create table conversations (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('direct', 'group', 'broadcast')),
    name text collate "C" not null default '',
    name_key text collate "C" unique,
    password text not null default '',
    creator_id bigint,
    topic bytea not null,
    last_seq bigint not null default 0,
    last_at bigint not null default 0,
    created_at bigint not null,
    user_low bigint,
    user_high bigint,
    unique (user_low, user_high)
) with (fillfactor = 50);

create table members (
    conversation_id bigint not null,
    user_id bigint not null,
    read_seq bigint not null default 0,
    own_unread bigint not null default 0,
    joined_at bigint not null,
    primary key (conversation_id, user_id)
) with (fillfactor = 50);
create index members_of_user on members (user_id, conversation_id);

-- No foreign keys here: nothing but a group's deletion removes what they would point to, and on
-- this table they would cost a look-up for every message.
create table messages (
    conversation_id bigint not null,
    seq bigint not null,
    sender_id bigint not null,
    id bytea not null,
    body text not null,
    sent_at bigint not null,
    primary key (conversation_id, seq)
);
-- The id comes first because ids begin with the time: all new ones then go to the end of the index.
create unique index messages_by_id on messages (id, sender_id);

create table presence (
    broker bytea not null,
    user_id bigint not null,
    primary key (broker, user_id)
);
create index presence_of_user on presence (user_id);
