"""Commands about files: the typed shapes of their requests and replies.

Their rows are in the table of ``commands``; chunks, which travel on a socket of their own, are
``bulk``'s; what a name may be is ``file_names``'s. ``offset`` and sizes are bytes, ``sha256`` 32 bytes.

A file belongs to whoever uploaded it and is in one of two places: in its owner's own space, under a path
(folders and a name, with ``/`` between), or in a conversation, where it is a message.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from protocol import limits
from protocol.body import Address, Body, Bytes, Id, ListLimit, MessageId, Sha256

FileName = Annotated[str, Meta(min_length=1, max_length=limits.FILE_NAME_MAX_BYTES)]
Path = Annotated[str, Meta(max_length=limits.PATH_MAX_LENGTH)]


class FileInfo(Body, frozen=True):
    """One file, as a message shows it. ``type`` was guessed from its first bytes: never trust it.

    ``gone``: it was deleted, and cannot be fetched any more.
    """

    file: int
    name: str
    size: int
    type: str
    sha256: bytes
    gone: bool = False


class StoredFile(Body, frozen=True):
    """One file, and where it is: at ``path`` in the caller's own space, or ``seq`` of ``conversation``."""

    file: int
    name: str
    size: int
    type: str
    sha256: bytes
    owner: str = field(name="from")
    created_at: int
    path: str = ""
    conversation: int = 0
    seq: int = 0


class BeginUpload(Body, frozen=True):
    """Begin to upload, or go on: the same request again answers with what is still missing.

    ``id`` is chosen by the caller, as a message's is; in a conversation it becomes the message's. Either
    ``to`` (an address) with ``name``, or ``path``, in one's own space. ``text`` is the message's, the name if
    empty. ``sha256``: of the whole, if known. ``replace``: what is at ``path`` by then gives way.
    """

    id: MessageId
    size: Bytes
    to: Address | None = None
    name: FileName | None = None
    path: Path | None = None
    text: str = ""
    sha256: Sha256 | None = None
    replace: bool = False


class NameUpload(Body, frozen=True):
    """A command about one of the caller's uploads that are not finished."""

    upload: MessageId


class UploadReply(Body, frozen=True, omit_defaults=False):
    """How to send the bytes: chunks of ``chunk_bytes`` (the last one shorter), ``window`` of them at once.

    ``missing`` lists the ranges [from, to) that the server lacks, ascending, at most 1,000; when there
    are none, seal and finish. ``finished``: it is a file already; ``file.finish`` answers what became of it.
    """

    upload: bytes
    size: int
    chunk_bytes: int
    window: int
    missing: list[tuple[int, int]]
    finished: bool = False


class FinishUpload(Body, frozen=True):
    """Make a sealed upload a file. ``sha256``: of the caller's bytes; ``conflict`` if the server's differ."""

    upload: MessageId
    sha256: Sha256 | None = None


class FinishReply(Body, frozen=True):
    """The file. In a conversation it is message ``seq`` there, sent at ``sent_at``; else both numbers are 0.

    ``duplicate``: it already was, from an earlier try. ``queued`` and ``away``: as in the answer to
    ``message.send``; in a group of another realm ``seq`` is 0 until the message has come back.
    """

    file: FileInfo
    conversation: int
    seq: int
    sent_at: int
    duplicate: bool
    queued: bool = False
    away: bool = False


class ListUploads(Body, frozen=True):
    """The caller's unfinished uploads, oldest first."""


class UploadInfo(Body, frozen=True, omit_defaults=False):
    """One unfinished upload; ``to`` or ``path`` is empty. ``held``: bytes that the server has.

    ``ends_at``: when it is swept unless something of it arrives.
    """

    upload: bytes
    name: str
    size: int
    held: int
    to: str
    path: str
    created_at: int
    ends_at: int


class UploadsReply(Body, frozen=True):
    """Every one of them: there are few."""

    uploads: list[UploadInfo]


class ListFiles(Body, frozen=True):
    """Files in one of the caller's own folders (``path``, '' = the topmost), or in a conversation.

    ``after``: in a folder the last name of the page before, in a conversation the last ``seq``, as text.
    """

    path: Path = ""
    conversation: Id | None = None
    address: Address | None = field(name="with", default=None)
    after: Annotated[str, Meta(max_length=limits.FILE_NAME_MAX_BYTES)] = ""
    limit: ListLimit = 100


class FilesReply(Body, frozen=True):
    """One page: in a folder by name, folders among them by their names; in a conversation by ``seq``.

    ``more``: ask again with ``after`` set to the last name (of a file or a folder), or the last ``seq``.
    """

    files: list[StoredFile]
    folders: list[str] = field(default_factory=list)
    more: bool = False


class NameFile(Body, frozen=True):
    """A command about one file, by number or, in the caller's own space, by path."""

    file: Id | None = None
    path: Path | None = None


class DeleteFile(Body, frozen=True):
    """Delete a file of the caller's, or a folder; ``recursive``: with all that is in it."""

    file: Id | None = None
    path: Path | None = None
    recursive: bool = False


class MoveFile(Body, frozen=True):
    """Give a file or a folder in the caller's own space another path. ``conflict`` if something is there.

    ``replace``: a file there gives way to a file.
    """

    path: Path
    to: Path
    replace: bool = False


class MakeFolder(Body, frozen=True):
    """Make a folder in the caller's own space. ``parents``: those above it too, and it may exist."""

    path: Path
    parents: bool = False


class UsageReply(Body, frozen=True, omit_defaults=False):
    """What the caller's files and unfinished uploads take: each counts, whoever else has the same bytes."""

    files: int
    bytes: int
    quota: int
