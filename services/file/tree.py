"""Changing what is in the caller's own space: folders made, files and folders moved and deleted.

Here: what changes names and places. The caller's usage is locked by then (``changing``), so a file and a
folder never come to share a path. Not here: looking (``looking``), and how files come in (``finish``).
"""

from __future__ import annotations

from typing import Final

from protocol.commands import Empty
from protocol.errors import Busy, Conflict, Forbidden, Invalid, NotFound, TooLarge
from protocol.files import DeleteFile, MakeFolder, MoveFile
from protocol.limits import FOLDERS_MAX_DEPTH, PATH_MAX_LENGTH
from services.context import Caller, Context
from services.file import looking, paths
from services.freeing import drop, free
from services.storage import files, folders, usage
from services.storage.files import File

AT_ONCE: Final = 5000
"""Files and folders deleted in one transaction, for which every message on SQLite waits."""

MOVED_MOST: Final = 5000
"""Files and folders that a folder takes with it when it is moved: in one transaction, or in none."""

AGAIN_AFTER: Final = 0.001
"""Seconds until the next of them may be."""


def mkdir(ctx: Context, caller: Caller, command: MakeFolder) -> Empty:
    """Make a folder; with ``parents`` also those above it, and it may exist."""
    path = paths.joined(*paths.item_path(command.path))
    names = path.split("/")
    if not command.parents:
        paths.need_folder(ctx, caller, "/".join(names[:-1]))
        if folders.exists(ctx.tx, caller.user_id, path):
            raise Conflict(f"There is already a folder {path!r}.")
    above = ["/".join(names[: depth + 1]) for depth in range(len(names))]
    lacking = [each for each in above if not folders.exists(ctx.tx, caller.user_id, each)]
    for each in lacking:
        if files.at(ctx.tx, caller.user_id, *folders.split(each)) is not None:
            raise Conflict(f"{each!r} is a file.")
    if lacking:
        paths.need_room(ctx, caller, len(lacking))
    for each in lacking:
        folders.add(ctx.tx, caller.user_id, each, ctx.now)
    usage.change(ctx.tx, caller.user_id, len(lacking), 0)
    return Empty()


# --- moving -------------------------------------------------------------------------------------


def move(ctx: Context, caller: Caller, command: MoveFile) -> Empty:
    """Give a file, or a folder with all that is in it, another path."""
    source = paths.item_path(command.path)
    folder, name = paths.item_path(command.to)
    file = files.at(ctx.tx, caller.user_id, *source)
    path, to = paths.joined(*source), paths.joined(folder, name)
    if file is None and not folders.exists(ctx.tx, caller.user_id, path):
        raise NotFound(f"You have no file and no folder {path!r}.")
    if path == to:
        return Empty()
    if file is None:
        _move_folder(ctx, caller, path, to)
        return Empty()
    paths.need_folder(ctx, caller, folder)
    old = paths.occupant(ctx, caller, folder, name, command.replace)
    if old is not None:
        drop(ctx, old)
    files.move(ctx.tx, file.id, folder, name)
    return Empty()


def _move_folder(ctx: Context, caller: Caller, path: str, to: str) -> None:
    folder, name = folders.split(to)
    if to.startswith(path + "/"):
        raise Invalid("A folder cannot be moved into itself.")
    paths.need_folder(ctx, caller, folder)
    paths.occupant(ctx, caller, folder, name, False)
    if folders.is_larger(ctx.tx, caller.user_id, path, MOVED_MOST):
        raise TooLarge(
            f"A folder is moved with up to {MOVED_MOST} files and folders in it; move what is in it first.",
            limit=MOVED_MOST,
        )
    reach = folders.extent(ctx.tx, caller.user_id, path)
    if len(to) + reach.length > PATH_MAX_LENGTH or to.count("/") + 1 + reach.depth > FOLDERS_MAX_DEPTH:
        raise Invalid(
            f"Paths in it would have more than {PATH_MAX_LENGTH} characters, or {FOLDERS_MAX_DEPTH} names."
        )
    folders.move(ctx.tx, caller.user_id, path, to)


# --- deleting -----------------------------------------------------------------------------------


def delete(ctx: Context, caller: Caller, command: DeleteFile) -> Empty | Busy:
    """Delete a file of the caller's, wherever it is, or a folder in their own space.

    A folder of very much goes in several steps, for each of which the caller asks again.
    """
    if (command.file is None) == (command.path is None):
        raise Invalid("Name the file: either file, its number, or path, in your own space.")
    if command.file is not None:
        drop(ctx, _own(ctx, caller, command.file))
        return Empty()
    folder, name = paths.item_path(command.path or "")
    found = files.at(ctx.tx, caller.user_id, folder, name)
    if found is not None:
        drop(ctx, found)
        return Empty()
    return _delete_folder(ctx, caller, paths.joined(folder, name), command.recursive)


def _own(ctx: Context, caller: Caller, number: int) -> File:
    """The caller's file of this number, also where they are no member any more: it still counts as theirs."""
    file = files.numbered(ctx.tx, number)
    if file is None or file.sha256 is None or file.owner_id != caller.user_id:
        file = looking.readable(ctx, caller, number)
        raise Forbidden(f"Only {file.owner}, whose file it is, may delete it.")
    return file


def _delete_folder(ctx: Context, caller: Caller, path: str, recursive: bool) -> Empty | Busy:
    user = caller.user_id
    if not folders.exists(ctx.tx, user, path):
        raise NotFound(f"You have no file and no folder {path!r}.")
    if not recursive and (files.any_in(ctx.tx, user, path) or folders.page(ctx.tx, user, path, "", 1)):
        raise Conflict(f"The folder {path!r} is not empty.")
    gone = files.delete_beneath(ctx.tx, user, path, AT_ONCE)
    inner = folders.delete_beneath(ctx.tx, user, path, AT_ONCE - len(gone))
    if len(gone) + inner == AT_ONCE:
        free(ctx, user, gone, inner)
        # Returned, not raised: what was done stays.
        message = f"{AT_ONCE} files and folders were deleted; ask again for the rest."
        return Busy(message, retry_after=AGAIN_AFTER)
    folders.delete(ctx.tx, user, path)
    free(ctx, user, gone, inner + 1)
    return Empty()
