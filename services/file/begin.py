"""``file.begin``: everything that can be refused is refused here, before any byte moves.

The same request again, for as long as the upload is unfinished, answers with what is missing by now. The
caller's usage is locked by then (``changing``).
"""

from __future__ import annotations

from typing import Final

from protocol import limits
from protocol.errors import Conflict, Failure, Invalid, TooLarge
from protocol.file_names import checked_file_name
from protocol.files import BeginUpload, UploadReply
from services.context import Caller, Context
from services.file import paths, staging
from services.file.uploading import begun, finished
from services.messaging.send import refused, target
from services.storage import blobs, files, messages, uploads, usage
from services.storage.files import File
from services.storage.uploads import Upload

TAKEN_KEPT: Final = 5_000_000
"""Microseconds for which it is remembered what staging takes."""


def begin(ctx: Context, caller: Caller, command: BeginUpload) -> UploadReply:
    """Begin an upload, or go on with one."""
    if (command.to is None) == (command.path is None):
        raise Invalid("Say where to: either to, an address, or path, in your own space.")
    file = files.uploaded(ctx.tx, caller.user_id, command.id)
    if file is not None:
        # Not denied to who may not send there any more: it is sent.
        return _finished(file, command)
    new = _wanted(ctx, caller, command)
    old = uploads.get(ctx.tx, caller.user_id, command.id)
    if old is not None:
        _same(old, new)
        return begun(ctx, old)
    _may_begin(ctx, caller, new)
    new = _known(ctx, caller, new)
    if new.sha256 is None:
        _need_disk(ctx, new.size)
    uploads.add(ctx.tx, new)
    usage.change(ctx.tx, caller.user_id, 0, new.size)
    return begun(ctx, new)


# --- what is asked for --------------------------------------------------------------------------


def _wanted(ctx: Context, caller: Caller, command: BeginUpload) -> Upload:
    """The upload that the request describes. Refuses what makes no sense, or may not be sent there."""
    recipient = folder = body = ""
    if command.path is not None:
        if command.name is not None or command.text:
            raise Invalid("A file in your own space has a path, and neither name nor text.")
        folder, name = paths.item_path(command.path)
    else:
        if command.name is None or command.replace:
            raise Invalid("A file that is sent has a name, and replaces nothing.")
        name = checked_file_name(command.name)
        body = command.text or name
        refusal = refused(body, ctx.settings.message_max_bytes)
        if refusal is not None:
            raise refusal
        recipient = target(ctx, caller, command.to or "").to
    return Upload(
        caller.user_id,
        command.id,
        command.size,
        limits.FILE_CHUNK_BYTES,
        recipient,
        folder,
        name,
        body,
        int(command.replace),
        command.sha256,
        None,
        "",
        ctx.now,
        ctx.now,
    )


def _finished(file: File, command: BeginUpload) -> UploadReply:
    """What is said of a file; in its owner's own space it may have another path by now.

    One that was deleted has no bytes that anybody could mean.
    """
    sent = file.folder is None
    if file.size != command.size or sent != (command.to is not None):
        raise _other()
    if command.sha256 not in (None, file.sha256):
        raise _other()
    if sent and file.name != checked_file_name(command.name or ""):
        raise _other()
    return finished(command.id, file.size)


def _same(old: Upload, new: Upload) -> None:
    """Refuses when the same id is used for something else. Only later may the hash be left out."""
    fields = ("size", "recipient", "folder", "name", "body", "replaces")
    if any(getattr(old, field) != getattr(new, field) for field in fields):
        raise _other()
    if new.claimed is not None and new.claimed != old.claimed:
        raise _other()


def _other() -> Failure:
    return Conflict("This id belongs to another upload; choose a new one.")


# --- what may be --------------------------------------------------------------------------------


def _may_begin(ctx: Context, caller: Caller, new: Upload) -> None:
    """Refuses what would not fit, or could not be finished as things are now."""
    settings = ctx.settings
    if new.size > settings.file_max_bytes:
        raise TooLarge(f"A file may have {settings.file_max_bytes} bytes.", limit=settings.file_max_bytes)
    used, quota = usage.used(ctx.tx, caller.user_id), settings.file_quota_bytes
    if used.bytes + new.size > quota:
        raise TooLarge(
            f"Your files take {used.bytes} of {quota} bytes; delete some first.", limit=quota, used=used.bytes
        )
    most = settings.uploads_per_user
    if uploads.count(ctx.tx, caller.user_id) >= most:
        raise TooLarge(f"You may have {most} unfinished uploads; finish or cancel one.", limit=most)
    paths.need_room(ctx, caller)
    if new.recipient:
        if messages.stored(ctx.tx, [(caller.user_id, new.id)]):
            raise Conflict("This id belongs to a message; choose a new one.")
    else:
        paths.need_folder(ctx, caller, new.folder)
        paths.occupant(ctx, caller, new.folder, new.name, bool(new.replaces))


def _known(ctx: Context, caller: Caller, new: Upload) -> Upload:
    """The upload as one that is sealed, if its bytes are in storage and the caller may read them anyway.

    Only then: else whoever knows a hash could fetch what it is the hash of.
    """
    if new.claimed is None:
        return new
    blob = blobs.locked(ctx.tx, new.claimed)
    if blob is None or blob.state is not blobs.State.STORED:
        return new
    type = files.readable_type(ctx.tx, caller.user_id, new.claimed, new.size)
    return new if type is None else new._replace(sha256=new.claimed, type=type)


def _need_disk(ctx: Context, size: int) -> None:
    """Refuses when the disk has no room for it beside what unfinished uploads are still to bring."""
    awaited = uploads.awaited_bytes(ctx.tx)
    room = staging.free_bytes(ctx.settings) - ctx.settings.file_disk_reserve_bytes
    if size > room - awaited:
        # Only where it matters: how much of that has come, every file in staging is asked.
        awaited = max(awaited - _taken(ctx), 0)
    if size > max(room - awaited, 0):
        # How much room there is, is nobody's business.
        raise TooLarge("The server's disk has no room for this file.")


def _taken(ctx: Context) -> int:
    """What unfinished uploads take on the disk, or took some seconds ago, for everybody waits for the answer.

    What ended since may let an upload begin for which there is no room; the disk keeps a reserve for that.
    """
    known: tuple[int, int] | None = ctx.cache.get("taken")
    if known is None or not 0 <= ctx.now - known[0] < TAKEN_KEPT:
        known = ctx.now, staging.taken_bytes(ctx.settings)
        ctx.cache["taken"] = known
    return known[1]
