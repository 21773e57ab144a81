"""A chat whose files only pretend: kept in this process, cut short when a test says so."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO

from client.files.api import Folder
from client.files.progress import Progress
from protocol.commands import RealmInfo
from protocol.errors import Conflict, Failure, NotFound
from protocol.files import FileInfo, FinishReply, StoredFile, UploadInfo, UsageReply
from tests.client.cli.shell import Pretended

REPORT = b"ten bytes!"
"""What is sent."""
NOON = 1_700_000_000_000_000
PIECE = 4
Entries = list[StoredFile | Folder]
Open = list[UploadInfo]


class Upload:
    """One that was begun: its arguments, and how much has arrived."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.held = b""
        self.reply: FinishReply | None = None


class PretendedFiles:
    """``chat.files`` of ani. ``fails``: raised by an upload when so many bytes have arrived."""

    def __init__(self) -> None:
        self.uploads_begun: dict[bytes, Upload] = {}
        self.fails: dict[int, BaseException] = {}
        self.coming: list[int] = []
        """What has reached the server of a file of another realm, while a save waits for it."""
        self.calls: list[tuple[Any, ...]] = []
        self.folders: set[str] = set()
        self.stored: list[StoredFile] = []
        self.content: dict[int, bytes] = {}
        self.open: Open = []
        self.refuses: dict[int | str, Failure] = {}
        """What is raised when somebody deletes, moves or makes this."""
        self.moved = 0
        """Bytes that travelled."""

    def adds(self, name: str, content: bytes, path: str = "", conversation: int = 0) -> StoredFile:
        """A file is there."""
        number = len(self.stored) + 1
        sha256 = hashlib.sha256(content).digest()
        file = StoredFile(
            number,
            name,
            len(content),
            "text/plain",
            sha256,
            "budi",
            NOON,
            path,
            conversation,
            conversation * 7,
        )
        self.stored.append(file)
        self.content[number] = content
        return file

    async def upload(
        self, source: Path | BinaryIO, *, id: bytes, **asked: Any
    ) -> AsyncGenerator[Progress, None]:
        self.calls.append(("upload", asked))
        upload = self.uploads_begun.setdefault(id, Upload(asked))
        assert upload.asked == asked, "the same id with other arguments"
        whole = source.read_bytes() if isinstance(source, Path) else source.read()
        resumed = len(upload.held)
        again = upload.reply is not None
        while len(upload.held) < len(whole):
            if len(upload.held) in self.fails:
                raise self.fails.pop(len(upload.held))
            piece = whole[len(upload.held) : len(upload.held) + PIECE]
            upload.held += piece
            self.moved += len(piece)
            yield Progress(len(upload.held), len(whole), resumed)
        if len(whole) in self.fails:
            raise self.fails.pop(len(whole))
        name = asked.get("name") or asked["path"].rpartition("/")[2]
        if upload.reply is None:
            in_space = "path" in asked
            if in_space and not asked["replace"] and any(one.path == asked["path"] for one in self.stored):
                raise Conflict(f"There is a file {asked['path']} already.")
            file = self.adds(name, whole, asked.get("path", ""), 0 if in_space else 3)
            info = FileInfo(file.file, name, len(whole), file.type, file.sha256)
            place = (0, 0, 0) if in_space else (3, 8, NOON)
            upload.reply = FinishReply(info, *place, False)
        reply = upload.reply
        to = asked.get("to", "")
        seq = 0 if to.startswith("#") and "@" in to else reply.seq
        reply = FinishReply(
            reply.file, reply.conversation, seq, reply.sent_at, again, "@" in to, to.endswith("@away")
        )
        yield Progress(len(whole), len(whole), resumed, reply)

    async def save(
        self, file: StoredFile, target: Path, *, replace: bool = False
    ) -> AsyncGenerator[Progress, None]:
        self.calls.append(("save", file.file, target, replace))
        content = self.content[file.file]
        for coming in self.coming:
            yield Progress(0, len(content), 0, coming=coming)
        for done in range(0, len(content), PIECE):
            if done in self.fails:
                raise self.fails.pop(done)
            yield Progress(done, len(content), 0)
        if target.exists() and not replace:
            raise FileExistsError(17, "File exists")
        target.write_bytes(content)
        yield Progress(len(content), len(content), 0, path=target)

    async def download(self, file: StoredFile, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        content = self.content[file.file]
        for done in range(0, len(content), PIECE):
            yield content[done : done + PIECE]
        if len(content) in self.fails:
            raise self.fails.pop(len(content))

    async def list(
        self, path: str = "", *, conversation: str | None = None
    ) -> AsyncIterator[StoredFile | Folder]:
        self.calls.append(("list", path, conversation))
        if conversation is not None:
            if conversation not in ("#ops", "budi"):
                raise NotFound(f"There is no user {conversation}.")
            for one in self.stored:
                if one.conversation:
                    yield one
            return
        if path and path not in self.folders:
            raise NotFound(f"There is no folder /{path}.")
        inside: Entries = [
            Folder(one, one.rpartition("/")[2]) for one in self.folders if one.rpartition("/")[0] == path
        ]
        inside += [one for one in self.stored if one.path and one.path.rpartition("/")[0] == path]
        for entry in sorted(inside, key=lambda one: one.name):
            yield entry

    async def stat(self, file: int | str) -> StoredFile:
        for one in self.stored:
            if one.file == file or (isinstance(file, str) and one.path == file):
                return one
        raise NotFound(f"There is no file {file}.")

    async def move(self, path: str, to: str, *, replace: bool = False) -> None:
        self.calls.append(("move", path, to, replace))
        if path in self.refuses:
            raise self.refuses[path]

    async def delete(self, file: int | str, *, recursive: bool = False) -> None:
        self.calls.append(("delete", file, recursive))
        if file in self.refuses:
            raise self.refuses[file]
        if file in self.folders and not recursive:
            raise Conflict(f"The folder /{file} is not empty.")

    async def mkdir(self, path: str, *, parents: bool = False) -> None:
        self.calls.append(("mkdir", path, parents))
        if path in self.refuses:
            raise self.refuses[path]

    async def usage(self) -> UsageReply:
        return UsageReply(3, 3_400_000, 10_000_000_000)

    async def uploads(self) -> Open:
        return self.open

    async def cancel(self, upload: bytes) -> None:
        self.calls.append(("cancel", upload))
        begun = self.uploads_begun.get(upload)
        unfinished = begun is not None and begun.reply is None
        if not unfinished and all(one.upload != upload for one in self.open):
            raise NotFound("You have no such upload.")


class Chat(Pretended):
    """Ani's, with files. The realm ``away`` is away since the epoch."""

    def __init__(self) -> None:
        self.files = PretendedFiles()

    async def realms(self) -> list[RealmInfo]:
        return [RealmInfo("away", "paired", 1, 1)]


def uploads(files: PretendedFiles) -> list[dict[str, Any]]:
    """The arguments of every upload."""
    return [call[1] for call in files.calls if call[0] == "upload"]
