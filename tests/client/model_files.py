"""The files of the model server: uploads, stored files, folders by path; as far as a client can tell."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protocol import commands, events, files
from protocol.body import Body, Empty
from protocol.bulk import GetChunk, PutChunk, SealReply, SealUpload
from protocol.envelope import Request
from protocol.errors import Conflict, Failure, NotFound, Unauthenticated

if TYPE_CHECKING:
    from tests.client.model import ModelServer


@dataclass
class Upload:
    """One upload, whatever became of it."""

    begin: files.BeginUpload
    data: bytearray
    held: set[int] = field(default_factory=set)
    finished: files.FinishReply | None = None
    puts: list[int] = field(default_factory=list)
    """Offsets in the order in which they arrived, repeated ones too."""


@dataclass
class Stored:
    """One file."""

    info: files.StoredFile
    data: bytes


class FileModel:
    """What file workers do. ``chunk_bytes`` is what uploads are told to use."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.chunk_bytes = 1_000
        self.uploads: dict[tuple[str, bytes], Upload] = {}
        self.files: dict[int, Stored] = {}
        self.folders: set[str] = set()

    def add(self, owner: str, data: bytes, name: str = "data.bin", path: str = "") -> files.StoredFile:
        """A file that is there, in somebody's own space."""
        sha256 = hashlib.sha256(data).digest()
        number = len(self.files) + 1
        info = files.StoredFile(number, name, len(data), "text/plain", sha256, owner, 0, path or name)
        self.files[number] = Stored(info, data)
        return info

    # --- commands -------------------------------------------------------------------------------

    def command(self, asked: Request, user: str, request: Any) -> Body:
        reply: Body = getattr(self, asked.command.replace("file.", "_"))(user, request)
        return reply

    def _begin(self, user: str, request: files.BeginUpload) -> Body:
        upload = self.uploads.setdefault((user, request.id), Upload(request, bytearray(request.size)))
        if upload.begin != request:
            raise Conflict("This id is another upload's.")
        return self._reply(upload)

    def _resume(self, user: str, request: files.NameUpload) -> Body:
        return self._reply(self._upload(user, request.upload))

    def _reply(self, upload: Upload) -> Body:
        size, step = upload.begin.size, self.chunk_bytes
        missing: list[tuple[int, int]] = []
        for at in range(0, 0 if upload.finished else size, step):
            if at in upload.held:
                continue
            end = min(at + step, size)
            if missing and missing[-1][1] == at:
                missing[-1] = (missing[-1][0], end)
            else:
                missing.append((at, end))
        finished = upload.finished is not None
        return files.UploadReply(upload.begin.id, size, step, 8, missing[:1000], finished)

    def _upload(self, user: str, id: bytes) -> Upload:
        upload = self.uploads.get((user, id))
        if upload is None:
            raise NotFound("There is no such upload.")
        return upload

    def _finish(self, user: str, request: files.FinishUpload) -> Body:
        upload = self._upload(user, request.upload)
        if upload.finished is not None:
            done = upload.finished
            if request.sha256 not in (None, done.file.sha256):
                raise Conflict("These are other bytes.")
            return files.FinishReply(done.file, done.conversation, done.seq, done.sent_at, True)
        if len(upload.held) * self.chunk_bytes < upload.begin.size:
            raise Conflict("Not all of it is here.")
        if request.sha256 not in (None, hashlib.sha256(upload.data).digest()):
            raise Conflict("These are other bytes.")
        begin = upload.begin
        name = begin.name or (begin.path or "").rpartition("/")[2]
        info = self.add(user, bytes(upload.data), name, begin.path or "")
        file = files.FileInfo(info.file, name, info.size, info.type, info.sha256)
        conversation, seq = self._post(user, begin, file) if begin.to is not None else (0, 0)
        upload.finished = files.FinishReply(file, conversation, seq, 1, False)
        return upload.finished

    def _post(self, user: str, begin: files.BeginUpload, file: files.FileInfo) -> tuple[int, int]:
        assert begin.to is not None
        room = self.server._room(user, begin.to)
        self.server.rooms.setdefault(room.id, room)
        seq, body = len(room.messages) + 1, begin.text or file.name
        message = commands.Message(seq, user, body, 1, begin.id, file)
        room.messages.append(message)
        to = room.named_for(user)
        event = events.MessageEvent(room.id, seq, user, to, body, 1, begin.id, file)
        self.server.publish(room.topic or self.server.users[to].topic, event)
        return room.id, seq

    def _cancel(self, user: str, request: files.NameUpload) -> Body:
        self._upload(user, request.upload)
        del self.uploads[(user, request.upload)]
        return Empty()

    def _uploads(self, user: str, request: files.ListUploads) -> Body:
        return files.UploadsReply(
            [
                files.UploadInfo(
                    id,
                    upload.begin.name or "",
                    upload.begin.size,
                    len(upload.held),
                    upload.begin.to or "",
                    upload.begin.path or "",
                    0,
                    0,
                )
                for (owner, id), upload in self.uploads.items()
                if owner == user and upload.finished is None
            ]
        )

    def _list(self, user: str, request: files.ListFiles) -> Body:
        """Pages of two, so that there are some."""
        if request.address is not None:
            room = self.server._room(user, request.address)
            found = [
                files.StoredFile(
                    message.file.file,
                    message.file.name,
                    message.file.size,
                    message.file.type,
                    message.file.sha256,
                    message.sender,
                    0,
                    conversation=room.id,
                    seq=message.seq,
                )
                for message in room.messages
                if message.file is not None and message.seq > int(request.after or 0)
            ]
            return files.FilesReply(found[:2], [], len(found) > 2)
        prefix = f"{request.path.strip('/')}/".lstrip("/")
        names: dict[str, files.StoredFile | None] = {
            folder.removeprefix(prefix): None for folder in self.folders if folder.startswith(prefix)
        }
        for stored in self.files.values():
            if stored.info.owner == user and stored.info.path.startswith(prefix):
                names[stored.info.path.removeprefix(prefix)] = stored.info
        page = sorted(name for name in names if "/" not in name and name > request.after)
        shown = [(name, names[name]) for name in page[:2]]
        return files.FilesReply(
            [info for _, info in shown if info is not None],
            [name for name, info in shown if info is None],
            len(page) > 2,
        )

    def _stat(self, user: str, request: files.NameFile) -> Body:
        for stored in reversed(self.files.values()):  # the newest has the path
            if stored.info.file == request.file or (request.path and stored.info.path == request.path):
                return stored.info
        raise NotFound("There is no such file.")

    def _delete(self, user: str, request: files.DeleteFile) -> Body:
        info = self._stat(user, files.NameFile(request.file, request.path))
        assert isinstance(info, files.StoredFile)
        del self.files[info.file]
        return Empty()

    def _mkdir(self, user: str, request: files.MakeFolder) -> Body:
        self.folders.add(request.path)
        return Empty()

    def _usage(self, user: str, request: Empty) -> Body:
        mine = [stored for stored in self.files.values() if stored.info.owner == user]
        return files.UsageReply(len(mine), sum(stored.info.size for stored in mine), 1 << 34)

    # --- chunks ---------------------------------------------------------------------------------

    def chunk(self, token: bytes, request: Any, payload: bytes | None) -> tuple[Body, bytes | None]:
        """(reply, payload). Raises ``Failure``."""
        if token not in self.server.sessions:
            raise Unauthenticated("This session has ended.")
        user = self.server.sessions[token][1]
        if isinstance(request, PutChunk):
            return self._put(user, request, payload or b""), None
        if isinstance(request, SealUpload):
            return self._seal(self._upload(user, request.upload)), None
        assert isinstance(request, GetChunk)
        stored = self.files.get(request.file)
        if stored is None:
            raise NotFound("There is no such file.")
        return Empty(), stored.data[request.offset : request.offset + request.length]

    def _put(self, user: str, request: PutChunk, payload: bytes) -> Body:
        upload = self._upload(user, request.upload)
        length = min(self.chunk_bytes, upload.begin.size - request.offset)
        assert request.offset % self.chunk_bytes == 0 and len(payload) == length, request
        upload.puts.append(request.offset)
        if request.offset not in upload.held:
            upload.data[request.offset : request.offset + length] = payload
            upload.held.add(request.offset)
        return Empty()

    def _seal(self, upload: Upload) -> Body:
        if len(upload.held) * self.chunk_bytes < upload.begin.size:
            raise Conflict("Not all of it is here.")
        return SealReply(hashlib.sha256(upload.data).digest(), "text/plain")


__all__ = ["Failure", "FileModel", "Stored", "Upload"]
