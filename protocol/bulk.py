"""Chunks of files, and the socket they travel on, so that no message ever waits behind a file.

The same envelope as for commands, in two frames: the request as ``envelope.pack_request`` makes it, and
behind it the bytes themselves, for ``chunk.put``; a reply likewise, with bytes behind it for ``chunk.get``.
Nothing here goes through the broker's loop: file workers answer, and check the token of each request
themselves. Every request may be repeated. A client keeps at most ``FILE_WINDOW`` chunks under way.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from protocol.body import Body, Bytes, Empty, Id, MessageId, convert
from protocol.envelope import unpack_body


class PutChunk(Body, frozen=True):
    """Bytes of an upload from ``offset`` on, a multiple of ``chunk_bytes``: a whole chunk, or the last."""

    upload: MessageId
    offset: Bytes


class GetChunk(Body, frozen=True):
    """``length`` bytes of a file from ``offset`` on, at most ``FILE_CHUNK_BYTES``; fewer at its end."""

    file: Id
    offset: Bytes
    length: Bytes


class SealUpload(Body, frozen=True):
    """All chunks are there: hash them, guess the type, and put the whole into storage. Answered when done."""

    upload: MessageId


class SealReply(Body, frozen=True, omit_defaults=False):
    """What the server's bytes are. ``type`` is guessed from the first of them."""

    sha256: bytes
    type: str


class BulkCommand(NamedTuple):
    """One row; each needs a session. ``payload``: 'request', 'reply' or '': which has bytes behind it."""

    name: str
    request: type[Body]
    reply: type[Body]
    payload: str = ""


BULK: Final[dict[str, BulkCommand]] = {
    row.name: row
    for row in (
        BulkCommand("chunk.put", PutChunk, Empty, "request"),
        BulkCommand("chunk.get", GetChunk, Empty, "reply"),
        BulkCommand("chunk.seal", SealUpload, SealReply),
    )
}
"""Every command of the bulk socket."""


def read(command: BulkCommand, body: bytes) -> Any:
    """The typed request of ``command`` from packed ``body``. Raises ``Invalid``, which names the field."""
    return convert(unpack_body(body), command.request)
