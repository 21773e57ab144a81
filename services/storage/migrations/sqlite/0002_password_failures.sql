-- Wrong passwords, and where people usually log in from, so that guessing is slowed and they are not.

-- subject: a user's name_key (whether there is such a user or not), or a group's behind a '#'.
-- source: a network address, a user's number behind an '@', or '' for all that are strange to the subject.
create table password_failures (
    subject text not null,
    source text not null,
    failures integer not null,
    last_at integer not null,
    primary key (subject, source)
) strict, without rowid;
create index password_failures_by_age on password_failures (last_at);

create table known_addresses (
    user_id integer not null,
    address text not null,
    seen_at integer not null,
    primary key (user_id, address)
) strict, without rowid;
