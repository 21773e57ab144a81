"""``file.finish``: a sealed upload becomes a file, in a conversation as a message.

Its conversation is locked by then, and so is the caller's usage (``changing``).
"""

from __future__ import annotations

from protocol.addresses import BROADCAST, Kind
from protocol.commands import Send, SendReply
from protocol.errors import Conflict, Failure
from protocol.files import FileInfo, FinishReply, FinishUpload
from services.context import Caller, Context
from services.file import paths
from services.file.uploading import no_upload
from services.freeing import drop
from services.messaging.attached import info
from services.messaging.locate import numbered
from services.messaging.post import Draft, Pair, Post, Target
from services.messaging.send import target
from services.storage import blobs, files, messages, uploads, usage, users
from services.storage.files import File
from services.storage.messages import Stored
from services.storage.uploads import Upload


def finish(ctx: Context, caller: Caller, command: FinishUpload) -> FinishReply:
    """Make a file of an upload, or say what was made of it before."""
    upload = uploads.locked(ctx.tx, caller.user_id, command.upload)
    if upload is None:
        return _again(ctx, caller, command)
    sha256 = _sealed(ctx, upload, command)
    reply = (_sent if upload.recipient else _own)(ctx, caller, upload, sha256)
    # Last, for until there is a file it alone keeps the bytes: what gives way may have had the same.
    uploads.delete(ctx.tx, caller.user_id, upload.id)
    return reply


def _sealed(ctx: Context, upload: Upload, command: FinishUpload) -> bytes:
    """The upload's hash. Refuses when its bytes are not in storage, or are not what the caller means.

    Bytes that are there stay, as long as the upload refers to them.
    """
    blob = None if upload.sha256 is None else blobs.get(ctx.tx, upload.sha256)
    if upload.sha256 is None or blob is None or blob.state is not blobs.State.STORED:
        raise Conflict("This upload is not sealed yet.")
    if command.sha256 is not None and command.sha256 != upload.sha256:
        raise Conflict("The server's bytes are not yours: cancel this upload, and begin another.")
    return upload.sha256


def _add(ctx: Context, upload: Upload, folder: str | None, sha256: bytes) -> FileInfo:
    """The file, which counts from now on. Its bytes did already."""
    number = files.add(
        ctx.tx, upload.user_id, upload.id, folder, upload.name, upload.size, upload.type, sha256, ctx.now
    )
    usage.change(ctx.tx, upload.user_id, 1, 0)
    return FileInfo(number, upload.name, upload.size, upload.type, sha256)


# --- in the owner's own space -------------------------------------------------------------------


def _own(ctx: Context, caller: Caller, upload: Upload, sha256: bytes) -> FinishReply:
    paths.need_folder(ctx, caller, upload.folder)
    old = paths.occupant(ctx, caller, upload.folder, upload.name, bool(upload.replaces))
    if old is not None:
        drop(ctx, old)
    return FinishReply(_add(ctx, upload, upload.folder, sha256), 0, 0, 0, False)


# --- in a conversation --------------------------------------------------------------------------


def _sent(ctx: Context, caller: Caller, upload: Upload, sha256: bytes) -> FinishReply:
    where = target(ctx, caller, upload.recipient)
    if messages.stored(ctx.tx, [(caller.user_id, upload.id)]):
        raise Conflict("This id belongs to a message; cancel this upload, and begin another.")
    file = _add(ctx, upload, None, sha256)
    answer = _post(ctx, caller, upload.id, upload.body, where, file, {})
    # One to a group of another realm is numbered there, and has its place when it has come back.
    files.place(ctx.tx, file.file, answer.conversation, answer.seq or None)
    return FinishReply(
        file, answer.conversation, answer.seq, answer.sent_at, False, answer.queued, answer.away
    )


def _post(
    ctx: Context,
    caller: Caller,
    id: bytes,
    body: str,
    where: Target,
    file: FileInfo,
    known: dict[Pair, Stored],
) -> SendReply:
    draft = Draft(caller, Send(where.to, body, id), where, file)
    (answer,) = Post(ctx, known).answers([(caller.user_id, id)], [draft])
    if isinstance(answer, Failure):
        raise answer
    assert isinstance(answer, SendReply)
    return answer


# --- once more ----------------------------------------------------------------------------------


def _again(ctx: Context, caller: Caller, command: FinishUpload) -> FinishReply:
    """A retry: what became of the upload. Its message is published once more, as ``message.send`` does."""
    file = files.uploaded(ctx.tx, caller.user_id, command.upload)
    if file is None:
        raise no_upload()
    if command.sha256 is not None and file.sha256 not in (None, command.sha256):
        raise Conflict("The server's bytes are not yours: delete this file, and begin another upload.")
    if not file.conversation:
        return FinishReply(info(file), 0, 0, 0, True)
    if not file.seq:
        return FinishReply(info(file), file.conversation, 0, file.created_at, True, queued=True)
    known = messages.stored(ctx.tx, [(caller.user_id, command.upload)])
    stored = known[caller.user_id, command.upload]
    where = _target_of(ctx, caller, file)
    if where is not None:
        _post(ctx, caller, command.upload, stored.body, where, info(file), known)
    return FinishReply(info(file), stored.conversation, stored.seq, stored.sent_at, True)


def _target_of(ctx: Context, caller: Caller, file: File) -> Target | None:
    """Where the file's message went; None for who is no member any more, and makes nobody hear of it."""
    try:
        place = numbered(ctx, caller, file.conversation)
    except Failure:
        return None
    if not place.partner:
        group = place.conversation.kind == Kind.GROUP
        return Target(file.conversation, f"#{place.conversation.name}" if group else BROADCAST, 0)
    partner = users.numbered(ctx.tx, place.partner)
    return None if partner is None else Target(file.conversation, partner.name, partner.id)
