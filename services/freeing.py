"""Letting go of files: they count no more, and bytes that nothing else refers to are on their way out.

Used by the file service, and by the group service when it deletes a group.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.context import Context
from services.storage import blobs, files, usage
from services.storage.files import File, Released


def free(ctx: Context, owner: int, released: Iterable[Released], folders: int = 0) -> None:
    """These files of one owner are deleted, and so many folders.

    Whoever calls holds the owner's usage, and stands in the line for blobs.
    """
    gone = list(released)
    usage.change(ctx.tx, owner, -len(gone) - folders, -sum(each.size for each in gone))
    blobs.release(ctx.tx, [each.sha256 for each in gone], ctx.now)


def drop(ctx: Context, file: File) -> None:
    """Delete one file: in a conversation, all but what its message shows."""
    if file.sha256 is None:
        return
    if file.conversation:
        files.mark_gone(ctx.tx, file.id)
    else:
        files.delete(ctx.tx, file.id)
    free(ctx, file.owner_id, [Released(file.size, file.sha256)])


def free_conversation(ctx: Context, conversation: int) -> None:
    """Delete all files of a conversation that is about to be deleted. Whoever calls this holds its row.

    And nothing else, nor will: the owners' usage is locked here, and conversations come before that.
    """
    for owner in files.owners_in(ctx.tx, conversation):
        usage.locked(ctx.tx, owner)
    blobs.wait(ctx.tx)
    released: dict[int, list[Released]] = {}
    for owner, file in files.delete_of_conversation(ctx.tx, conversation):
        released.setdefault(owner, []).append(file)
    for owner, gone in released.items():
        usage.change(ctx.tx, owner, -len(gone), -sum(each.size for each in gone))
    blobs.release(ctx.tx, [each.sha256 for gone in released.values() for each in gone], ctx.now)
