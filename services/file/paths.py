"""Paths in the caller's own space: from what a command says to a folder and a name, and what is there.

Here: looks and refusals that several commands share. Whoever relies on what it saw holds the caller's
``usage`` row. Not here: which names there may be (``protocol.file_names``).
"""

from __future__ import annotations

from protocol.errors import Conflict, Invalid, NotFound, TooLarge
from protocol.file_names import checked_folder, checked_path
from protocol.limits import PATH_MAX_LENGTH
from services.context import Caller, Context
from services.storage import files, folders, uploads, usage
from services.storage.files import File


def folder_path(text: str) -> str:
    """A folder's path, '' for the topmost."""
    return _short(checked_folder(text))


def item_path(text: str) -> tuple[str, str]:
    """(folder, name) of a path."""
    folder, name = checked_path(text)
    _short(joined(folder, name))
    return folder, name


def joined(folder: str, name: str) -> str:
    """The path of what has this name in this folder."""
    return f"{folder}/{name}" if folder else name


def _short(path: str) -> str:
    if len(path) > PATH_MAX_LENGTH:
        raise Invalid(f"A path may have {PATH_MAX_LENGTH} characters.")
    return path


def no_file(number: int) -> NotFound:
    """What is said of a file that one may not know of, whatever the reason."""
    return NotFound(
        f"There is no file {number} for you: none has this number, it was deleted, or you may not read it."
    )


def need_folder(ctx: Context, caller: Caller, path: str) -> None:
    """Refuses when there is no such folder."""
    if not folders.exists(ctx.tx, caller.user_id, path):
        raise NotFound(f"You have no folder {path!r}.")


def occupant(ctx: Context, caller: Caller, folder: str, name: str, replace: bool) -> File | None:
    """The file that gives way to what is to have this path; refuses when something does not."""
    if folders.exists(ctx.tx, caller.user_id, joined(folder, name)):
        raise Conflict(f"{joined(folder, name)!r} is a folder.")
    found = files.at(ctx.tx, caller.user_id, folder, name)
    if found is not None and not replace:
        raise Conflict(f"There is already a file {joined(folder, name)!r}.")
    return found


def need_room(ctx: Context, caller: Caller, more: int = 1) -> None:
    """Refuses when the caller has as many files, folders and unfinished uploads as they may."""
    most = ctx.settings.files_per_user
    used = usage.used(ctx.tx, caller.user_id)
    if used.files + uploads.count(ctx.tx, caller.user_id) + more > most:
        raise TooLarge(f"You may have {most} files and folders.", limit=most)
