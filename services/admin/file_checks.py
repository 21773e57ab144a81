"""What must hold of files in a sound store: one row of a table for each rule, as in ``checks``.

Belongs here: rules that SQL can look at. Not here: whether the bytes are in storage (``storage_checks``).
"""

from __future__ import annotations

from typing import Final

from protocol.limits import MESSAGE_ID_BYTES, SHA256_BYTES
from services.admin.fsck import Query

BLOBS: Final = (
    Query(
        "blobs.form",
        f"A blob has a hash of {SHA256_BYTES} bytes and a size.",
        "blob {}, {} bytes",
        "select sha256, size from blobs where length(sha256) <> $1 or size < 0 order by sha256",
        (SHA256_BYTES,),
    ),
    Query(
        "blobs.references",
        "Bytes that are kept belong to a file or an upload.",
        "blob {}, {} bytes",
        "select sha256, size from blobs where state <> 'going'"
        " and not exists (select 1 from files where files.sha256 = blobs.sha256)"
        " and not exists (select 1 from uploads where uploads.sha256 = blobs.sha256) order by sha256",
    ),
    Query(
        "blobs.going",
        "Bytes that are about to be deleted belong to nothing.",
        "blob {}, {} bytes",
        "select sha256, size from blobs where state = 'going'"
        " and (exists (select 1 from files where files.sha256 = blobs.sha256)"
        " or exists (select 1 from uploads where uploads.sha256 = blobs.sha256)) order by sha256",
    ),
)

FILES: Final = (
    Query(
        "files.form",
        "A file has a name, a size, a type, and the id of the upload that it was.",
        "file {} of user {}",
        "select id, owner_id from files where name = '' or size < 0 or type = '' or length(upload) <> $1"
        " or length(sha256) <> $2 order by id",
        (MESSAGE_ID_BYTES, SHA256_BYTES),
    ),
    Query(
        "files.owners",
        "Every file is of a user who exists.",
        "file {} of user {}",
        "select id, owner_id from files"
        " where not exists (select 1 from users where users.id = owner_id) order by id",
    ),
    Query(
        "files.places",
        "A file is in its owner's space or a message in a conversation; only there it outlives its bytes.",
        "file {} of user {}",
        "select id, owner_id from files where (folder is null) = (conversation_id is null)"
        " or (conversation_id is null and seq is not null) or (folder is not null and sha256 is null)"
        " order by id",
    ),
    Query(
        "files.blobs",
        "A file that was not deleted has its bytes in storage.",
        "file {} of user {}",
        "select id, owner_id from files where sha256 is not null and not exists (select 1 from blobs"
        " where blobs.sha256 = files.sha256 and blobs.size = files.size and state = 'stored') order by id",
    ),
    Query(
        "files.messages",
        "A file in a conversation is a message of its owner's there, under the upload's id.",
        "file {} of user {}: message {} of conversation {}",
        "select id, owner_id, seq, conversation_id from files where seq is not null"
        " and not exists (select 1 from messages where messages.conversation_id = files.conversation_id"
        " and messages.seq = files.seq and sender_id = owner_id and messages.id = upload) order by id",
    ),
    Query(
        "files.one_message",
        "A message has one file.",
        "message {1} of conversation {0} has {2}",
        "select conversation_id, seq, count(*) from files where seq is not null"
        " group by conversation_id, seq having count(*) > 1 order by conversation_id, seq",
    ),
    Query(
        "files.one_path",
        "At a path is one file.",
        "user {} has {} files at the path of file {}",
        "select owner_id, count(*), min(id) from files where folder is not null"
        " group by owner_id, folder, name having count(*) > 1 order by min(id)",
    ),
    Query(
        "files.uploads",
        "An upload became one file, and is no upload any more.",
        "user {}: file {}",
        "select owner_id, min(id) from (select owner_id, upload, id from files"
        " union all select user_id, uploads.id, files.id from uploads"
        " join files on owner_id = user_id and upload = uploads.id) every_one"
        " group by owner_id, upload having count(*) > 1 order by min(id)",
    ),
    Query(
        "folders.owners",
        "Every folder is of a user who exists.",
        "{1} folders of user {0}",
        "select owner_id, count(*) from folders where not exists (select 1 from users"
        " where users.id = owner_id) group by owner_id order by owner_id",
    ),
    Query(
        "folders.whole",
        "The folder that a file or a folder is in exists.",
        "user {} lacks {}",
        "select owner_id, count(*) from (select owner_id, folder from files where folder <> ''"
        " union select owner_id, folder from folders where folder <> ''"
        " except select owner_id, case folder when '' then name else folder || '/' || name end from folders)"
        " lost group by owner_id order by owner_id",
    ),
    Query(
        "folders.clashes",
        "At a path is a file or a folder, not both.",
        "file {} of user {}",
        "select id, files.owner_id from files join folders on folders.owner_id = files.owner_id"
        " and folders.folder = files.folder and folders.name = files.name order by id",
    ),
)

