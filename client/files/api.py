"""``chat.files``: files sent to people and groups, kept in one's own space, fetched, listed.

Belongs here: names, arguments and paging. How an upload goes is ``uploading``'s, how bytes come back
``downloading``'s, the socket they travel on ``bulk``'s.

    async for progress in chat.files.upload(Path("plan.pdf"), to="#ops"):
        print(progress.done, progress.size)
    await chat.files.store(b"...", "notes/today.txt")
    async for progress in chat.files.save(file, Path("plan.pdf")):
        ...
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from client.connection import Connection
from client.files import downloading, pouring, sources, uploading
from client.files.bulk import Bulk
from client.files.progress import Progress
from client.targets import Target, which
from protocol import limits
from protocol.body import Body, Empty
from protocol.commands import SendReply
from protocol.files import (
    BeginUpload,
    DeleteFile,
    FileInfo,
    FilesReply,
    FinishReply,
    ListFiles,
    ListUploads,
    MakeFolder,
    MoveFile,
    NameFile,
    NameUpload,
    StoredFile,
    UploadInfo,
    UploadReply,
    UploadsReply,
    UsageReply,
)
from protocol.message_id import message_id

if TYPE_CHECKING:
    from client.recording import Recording

R = TypeVar("R")

Source = sources.Source
"""What is sent: a file on this disk, bytes, or an open file that can seek (the whole of it)."""
AnyFile = int | StoredFile | FileInfo
"""A file: its number, or what tells of it."""


class Folder(NamedTuple):
    """A folder in one's own space. ``path`` is the whole of it, ``name`` its last part."""

    path: str
    name: str


