-- Wrong passwords, and where people usually log in from, so that guessing is slowed and they are not.

-- subject: a user's name_key (whether there is such a user or not), or a group's behind a '#'.
-- source: a network address, a user's number behind an '@', or '' for all that are strange to the subject.
create table password_failures (
    subject text collate "C" not null,
    source text collate "C" not null,
    failures bigint not null,
    last_at bigint not null,
    primary key (subject, source)
);
create index password_failures_by_age on password_failures (last_at);

create table known_addresses (
    user_id bigint not null,
    address text collate "C" not null,
    seen_at bigint not null,
    primary key (user_id, address)
);
