"""Uploads that are not finished: what they lack, which there are, and giving one up."""

from __future__ import annotations

from protocol import limits
from protocol.commands import Empty
from protocol.errors import NotFound
from protocol.files import ListUploads, NameUpload, UploadInfo, UploadReply, UploadsReply
from services.context import Caller, Context
from services.file import paths, staging
from services.storage import blobs, files, uploads, usage
from services.storage.uploads import Upload


def resume(ctx: Context, caller: Caller, command: NameUpload) -> UploadReply:
    """What the server lacks of an upload."""
    upload = uploads.get(ctx.tx, caller.user_id, command.upload)
    if upload is not None:
        return begun(ctx, upload)
    file = files.uploaded(ctx.tx, caller.user_id, command.upload)
    if file is None:
        raise no_upload()
    return finished(command.upload, file.size)


def cancel(ctx: Context, caller: Caller, command: NameUpload) -> Empty:
    """Give an upload up, and with it all that is held of it."""
    upload = uploads.locked(ctx.tx, caller.user_id, command.upload)
    if upload is None:
        raise no_upload()
    uploads.delete(ctx.tx, caller.user_id, upload.id)
    usage.change(ctx.tx, caller.user_id, 0, -upload.size)
    if upload.sha256 is not None:
        blobs.release(ctx.tx, [upload.sha256], ctx.now)
    # Should this transaction fail now, the upload lacks everything, and says so.
    staging.remove(ctx.settings, caller.user_id, upload.id)
    return Empty()


def list_uploads(ctx: Context, caller: Caller, command: ListUploads) -> UploadsReply:
    """All of the caller's, oldest first."""
    return UploadsReply([_info(ctx, each) for each in uploads.of_user(ctx.tx, caller.user_id)])


def _info(ctx: Context, each: Upload) -> UploadInfo:
    keep = int(ctx.settings.upload_keep * 1_000_000)
    held = each.size
    if each.sha256 is None:
        held = staging.held_bytes(ctx.settings, each.user_id, each.id, each.size, each.chunk_bytes)
    path = "" if each.recipient else paths.joined(each.folder, each.name)
    return UploadInfo(
        each.id, each.name, each.size, held, each.recipient, path, each.created_at, each.touched_at + keep
    )


# --- how it stands ------------------------------------------------------------------------------


def begun(ctx: Context, upload: Upload) -> UploadReply:
    """How to send what is missing; nothing is, once the hash is known."""
    size, chunk_bytes = upload.size, upload.chunk_bytes
    missing = []
    if upload.sha256 is None:
        missing = staging.missing(ctx.settings, upload.user_id, upload.id, size, chunk_bytes)
    return UploadReply(upload.id, size, chunk_bytes, limits.FILE_WINDOW, missing)


def finished(upload: bytes, size: int) -> UploadReply:
    """It is a file already."""
    return UploadReply(upload, size, limits.FILE_CHUNK_BYTES, limits.FILE_WINDOW, [], True)


def no_upload() -> NotFound:
    """The answer about an upload that the caller does not have."""
    return NotFound("You have no such upload; it may have been swept.")