FETCHES: Final = (
    Query(
        "fetches.form",
        "A file that may be fetched has a number there and a hash, and a reason if it cannot be had.",
        "file {}, number {} there",
        "select file_id, there from fetches where there < 1 or length(sha256) <> $1"
        " or (state = 'failed') <> (code <> '') order by file_id",
        (SHA256_BYTES,),
    ),
    Query(
        "fetches.files",
        "A file that may be fetched is a message in a conversation, and its bytes are not here.",
        "file {}, number {} there",
        "select file_id, there from fetches where not exists (select 1 from files"
        " where files.id = file_id and seq is not null and files.sha256 is null) order by file_id",
    ),
    Query(
        "fetches.realms",
        "A file that may be fetched is in a realm that is known.",
        "file {}, number {} there",
        "select file_id, there from fetches"
        " where not exists (select 1 from realms where realms.id = realm_id) order by file_id",
    ),
)

UPLOADS: Final = (
    Query(
        "uploads.users",
        "Every upload is of a user who exists.",
        "{1} of user {0}",
        "select user_id, count(*) from uploads"
        " where not exists (select 1 from users where users.id = user_id) group by user_id order by user_id",
    ),
    Query(
        "uploads.form",
        "An upload has an id, a name, a size and chunks, and goes to an address or a folder.",
        "an upload of user {} begun at {}",
        "select user_id, created_at from uploads where length(id) <> $1 or name = '' or size < 0"
        " or chunk_bytes < 1 or (recipient <> '' and folder <> '') or (recipient <> '') <> (body <> '')"
        " or length(sha256) <> $2 or length(claimed) <> $2 or (sha256 is null) <> (type = '')"
        " order by user_id, created_at",
        (MESSAGE_ID_BYTES, SHA256_BYTES),
    ),
    Query(
        "uploads.hashes",
        "An upload that is sealed is what its sender said it was, and its bytes are expected in storage.",
        "an upload of user {} begun at {}",
        "select user_id, created_at from uploads where sha256 is not null and (claimed <> sha256"
        " or not exists (select 1 from blobs where blobs.sha256 = uploads.sha256"
        " and blobs.size = uploads.size)) order by user_id, created_at",
    ),
)

USAGE: Final = (
    Query(
        "usage.users",
        "What is counted is a user's who exists.",
        "user {}",
        "select user_id from usage"
        " where not exists (select 1 from users where users.id = user_id) order by user_id",
    ),
    Query(
        "usage.exact",
        "A user's files and folders are counted, and the bytes of those files and of unfinished uploads.",
        "user {0} has {3} files and {4} bytes, and not {1} and {2}",
        "select user_id, cast(sum(said_files) as bigint), cast(sum(said_bytes) as bigint),"
        " cast(sum(files) as bigint), cast(sum(bytes) as bigint) from ("
        "select user_id, files as said_files, bytes as said_bytes, 0 as files, 0 as bytes from usage"
        " union all select owner_id, 0, 0, 1, size from files where sha256 is not null"
        " union all select owner_id, 0, 0, 1, 0 from folders"
        " union all select user_id, 0, 0, 0, size from uploads) counted group by user_id"
        " having sum(said_files) <> sum(files) or sum(said_bytes) <> sum(bytes) order by user_id",
    ),
)
