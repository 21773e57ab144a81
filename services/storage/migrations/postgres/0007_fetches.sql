-- Files whose bytes are in another realm still, until somebody here asks for them. Such a file has no sha256
-- of its own; the one here is what it is said to be. there: its number in that realm. state: 'away', 'wanted'
-- (somebody asked, and it is fetched), 'failed' (code and reason say why; it is tried again when asked for).
-- upload: of the file's owner, in which it is gathered.
create table fetches (
    file_id bigint primary key,
    realm_id bigint not null,
    there bigint not null,
    sha256 bytea not null,
    state text collate "C" not null default 'away' check (state in ('away', 'wanted', 'failed')),
    changed_at bigint not null,
    upload bytea,
    code text collate "C" not null default '',
    reason text collate "C" not null default ''
);
create index fetches_wanted on fetches (realm_id, changed_at) where state = 'wanted';

-- Files posted to a group of another realm, until they have come back with their number.
create index files_posted on files (created_at) where conversation_id is not null and seq is null;