class Files:
    """The files of one chat. Every method raises what those of ``Chat`` raise.

    A transfer goes on by itself after broken lines and restarted servers. It raises ``Timeout`` (or
    ``Offline``) when nothing at all came through for the chat's ``timeout`` while the server was gone, or
    for half a minute while it was there; what was transferred stays, and the same call goes on from there.
    """

    def __init__(self, connection: Connection, recording: Recording | None = None) -> None:
        self._connection = connection
        self._recording = recording
        self._bulk = Bulk(connection)
        self._leftovers: set[bytes] = set()

    def close(self) -> None:
        """Close the socket of chunks; transfers under way raise ``Closed``."""
        self._bulk.close()

    def let_go(self) -> None:
        """Close the socket of chunks now, unless something is transferred; by itself it is closed later."""
        self._bulk.let_go()

    # --- there ----------------------------------------------------------------------------------

    async def upload(
        self,
        source: Source,
        *,
        to: str | None = None,
        path: str | None = None,
        name: str = "",
        text: str = "",
        id: bytes | None = None,
        replace: bool = False,
        sha256: bytes | None = None,
    ) -> AsyncGenerator[Progress, None]:
        """Send a file to an address, or store it under a path in our own space: one of ``to`` and ``path``.

        ``name``: that of the file if empty. A ``path`` that ends with a slash is a folder, for a file of
        that name. ``text``: the message's. ``replace``: a file at ``path`` gives way. ``sha256``: if known;
        the server then need not be sent what it has (small files are looked at by themselves).
        The same ``id`` (16 bytes) with the same source and arguments again, even from another process, goes
        on where it was; without one it is a new upload. Yields as chunks arrive at the server; the last
        ``Progress`` has ``file`` set. Raises ``OSError`` when the source cannot be read, ``SourceChanged``
        when it changed meanwhile, ``Corrupt`` when the server holds something else in the end, ``Conflict``
        when the ``id`` was used for something else, were it only for other bytes.
        """
        name = name or sources.name_of(source)
        if (to is None) == (path is None):
            raise ValueError("a file goes to an address, or under a path of one's own: name one of them")
        if path is not None and (not path.strip("/") or path.endswith("/")):
            path += name
        if path is None and not name:
            raise ValueError("what is sent has no name: give one")
        id = id or message_id(time.time_ns() // 1_000_000)
        begin = BeginUpload(id, 0, to, name if path is None else None, path, text, sha256, replace=replace)
        steps = uploading.upload(self._connection, self._bulk, source, begin)
        async with contextlib.aclosing(steps):
            async for progress in steps:
                if progress.file is not None and to is not None:
                    self._record(to, text or progress.file.file.name, id, progress.file)
                yield progress

    async def send(
        self, source: Source, to: str, *, name: str = "", text: str = "", id: bytes | None = None
    ) -> FinishReply:
        """Send a file to a person, a group ('#ops') or everyone ('*'), as a message there. See ``upload``."""
        return await self._whole(self.upload(source, to=to, name=name, text=text, id=id))

    async def store(
        self, source: Source, path: str, *, id: bytes | None = None, replace: bool = False
    ) -> FinishReply:
        """Store a file under a path in our own space; its folder must exist. See ``upload``."""
        return await self._whole(self.upload(source, path=path, id=id, replace=replace))

    async def pour(
        self,
        read: pouring.Read,
        size: int,
        *,
        to: str | None = None,
        path: str | None = None,
        name: str = "",
        text: str = "",
        replace: bool = False,
    ) -> FinishReply:
        """Upload ``size`` bytes that come once: ``await read(most)`` answers 1 to ``most`` of them.

        Otherwise as ``upload``. What the server refuses is refused before anything is read; whatever is
        raised, by ``read`` too, no upload stays behind: if the server is away just then, the next call of
        this first has it dropped.
        """
        if (to is None) == (path is None):
            raise ValueError("a file goes to an address, or under a path of one's own: name one of them")
        id = message_id(time.time_ns() // 1_000_000)
        begin = BeginUpload(id, size, to, name if path is None else None, path, text, replace=replace)
        reply = await pouring.pour(self._connection, self._bulk, read, begin, self._leftovers)
        if to is not None:
            self._record(to, text or reply.file.name, id, reply)
        return reply

    async def resume(self, upload: bytes) -> UploadReply:
        """What the server still lacks of an unfinished upload of ours; ``upload`` asks for itself."""
        return await self._ask("file.resume", NameUpload(upload), UploadReply)

    async def cancel(self, upload: bytes) -> None:
        """Give an unfinished upload up: the server drops what it has of it."""
        await self._ask("file.cancel", NameUpload(upload), Empty)

    async def uploads(self) -> list[UploadInfo]:
        """Our unfinished uploads, oldest first."""
        return (await self._ask("file.uploads", ListUploads(), UploadsReply)).uploads

    # --- back -----------------------------------------------------------------------------------

    async def download(
        self, file: AnyFile, *, offset: int = 0, window: int = limits.FILE_WINDOW
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a file from ``offset`` on, chunk by chunk in their order.

        ``window``: how many chunks are under way at once, and as many more may wait to be taken. Raises
        ``Corrupt`` behind the last chunk when a whole download (``offset`` 0) has another sha256 than the
        file.
        """
        known = await self._known(file)
        steps = downloading.download(self._bulk, known, offset, window)
        async with contextlib.aclosing(steps):
            async for chunk in steps:
                yield chunk

    async def save(
        self, file: AnyFile, target: Path, *, replace: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """Fetch a file to ``target``, or into that folder under a harmless form of its own name.

        It grows in ``NAME.HASH.part`` beside it and gets its name when it is whole, its sha256 is right and
        it is on the disk; the same call again goes on with what is there. Yields as bytes are written; the
        last ``Progress`` has ``path`` set. Raises ``FileExistsError`` if something is there (unless
        ``replace``, and it is a plain file), ``BlockingIOError`` while another process fetches the same,
        other ``OSError`` of the disk, and ``Corrupt`` when what came is not the file.
        """
        known = await self._known(file)
        steps = downloading.save(self._bulk, known, Path(target), replace)
        async with contextlib.aclosing(steps):
            async for progress in steps:
                yield progress

    # --- which there are ------------------------------------------------------------------------

    async def list(
        self,
        path: str = "",
        *,
        conversation: Target | None = None,
        after: str = "",
        page: int = limits.LIST_MAX_ITEMS,
    ) -> AsyncIterator[StoredFile | Folder]:
        """Files and folders in one of our folders ('' is the topmost) by name, or files of a conversation.

        Those of a conversation come by ``seq``; of each ``path`` is then ''. ``after``: only what is behind
        this name, or this ``seq`` as text. ``page``: how many are asked for at once.
        """
        number, address = (None, None) if conversation is None else which(conversation)
        more = True
        while more:
            request = ListFiles(path, number, address, after, page)
            found = await self._ask("file.list", request, FilesReply)
            for entry in _in_order(found, path, in_conversation=conversation is not None):
                yield entry
                after = str(entry.seq) if isinstance(entry, StoredFile) and entry.seq else entry.name
            more = found.more and bool(found.files or found.folders)

    async def stat(self, file: AnyFile | str) -> StoredFile:
        """One file, by number or, in our own space, by path."""
        return await self._ask("file.stat", NameFile(*_number_or_path(file)), StoredFile)

    async def move(self, path: str, to: str, *, replace: bool = False) -> None:
        """Give a file or a folder in our own space another path; ``replace``: a file there gives way."""
        await self._ask("file.move", MoveFile(path, to, replace), Empty)

    async def delete(self, file: AnyFile | str, *, recursive: bool = False) -> None:
        """Delete a file of ours by number or path, or a folder; ``recursive``: with all that is in it."""
        number, path = _number_or_path(file)
        await self._ask("file.delete", DeleteFile(number, path, recursive), Empty)

    async def mkdir(self, path: str, *, parents: bool = False) -> None:
        """Make a folder in our own space; ``parents``: those above it too, and it may exist."""
        await self._ask("file.mkdir", MakeFolder(path, parents), Empty)

    async def usage(self) -> UsageReply:
        """What our files and unfinished uploads take, and how much they may."""
        return await self._ask("file.usage", Empty(), UsageReply)

    # --- below ----------------------------------------------------------------------------------

    async def _known(self, file: AnyFile) -> StoredFile | FileInfo:
        gone = isinstance(file, FileInfo) and file.gone  # the server has the words for it
        return await self.stat(file) if isinstance(file, int) or gone else file

    async def _whole(self, steps: AsyncGenerator[Progress, None]) -> FinishReply:
        async with contextlib.aclosing(steps):
            async for progress in steps:
                if progress.file is not None:
                    return progress.file
        raise AssertionError("an upload ends with its file")

    def _record(self, to: str, body: str, id: bytes, reply: FinishReply) -> None:
        if self._recording is not None and reply.conversation:
            sent = SendReply(reply.conversation, reply.seq, reply.sent_at, reply.duplicate)
            self._recording.sent(to, body, id, sent)

    async def _ask(self, command: str, request: Body, reply: type[R]) -> R:
        answer = await self._connection.call(command, request)
        assert isinstance(answer, reply), command
        return answer


def _number_or_path(file: AnyFile | str) -> tuple[int | None, str | None]:
    if isinstance(file, str):
        return None, file
    return (file if isinstance(file, int) else file.file), None


def _in_order(page: FilesReply, path: str, in_conversation: bool) -> list[StoredFile | Folder]:
    """One page as the server means it: by ``seq``, or by name with the folders among the files."""
    if in_conversation:
        return [*page.files]
    above = path.strip("/")
    folders = [Folder(f"{above}/{name}" if above else name, name) for name in page.folders]
    entries: list[StoredFile | Folder] = [*page.files, *folders]
    return sorted(entries, key=lambda entry: entry.name.encode())


__all__ = ["AnyFile", "Files", "Folder", "Progress", "Source"]
