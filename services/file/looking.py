"""Looking at files: which there are, what one is, and what they take.

Here: what only reads, and the one rule of who may read a file. Not here: its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from protocol.commands import Empty
from protocol.errors import Invalid, NotFound
from protocol.file_names import checked_file_name
from protocol.files import FilesReply, ListFiles, NameFile, StoredFile, UsageReply
from services.context import Caller, Context
from services.file import paths
from services.messaging.locate import locate
from services.storage import files, folders, members, usage
from services.storage.files import File

MOST_BYTES: Final = 256 * 1024
"""Bytes of names and the like in one answer, so that it stays below what a client must take."""

EACH_BYTES: Final = 192
"""What a file costs beside its name, its path and its type."""

PAGE: Final = 128
"""Rows read at once, so that an answer cut short by its bytes has not read a thousand long ones."""


def stat(ctx: Context, caller: Caller, command: NameFile) -> StoredFile:
    """One file."""
    if (command.file is None) == (command.path is None):
        raise Invalid("Name the file: either file, its number, or path, in your own space.")
    if command.file is not None:
        return _shown(readable(ctx, caller, command.file))
    folder, name = paths.item_path(command.path or "")
    found = files.at(ctx.tx, caller.user_id, folder, name)
    if found is None:
        raise NotFound(f"You have no file {paths.joined(folder, name)!r}.")
    return _shown(found)


def readable(ctx: Context, caller: Caller, number: int) -> File:
    """The file of this number, if the caller may read it: it is in their own space, or they are a member.

    The same answer for all else: by counting through the numbers nobody learns what there is.
    """
    file = files.numbered(ctx.tx, number)
    if file is not None and (file.sha256 or file.claimed) is not None:
        if file.folder is not None:
            allowed = file.owner_id == caller.user_id
        else:
            allowed = members.marker(ctx.tx, file.conversation, caller.user_id) is not None
        if allowed:
            return file
    raise paths.no_file(number)


def usage_of(ctx: Context, caller: Caller, command: Empty) -> UsageReply:
    """What the caller's files take, and may take."""
    used = usage.used(ctx.tx, caller.user_id)
    return UsageReply(used.files, used.bytes, ctx.settings.file_quota_bytes)


# --- lists --------------------------------------------------------------------------------------


def list_files(ctx: Context, caller: Caller, command: ListFiles) -> FilesReply:
    """A folder of the caller's, or the files of a conversation, a page at a time."""
    if command.conversation is None and command.address is None:
        return _in_folder(ctx, caller, command)
    if command.path:
        raise Invalid("Name either a folder in your own space, or a conversation.")
    number = locate(ctx, caller, command).conversation.id
    found, more = _within(_behind(ctx, number, _seq(command.after)), command.limit)
    return FilesReply([_shown(file) for file in found if isinstance(file, File)], [], more)


def _in_folder(ctx: Context, caller: Caller, command: ListFiles) -> FilesReply:
    path = paths.folder_path(command.path)
    paths.need_folder(ctx, caller, path)
    after = checked_file_name(command.after) if command.after else ""
    found, more = _within(_by_name(ctx, caller.user_id, path, after), command.limit)
    return FilesReply(
        [_shown(each) for each in found if isinstance(each, File)],
        [each for each in found if isinstance(each, str)],
        more,
    )


def _seq(after: str) -> int:
    if not after:
        return 0
    if not (after.isascii() and after.isdigit()) or int(after) >= 2**63:
        raise Invalid("In a conversation, after is the seq of a message.")
    return int(after)


def _behind(ctx: Context, conversation: int, seq: int) -> Iterator[File]:
    while page := files.in_conversation(ctx.tx, conversation, seq, PAGE):
        yield from page
        seq = page[-1].seq


def _by_name(ctx: Context, owner: int, path: str, after: str) -> Iterator[File | str]:
    """What is in a folder, files and names of folders in one order."""
    while True:
        here = files.page(ctx.tx, owner, path, after, PAGE)
        inner = folders.page(ctx.tx, owner, path, after, PAGE)
        found: list[tuple[str, File | str]] = [(file.name, file) for file in here]
        found += [(name, name) for name in inner]
        # No name is twice among them, and the order of Unicode is that of the bytes, as in the database.
        found.sort(key=lambda each: each[0])
        for name, each in found[:PAGE]:
            yield each
            after = name
        if len(found) < PAGE:
            return


def _within(found: Iterable[File | str], limit: int) -> tuple[list[File | str], bool]:
    """At most ``limit``, and after the first one at most ``MOST_BYTES``; whether there are more."""
    kept: list[File | str] = []
    size = 0
    for each in found:
        size += _cost(each)
        if len(kept) == limit or (kept and size > MOST_BYTES):
            return kept, True
        kept.append(each)
    return kept, False


def _cost(each: File | str) -> int:
    if isinstance(each, str):
        return len(each.encode())
    return EACH_BYTES + len((each.folder or "").encode()) + 2 * len(each.name.encode()) + len(each.type)


def _shown(file: File) -> StoredFile:
    return StoredFile(
        file=file.id,
        name=file.name,
        size=file.size,
        type=file.type,
        sha256=file.sha256 or file.claimed or b"",
        owner=file.owner,
        created_at=file.created_at,
        path="" if file.folder is None else paths.joined(file.folder, file.name),
        conversation=file.conversation,
        seq=file.seq,
    )
