"""Ways to break what the store knows of files, folders, uploads and usage: for each rule one at least."""

from __future__ import annotations

from tests.services.admin.damage import Damage, also

_FETCH = (
    "insert into fetches (file_id, realm_id, there, sha256, changed_at)"
    " select {file}, 99, {there}, sha256, 1 from files where id = {{sent}}"
)

FILES = (
    Damage(
        "blobs.form",
        "blob ",
        ("update blobs set size = -1 where state = 'going'",),
    ),
    Damage(
        "blobs.references",
        "blob ",
        ("update blobs set state = 'coming' where state = 'going'",),
    ),
    Damage(
        "blobs.going",
        "blob ",
        ("update blobs set state = 'going' where sha256 = (select sha256 from files where id = {sent})",),
        also=also("files.blobs"),
    ),
    Damage(
        "files.form",
        "file {own} of user {ani}",
        (
            "update files set type = '' where id = {own}",
            "update files set name = '' where id = {sent}",
        ),
        problems=2,
    ),
    Damage(
        "files.owners",
        "file {own} of user 99",
        ("update files set owner_id = 99 where id = {own}",),
        also=also("usage.exact"),
    ),
    Damage(
        "files.places",
        "file {shelved} of user {ani}",
        (
            "update files set folder = null where id = {shelved}",
            "update files set folder = 'shelf' where id = {gone}",
        ),
        problems=2,
    ),
    Damage(
        "files.places",
        "file {own} of user {ani}",
        ("update files set sha256 = null where id = {own}",),
        also=also("usage.exact"),
    ),
    Damage(
        "files.blobs",
        "file {sent} of user {citra}",
        ("delete from blobs where sha256 = (select sha256 from files where id = {sent})",),
        also=also("storage.orphans"),
    ),
    Damage(
        "files.blobs",
        "file {shelved} of user {ani}",
        ("update files set size = size + 1 where id = {shelved}",),
        also=also("usage.exact"),
    ),
    Damage(
        "files.messages",
        "file {sent} of user {citra}: message 41 of conversation {files}",
        ("update files set seq = seq + 40 where id = {sent}",),
    ),
    Damage(
        "files.messages",
        "file {gone} of user {ani}: message 2 of conversation {files}",
        ("update files set upload = (select upload from files where id = {sent}) where id = {gone}",),
    ),
    Damage(
        "files.one_message",
        "message 1 of conversation {files} has 2",
        ("drop index files_in_conversation", "update files set seq = 1 where id = {gone}"),
        also=also("schema.objects", "files.messages"),
    ),
    Damage(
        "files.one_path",
        "user {ani} has 2 files at the path of file {own}",
        ("drop index files_by_path", "update files set folder = '' where id = {shelved}"),
        also=also("schema.objects"),
    ),
    Damage(
        "files.uploads",
        "user {budi}: file ",
        (
            "update uploads set id = (select upload from files where owner_id = {budi})"
            " where user_id = {budi} and sha256 is null",
        ),
    ),
    Damage(
        "folders.owners",
        "1 folders of user 99",
        ("update folders set owner_id = 99 where owner_id = {ani} and name = 'empty'",),
        also=also("usage.exact"),
    ),
    Damage(
        "folders.whole",
        "user {ani} lacks 2",
        (
            "delete from folders where owner_id = {ani} and name = 'shelf'",
            "update folders set folder = 'nowhere' where owner_id = {ani}",
        ),
        also=also("usage.exact"),
    ),
    Damage(
        "folders.clashes",
        "file {own} of user {ani}",
        ("update folders set name = 'own.txt' where owner_id = {ani} and name = 'empty'",),
    ),
    Damage(
        "fetches.form",
        "file {gone}, number 0 there",
        (_FETCH.format(file="{gone}", there=0),),
        also=also("fetches.realms"),
    ),
    Damage(
        "fetches.files",
        "file {sent}, number 7 there",
        (_FETCH.format(file="{sent}", there=7),),
        also=also("fetches.realms"),
    ),
    Damage("fetches.realms", "file {gone}, number 7 there", (_FETCH.format(file="{gone}", there=7),)),
    Damage(
        "uploads.users",
        "1 of user 99",
        ("update uploads set user_id = 99 where user_id = {budi} and sha256 is null",),
        also=also("usage.exact"),
    ),
    Damage(
        "uploads.form",
        "an upload of user {budi} begun at ",
        (
            "update uploads set chunk_bytes = 0 where sha256 is null",
            "update uploads set type = '' where sha256 is not null",
        ),
        problems=2,
    ),
    Damage(
        "uploads.hashes",
        "an upload of user {budi} begun at ",
        (
            "update uploads set claimed = (select sha256 from files where id = {sent})"
            " where sha256 is not null",
        ),
    ),
    Damage(
        "uploads.hashes",
        "an upload of user {budi} begun at ",
        ("delete from blobs where sha256 = (select sha256 from uploads where sha256 is not null)",),
        also=also("storage.orphans"),
    ),
    Damage("usage.users", "user 99", ("insert into usage (user_id) values (99)",)),
    Damage(
        "usage.exact",
        "user {ani} has 4 files and 44 bytes, and not 4 and 45",
        ("update usage set bytes = bytes + 1 where user_id = {ani}",),
    ),
    Damage(
        "usage.exact",
        "user {citra} has 1 files and 44 bytes, and not 0 and 0",
        ("delete from usage where user_id = {citra}",),
    ),
)
