-- Files. Their bytes are kept once for each hash (blobs); an upload becomes a file when it is finished.

-- state: 'coming' while the bytes are put into storage, 'going' once nothing refers to them and until they
-- are deleted. Bytes are put and deleted outside of any transaction, and these are the marks that keep
-- the one from crossing the other.
create table blobs (
    sha256 bytea primary key,
    size bigint not null,
    state text not null check (state in ('coming', 'stored', 'going')),
    changed_at bigint not null
);
create index blobs_on_their_way on blobs (state, changed_at) where state <> 'stored';

-- recipient: an address, for a conversation; '' for the user's own space, then folder and name say where.
-- claimed: what the client said the hash was. sha256: what it is, once all bytes are there.
create table uploads (
    user_id bigint not null,
    id bytea not null,
    size bigint not null,
    chunk_bytes bigint not null,
    recipient text collate "C" not null,
    folder text collate "C" not null,
    name text collate "C" not null,
    body text collate "C" not null,
    replaces bigint not null,
    claimed bytea,
    sha256 bytea,
    type text not null default '',
    created_at bigint not null,
    touched_at bigint not null,
    primary key (user_id, id)
);
create index uploads_by_hash on uploads (sha256) where sha256 is not null;
create index uploads_touched on uploads (touched_at);

-- folder: in the owner's own space, '' being the topmost; null in a conversation. sha256: null once deleted,
-- which only one in a conversation outlives, as what its message shows. upload: id of the upload it was.
create table files (
    id bigint generated always as identity primary key,
    owner_id bigint not null,
    upload bytea not null,
    folder text collate "C",
    name text collate "C" not null,
    size bigint not null,
    type text not null,
    sha256 bytea,
    created_at bigint not null,
    conversation_id bigint,
    seq bigint,
    unique (owner_id, upload)
);
create unique index files_by_path on files (owner_id, folder, name) where folder is not null;
create unique index files_in_conversation on files (conversation_id, seq) where conversation_id is not null;
create index files_by_hash on files (sha256) where sha256 is not null;

create table folders (
    owner_id bigint not null,
    folder text collate "C" not null,
    name text collate "C" not null,
    created_at bigint not null,
    primary key (owner_id, folder, name)
);

-- What a user's files and unfinished uploads take. files: files and folders.
create table usage (
    user_id bigint primary key,
    files bigint not null default 0,
    bytes bigint not null default 0
);
