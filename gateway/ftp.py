"""The ``ftp`` dialect: a user's own files, as folders; their bytes travel between the lines of commands.

Belongs here: its words and sentences, and where in their own tree a visitor stands. How bytes move is
``files``'.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from client import ClientError, Failure
from client.errors import Corrupt, Offline, Timeout
from gateway import files
from gateway.dialect import Command, Dialect, Refusals, Wrong
from gateway.framing import NEWLINE, Framing
from gateway.people import exists, is_name
from protocol.errors import (
    Busy,
    Conflict,
    Internal,
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
)
from protocol.file_names import checked_folder

if TYPE_CHECKING:
    from gateway.visitor import Visitor
    from protocol.files import StoredFile

NO_FOLDER: Final = "direktori tidak ada"
NO_FILE: Final = "file tidak ditemukan"
NO_USER: Final = "username tidak ditemukan"
AWAY: Final = "server sedang tidak tersedia, coba lagi nanti"
BLANKS: Final = " \t"
_blanks: Final = re.compile(f"[{BLANKS}]+")
DIGITS_MOST: Final = 18
"""Of a size; what has more is no smaller for it."""
UNSIZED: Final = -1
"""In place of the size of what ends with a silence."""
BATCH: Final = 256 * 1024
"""Characters of a listing that go out together."""


class Ftp(Dialect):
    """One visitor who speaks it."""

    NAME = "ftp"
    PORT = 12
    FRAMING = Framing((NEWLINE,), segments=True)
    UNKNOWN = "command tidak ditemukan"
    MALFORMED = "format command tidak sesuai"
    STRANGER = "anda belum terautentikasi"
    TROUBLES: ClassVar[Refusals] = {
        RateLimited: "terlalu sering mencoba, coba lagi nanti",
        Busy: "server sedang sibuk, coba lagi nanti",
        Unavailable: "layanan sedang tidak tersedia, coba lagi nanti",
        TooLarge: "tidak ada tempat untuk file ini",
        Invalid: "nama tidak sesuai",
        NotFound: NO_FILE,
        Corrupt: "isi file tidak utuh",
        Internal: "terjadi kesalahan pada server",
        Failure: "permintaan ditolak",
        Offline: AWAY,
        Timeout: AWAY,
        ClientError: AWAY,
    }

    def __init__(self, visitor: Visitor) -> None:
        super().__init__(visitor)
        self._user = ""
        """As ``USER`` said it."""
        self._folder = ""
        """Where they stand: names with slashes between; '' is the topmost."""
        self._unclaimed = 0
        """Bytes that come behind this request, or ``UNSIZED``, until somebody takes care of them."""
        self._behind_content = False
        """Whether the bytes of a file came last."""

    # --- how it is spoken -----------------------------------------------------------------------

    async def request(self, request: bytes) -> None:
        """Bytes of a file never count as requests, whatever becomes of the one that announces them."""
        behind_content, self._behind_content = self._behind_content, False
        if behind_content and not request:
            return  # who types into netcat ends the content with a newline, and counts without it
        # As latin-1, for whatever the name is written in, its size is to be known.
        word, rest = self.split(request.decode("latin-1"))
        self._unclaimed = _sized(rest[0])[1] if word == "PUT" and rest else 0
        self._behind_content = self._unclaimed != 0
        await super().request(request)
        if self._unclaimed == UNSIZED:
            await files.drop_segment(self.visitor)
        elif self._unclaimed:
            files.drop(self.visitor, self._unclaimed)

    def split(self, request: str) -> tuple[str, list[str]]:
        """The first word, in any letter case, and all the rest as one argument: names may have spaces."""
        words = _blanks.split(request.strip(BLANKS), maxsplit=1)
        return words[0].upper(), words[1:]

    def answer(self, reply: str) -> None:
        """A line, or several."""
        self.visitor.write(f"{reply}\n".encode())

    def refuse(self, sentence: str) -> None:
        """Say no."""
        self.answer(f"[ERR] {sentence}")

    def said_to(self, error: Exception, refusals: Refusals, arguments: list[str]) -> str:
        """Of what is too large, what it is too large for."""
        if isinstance(error, TooLarge) and "used" in error.fields:
            return "kuota tidak cukup"
        if isinstance(error, TooLarge) and error.fields.get("limit") == self.visitor.settings.file_max_bytes:
            return "file terlalu besar"
        if isinstance(error, files.TooMuch):
            return "tanpa ukuran file terlalu besar, pakai PUT nama ukuran"
        return super().said_to(error, refusals, arguments)

    # --- who ------------------------------------------------------------------------------------

    async def user(self, arguments: list[str]) -> str:
        """``USER u``"""
        self._user = arguments[0]
        return "[OK] username berhasil direkam"

    async def password(self, arguments: list[str]) -> str:
        """``PASS p``"""
        if not self._user:
            raise Wrong("kirim USER dahulu")
        if not is_name(self._user):
            raise Wrong(NO_USER)
        try:
            await self.visitor.login(self._user, arguments[0])
        except (InvalidCredentials, Invalid):
            known = await exists(self.visitor.chat, self._user)
            raise Wrong("password salah" if known else NO_USER) from None
        self._folder = ""
        return "[OK] login berhasil"

    async def exit(self, arguments: list[str]) -> None:
        """``EXIT``"""
        self.visitor.hang_up(gently=True)

    # --- where ----------------------------------------------------------------------------------

    async def names(self, arguments: list[str]) -> None:
        """``LIST``: a name a line, folders with a slash behind it; in the end, how many there were."""
        from client.files.api import Folder  # here, for it brings all that moves files

        lines: list[str] = []
        count = size = 0
        async for entry in self.visitor.chat.files.list(self._path(arguments[0] if arguments else "")):
            lines.append(entry.name + ("/\n" if isinstance(entry, Folder) else "\n"))
            count, size = count + 1, size + len(lines[-1])
            if size > BATCH:
                await files.written(self.visitor, "".join(lines).encode())
                lines, size = [], 0
        await files.written(self.visitor, f"{''.join(lines)}[OK] {count} entri\n".encode())

    async def change(self, arguments: list[str]) -> str:
        """``CD d``"""
        path = self._path(arguments[0])
        if not await files.is_folder(self.visitor.chat, path):
            raise Wrong(NO_FOLDER)
        self._folder = checked_folder(path)
        return f"[OK] direktori sekarang /{self._folder}"

    def _path(self, typed: str) -> str:
        """What a visitor calls so: from where they stand, or from the top; never above it."""
        parts = [] if typed.startswith("/") else self._folder.split("/")
        for part in typed.split("/"):
            if part == "..":
                del parts[-1:]
            elif part != ".":
                parts.append(part)
        return "/".join(filter(None, parts))

    # --- files ----------------------------------------------------------------------------------

    async def retrieve(self, arguments: list[str]) -> None:
        """``RETR f``: the size, then as many bytes."""
        file = await self._file(arguments[0])
        await files.send_out(self.visitor, file, f"[OK] {file.size}\n".encode())

    async def put(self, arguments: list[str]) -> str:
        """``PUT f SIZE``, then as many bytes; or ``PUT f``, then bytes until there is silence."""
        self._unclaimed = 0
        name, size = _sized(arguments[0])
        path, visitor = self._path(name), self.visitor
        if size == UNSIZED:
            most = visitor.settings.gateway_unsized_file_bytes
            await files.receive_segment(visitor, most, path=path, replace=True)
        else:
            await files.receive(visitor, size, path=path, replace=True)
        return "[OK] file telah terupload"

    async def delete(self, arguments: list[str]) -> str:
        """``DEL f``"""
        file = await self._file(arguments[0])
        await self.visitor.chat.files.delete(file)
        return f"[OK] File {arguments[0]} telah dihapus"

    async def _file(self, typed: str) -> StoredFile:
        """The file that a visitor calls so. Raises ``Wrong`` when there is none."""
        path, chat = self._path(typed), self.visitor.chat
        try:
            return await chat.files.stat(path)
        except (NotFound, Invalid):
            folder = await files.is_folder(chat, path)
            raise Wrong(f"{typed} adalah direktori" if folder else NO_FILE) from None

    COMMANDS: ClassVar = {
        "USER": Command(user, 1, login=False),
        "PASS": Command(password, 1, login=False),
        "LIST": Command(names, 0, refusals={NotFound: NO_FOLDER, Invalid: NO_FOLDER}),
        "RETR": Command(retrieve, 1),
        "CD": Command(change, 1),
        "PUT": Command(
            put,
            1,
            refusals={
                NotFound: NO_FOLDER,
                Invalid: "nama file tidak sesuai",
                Conflict: "direktori dengan nama itu sudah ada",
            },
        ),
        "DEL": Command(delete, 1),
        "EXIT": Command(exit, 0, login=False),
    }


def _sized(rest: str) -> tuple[str, int]:
    """(name, size in bytes) of what stands behind ``PUT``: the last word is the size if it is a number."""
    words = _blanks.split(rest)
    if len(words) < 2 or not (words[-1].isascii() and words[-1].isdigit()):
        return rest, UNSIZED
    return rest[: -len(words[-1])].rstrip(BLANKS), int(words[-1].lstrip("0")[:DIGITS_MOST] or "0")
