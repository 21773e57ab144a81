-- Other realms, their users as we know them, and what waits to be told them.

-- realm: '' for our own users. Others are named name@realm, and have no password, session or topic in use.
alter table users add column realm text not null default '';
create index users_of_realm on users (realm, id) where realm <> '';

-- key: CURVE public key, 32 bytes. address: host:port of its realm socket. A realm that was removed keeps
-- its row, so that no other one takes its name unseen. contact_at: when it last answered, or asked.
-- away_since: 0 while it answers. last_n, waiting, waiting_bytes: of its outbox; n is given out here.
create table realms (
    id integer primary key autoincrement,
    name text not null unique,
    key blob not null,
    address text not null,
    state text not null check (state in ('paired', 'blocked', 'removed')),
    paired_at integer not null,
    contact_at integer not null default 0,
    away_since integer not null default 0,
    trouble text not null default '',
    last_n integer not null default 0,
    waiting integer not null default 0,
    waiting_bytes integer not null default 0
) strict;
create unique index realms_keyed on realms (key) where state <> 'removed';

-- One-time secrets, hashed. used_by: the realm that joined with it. replaces: a realm that may come with
-- another key than it had.
create table invites (
    secret_hash blob primary key,
    created_at integer not null,
    expires_at integer not null,
    used_by text not null default '',
    replaces text not null default ''
) strict, without rowid;

-- What a realm is to be told, in the order of commits. kind: 'message' (its text stands in messages, at
-- conversation_id, seq), 'post' (to a group of theirs, text here), 'read', 'leave'. recipient: a bare name
-- there. state: 'waiting'; 'told', for posts, until they have come back with their number.
create table outbox (
    realm_id integer not null,
    n integer not null,
    kind text not null check (kind in ('message', 'post', 'read', 'leave')),
    user_id integer not null,
    recipient text not null,
    conversation_id integer not null,
    seq integer not null default 0,
    message_id blob,
    body text not null default '',
    queued_at integer not null,
    size integer not null,
    state text not null default 'waiting' check (state in ('waiting', 'told')),
    primary key (realm_id, n)
) strict, without rowid;
create index outbox_waiting on outbox (realm_id, n) where state = 'waiting';
create index outbox_of_user on outbox (realm_id, user_id, size) where state = 'waiting';
create unique index outbox_by_id on outbox (message_id, user_id) where kind = 'post';

-- Direct conversations with somebody in another realm: up to where it has been stored there.
create table deliveries (
    conversation_id integer primary key,
    delivered_seq integer not null
) strict;

-- Messages that another realm refused, and why.
create table undelivered (
    conversation_id integer not null,
    seq integer not null,
    code text not null,
    reason text not null,
    primary key (conversation_id, seq)
) strict, without rowid;

-- Posts to groups of other realms that were refused there, or given up, for their author. n: of the outbox.
create table refused_posts (
    user_id integer not null,
    message_id blob not null,
    conversation_id integer not null,
    n integer not null,
    body text not null,
    sent_at integer not null,
    code text not null,
    reason text not null,
    size integer not null,
    primary key (user_id, message_id)
) strict, without rowid;
create index refused_posts_of_group on refused_posts (conversation_id);

-- Groups of ours with members elsewhere: up to where each realm has our messages. members_changed: how often
-- its members there changed since it was told who they are. name: of a group that is gone, which it is told yet.
create table followers (
    conversation_id integer not null,
    realm_id integer not null,
    sent_seq integer not null default 0,
    members_changed integer not null default 1,
    name text not null default '',
    primary key (conversation_id, realm_id)
) strict, without rowid;
create index followers_of_realm on followers (realm_id);

-- Groups of other realms, as far as we have them. home_seq: their newest number that we heard of.
-- begun_seq: the same when the first of us joined; what is older fills in without being announced.
-- members_at: by the home's clock, as old as what it told last of who are members.
create table copies (
    conversation_id integer primary key,
    realm_id integer not null,
    home_seq integer not null default 0,
    begun_seq integer not null default 0,
    members_at integer not null default 0
) strict;
create index copies_of_realm on copies (realm_id);

-- Who of us asked to join a group of another realm. name: the group's there, as names are compared. state:
-- 'asked'; 'joined': its home said yes, and is yet to name them among our members; 'doubted': it left them out once.
create table joinings (
    realm_id integer not null,
    name text not null,
    user_id integer not null,
    asked_at integer not null,
    state text not null default 'asked' check (state in ('asked', 'joined', 'doubted')),
    primary key (realm_id, name, user_id)
) strict, without rowid;
