-- Files. Their bytes are kept once for each hash (blobs); an upload becomes a file when it is finished.

-- state: 'coming' while the bytes are put into storage, 'going' once nothing refers to them and until they
-- are deleted. Bytes are put and deleted outside of any transaction, and these are the marks that keep
-- the one from crossing the other.
create table blobs (
    sha256 blob primary key,
    size integer not null,
    state text not null check (state in ('coming', 'stored', 'going')),
    changed_at integer not null
) strict, without rowid;
create index blobs_on_their_way on blobs (state, changed_at) where state <> 'stored';

-- recipient: an address, for a conversation; '' for the user's own space, then folder and name say where.
-- claimed: what the client said the hash was. sha256: what it is, once all bytes are there.
create table uploads (
    user_id integer not null,
    id blob not null,
    size integer not null,
    chunk_bytes integer not null,
    recipient text not null,
    folder text not null,
    name text not null,
    body text not null,
    replaces integer not null,
    claimed blob,
    sha256 blob,
    type text not null default '',
    created_at integer not null,
    touched_at integer not null,
    primary key (user_id, id)
) strict, without rowid;
create index uploads_by_hash on uploads (sha256) where sha256 is not null;
create index uploads_touched on uploads (touched_at);

-- folder: in the owner's own space, '' being the topmost; null in a conversation. sha256: null once deleted,
-- which only one in a conversation outlives, as what its message shows. upload: id of the upload it was.
create table files (
    id integer primary key autoincrement,
    owner_id integer not null,
    upload blob not null,
    folder text,
    name text not null,
    size integer not null,
    type text not null,
    sha256 blob,
    created_at integer not null,
    conversation_id integer,
    seq integer,
    unique (owner_id, upload)
) strict;
create unique index files_by_path on files (owner_id, folder, name) where folder is not null;
create unique index files_in_conversation on files (conversation_id, seq) where conversation_id is not null;
create index files_by_hash on files (sha256) where sha256 is not null;

create table folders (
    owner_id integer not null,
    folder text not null,
    name text not null,
    created_at integer not null,
    primary key (owner_id, folder, name)
) strict, without rowid;

-- What a user's files and unfinished uploads take. files: files and folders.
create table usage (
    user_id integer primary key,
    files integer not null default 0,
    bytes integer not null default 0
) strict;
