"""Everything that changes files, a whole batch of calls at a time, in order of arrival.

Theory of operation. First every conversation that one of the calls is for is locked, then every caller's
usage, each in order of their numbers, and then the batch stands in line for blobs, which calls come to in any
order. So no two workers wait for each other in a circle, nor for one that sends messages. Then each call is
handled by itself, in a savepoint. If a group changed in between, all of it is undone and done once more.

On PostgreSQL that line makes the batches of several workers wait for each other, for some milliseconds.
Chunks, which are nearly all of the work, pass by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from protocol.commands import Body
from protocol.errors import Failure
from services.context import Caller, Context
from services.file import begin, finish, tree, uploading
from services.messaging.post import Moved
from services.messaging.send import target
from services.storage import blobs, conversations, uploads, usage
from services.storage.engine import Duplicate, StoreBusy

TRIES: Final = 4
"""How often a batch is tried while others change what it looks at."""

HANDLERS: Final[dict[str, Callable[[Context, Caller, Any], Body | Failure]]] = {
    "file.begin": begin.begin,
    "file.finish": finish.finish,
    "file.cancel": uploading.cancel,
    "file.move": tree.move,
    "file.delete": tree.delete,
    "file.mkdir": tree.mkdir,
}


def change(ctx: Context, calls: list[tuple[Caller, Any]]) -> list[Body | Failure]:
    """An answer for each, in the same order."""
    for _ in range(TRIES):
        mark = ctx.mark()
        try:
            with ctx.tx.savepoint():
                _lock(ctx, calls)
                return [_answer(ctx, caller, command) for caller, command in calls]
        except (Duplicate, Moved):
            ctx.undo(mark)
            ctx.cache.clear()  # it may name a conversation that was begun in vain
    raise StoreBusy("others keep changing what this batch is about")


def _lock(ctx: Context, calls: list[tuple[Caller, Any]]) -> None:
    """Hold everything that the calls are about. What is refused here is refused again later."""
    wanted = set()
    for caller, command in calls:
        if caller.command != "file.finish":
            continue
        upload = uploads.get(ctx.tx, caller.user_id, command.upload)
        if upload is not None and upload.recipient:
            try:
                wanted.add(target(ctx, caller, upload.recipient).conversation)
            except Failure:
                continue
    conversations.hold(ctx.tx, wanted)
    for user in sorted({caller.user_id for caller, _ in calls}):
        usage.locked(ctx.tx, user)
    blobs.wait(ctx.tx)


def _answer(ctx: Context, caller: Caller, command: Any) -> Body | Failure:
    mark = ctx.mark()
    try:
        with ctx.tx.savepoint():
            return HANDLERS[caller.command](ctx, caller, command)
    except Failure as refusal:
        ctx.undo(mark)
        return refusal
