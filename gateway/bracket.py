"""The ``bracket`` dialect: words in any case, ``[OK]`` and ``[ERR]``, messages pushed as they come.

Belongs here: its words, its sentences, and when a line is pushed. What a line looks like is
``bracket_lines``'s; which lines there is room for is ``digest``'s.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from client import ClientError, Event, Failure, Offline, SetBack, Timeout
from gateway import digest
from gateway.bracket_lines import line_of_event, line_of_message
from gateway.dialect import Command, Dialect, Refusals, Wrong
from gateway.framing import NEWLINE, Framing
from gateway.people import address, exists, is_name
from protocol.errors import (
    Busy,
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
)
from protocol.events import MessageEvent

if TYPE_CHECKING:
    from gateway.visitor import Visitor

MALFORMED: Final = "Format message tidak sesuai"
SEND_MALFORMED: Final = "format message tidak sesuai"
NO_USER: Final = "Username belum tersedia"
WRONG_PASSWORD: Final = "Password yang dimasukkan salah"  # noqa: S105 - a sentence
NO_RECIPIENT: Final = "penerima tidak tersedia"
NO_GROUP: Final = "Nama grup tidak tersedia"
NO_GROUP_TO_JOIN: Final = "Grup tidak tersedia"
MEMBER: Final = "Anda telah bergabung dalam grup"
NO_MEMBER: Final = "Anda belum bergabung dalam grup"
TOO_LONG: Final = "Pesan terlalu panjang"

WORDS_BEFORE_TEXT: Final = {"SEND": 1, "CHATGROUP": 1, "BROADCAST": 0}
"""Arguments in front of a text that is everything behind them, inner spaces kept."""
NEWEST: Final = 2**63 - 1
"""There is no message behind this one."""


class Bracket(Dialect):
    """One visitor who speaks it."""

    NAME = "bracket"
    PORT = 11
    FRAMING = Framing((NEWLINE,), segments=True)
    LISTENS = True
    UNKNOWN = MALFORMED = MALFORMED
    STRANGER = "Anda belum login"
    TROUBLES: ClassVar[Refusals] = {
        RateLimited: "Terlalu sering, coba lagi nanti",
        Busy: "Server sedang sibuk, coba lagi nanti",
        Unavailable: "Server sedang tidak tersedia, coba lagi nanti",
        Offline: "Server sedang tidak tersedia, coba lagi nanti",
        Timeout: "Server belum menjawab, perintah mungkin sudah dijalankan",
        TooLarge: "Permintaan terlalu besar",
        Invalid: MALFORMED,
        Internal: "Terjadi kesalahan pada server",
        Failure: "Permintaan ditolak oleh server",
        ClientError: "Server sedang tidak tersedia, coba lagi nanti",
    }

    def __init__(self, visitor: Visitor) -> None:
        super().__init__(visitor)
        self._me = ""
        """Our name, once it was needed."""
        self._answering = False
        """Whether a request is being carried out: what comes now is told behind its reply."""
        self._news: list[tuple[int, int, bytes]] = []
        """Not yet told: (conversation, seq, line)."""
        self._news_bytes = 0
        self._shown: dict[int, int] = {}
        """Up to which seq of a conversation CHECK has shown everything: not to be told once more."""

    # --- form -----------------------------------------------------------------------------------

    def split(self, request: str) -> tuple[str, list[str]]:
        """Words between white space; the first in any letter case. A text is one argument."""
        words = request.split(None, 1)
        if not words:
            return "", []
        word, rest = words[0].upper(), "".join(words[1:])
        return word, rest.split(None, WORDS_BEFORE_TEXT.get(word, -1))

    def answer(self, reply: str) -> None:
        """A line, or several."""
        self.visitor.write(f"{reply}\n".encode())

    def refuse(self, sentence: str) -> None:
        """Say no."""
        self.answer(f"[ERR] {sentence}")

    async def request(self, request: bytes) -> None:
        """As every dialect's; what came meanwhile is told behind the reply."""
        self._answering = True
        try:
            await super().request(request)
        finally:
            self._answering = False
            self._tell()

    # --- what others say ------------------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """A message of somebody else's becomes a line."""
        if isinstance(event, MessageEvent):
            self._me = self._me or self.visitor.chat.user
            if event.sender != self._me and event.seq > self._shown.get(event.conversation, 0):
                self._push(event.conversation, event.seq, line_of_event(event))
        elif isinstance(event, SetBack):
            self._shown.clear()

    def farewell(self) -> None:
        """Nothing of one user's is told to the next."""
        self._me = ""
        self._drop_news()
        self._shown.clear()

    def _push(self, conversation: int, seq: int, line: bytes) -> None:
        if self._news:
            if self._full() and not self._answering:
                self._tell()
            if self._full():
                self.visitor.count("pushes dropped")  # they stay unread: CHECK shows them
                return
        elif not self._answering:
            # What comes in the same turn leaves in one write.
            asyncio.get_running_loop().call_soon(self._tell)
        self._news.append((conversation, seq, line))
        self._news_bytes += len(line)

    def _full(self) -> bool:
        """Whether nothing more may wait."""
        settings = self.visitor.settings
        return (
            len(self._news) >= settings.gateway_pushes
            or self._news_bytes >= settings.gateway_output_bytes // 4
        )

    def _tell(self) -> None:
        """Send what is waiting, unless a reply comes first."""
        if self._news and not self._answering:
            self.visitor.write(b"".join([line for _, _, line in self._news]))
            self._drop_news()

    def _drop_news(self) -> None:
        self._news.clear()
        self._news_bytes = 0

    # --- accounts -------------------------------------------------------------------------------

    async def register(self, arguments: list[str]) -> str:
        """``REGISTER U P``, also with the password twice"""
        name, password = arguments[:2]
        least = self.visitor.settings.password_min_length
        if not (_alphanumeric(name) and _alphanumeric(password)) or arguments[-1] != password:
            raise Wrong(MALFORMED)
        if len(password) < least:
            raise Wrong(f"Password minimal {least} karakter")
        await self.visitor.chat.register(name, password)
        return "[OK] sign up berhasil"

    async def login(self, arguments: list[str]) -> str:
        """``LOGIN U P``"""
        name, password = arguments
        if not is_name(name):
            raise Wrong(NO_USER)
        try:
            await self.visitor.login(name, password)
        except InvalidCredentials:
            known = await exists(self.visitor.chat, name)
            raise Wrong(WRONG_PASSWORD if known else NO_USER) from None
        return "[OK] login berhasil"

    async def whoami(self, arguments: list[str]) -> str:
        """``WHOAMI``, asked of the server: the session may have been ended elsewhere"""
        return (await self.visitor.chat.whoami()).user

    async def online(self, arguments: list[str]) -> str:
        """``ONLINE``"""
        return "\n".join(await self.visitor.chat.online())

    async def logout(self, arguments: list[str]) -> str:
        """``LOGOUT``"""
        await self.visitor.logout()
        return "[OK] Logout berhasil"

    async def exit(self, arguments: list[str]) -> None:
        """``EXIT``: hung up on, and with that logged out"""
        self.visitor.hang_up(gently=True)

    # --- messages -------------------------------------------------------------------------------

    async def send(self, arguments: list[str]) -> str:
        """``SEND U text…``"""
        name, text = address(arguments[0]), arguments[1]
        if not name:
            raise Wrong(NO_RECIPIENT)
        await self.visitor.chat.send(name, text)
        return "[OK] pesan terkirim"

    async def chat_group(self, arguments: list[str]) -> str:
        """``CHATGROUP G text…``"""
        name, text = arguments
        await self.visitor.chat.send(_group(name), text)
        return "[OK] Pesan terkirim"

    async def broadcast(self, arguments: list[str]) -> str:
        """``BROADCAST text…``"""
        await self.visitor.chat.broadcast(arguments[0])
        return "[OK] pesan terkirim"

    async def check(self, arguments: list[str]) -> None:
        """``CHECK``: what is unread, which then is read"""
        await self.visitor.drain()
        told, marks = await digest.unread(self.visitor.chat, self._bounds(), line_of_message)
        self._shown.update(marks)
        news = [each for each in self._news if each[1] > marks.get(each[0], 0)]
        self._drop_news()
        self._news.extend(news)
        self._news_bytes = sum(len(line) for _, _, line in news)
        status = f"{told.messages} pesan baru" if told.messages else "Tidak ada pesan baru"
        self._show(told, f"[OK] {status}{', masih ada lagi' * told.more}")

    async def check_past(self, arguments: list[str]) -> None:
        """``CHECKPAST``: what was read before, and what we said"""
        await self.visitor.drain()
        told = await digest.earlier(self.visitor.chat, self._bounds(), line_of_message)
        status = f"{told.messages} pesan lama" if told.messages else "Tidak ada pesan lama"
        self._show(told, f"[OK] {status}{', yang lebih lama tidak ditampilkan' * told.more}")

    def _bounds(self) -> digest.Bounds:
        """What one reply may have: less than may wait for a visitor, and less when many ask at once."""
        settings, room, user = self.visitor.settings, self.visitor.room, self.visitor.chat.user
        return digest.Bounds(
            settings.gateway_output_bytes // 2,
            settings.gateway_messages_shown,
            lambda count: room.take(count, user),
        )

    def _show(self, told: digest.Told, status: str) -> None:
        self.visitor.write(told.lines + f"{status}\n".encode())

    # --- groups ---------------------------------------------------------------------------------

    async def create_group(self, arguments: list[str]) -> str:
        """``CREATEGROUP G P``"""
        name, password = arguments
        if not (_alphanumeric(name) and _alphanumeric(password)):
            raise Wrong(MALFORMED)
        await self.visitor.chat.create_group(name, password)
        return "[OK] Grup berhasil dibuat"

    async def join(self, arguments: list[str]) -> str:
        """``JOIN G P``: to the system joining twice is the same as once, so it is looked at first"""
        name, password = address(arguments[0]), arguments[1]
        chat = self.visitor.chat
        if not name:
            raise Wrong(NO_GROUP_TO_JOIN)
        try:
            await chat.history(f"#{name}", after=NEWEST - 1, limit=1)
        except Forbidden:
            await chat.join_group(name, password)
            return "[OK] Join grup berhasil"
        raise Wrong(MEMBER)

    async def leave(self, arguments: list[str]) -> str:
        """``LEAVE G``"""
        await self.visitor.chat.leave_group(_group(arguments[0]))
        return "[OK] Berhasil keluar dari grup"

    _JOINING: ClassVar[Refusals] = {
        NotFound: NO_GROUP_TO_JOIN,
        InvalidCredentials: "Password grup salah",
        Invalid: "Password grup salah",
        TooLarge: "Grup sudah penuh",
    }
    _IN_GROUP: ClassVar[Refusals] = {NotFound: NO_GROUP, Forbidden: NO_MEMBER, TooLarge: TOO_LONG}

    COMMANDS: ClassVar = {
        "REGISTER": Command(register, 2, 3, {Conflict: "Username sudah terpakai"}, login=False),
        "LOGIN": Command(login, 2, 2, {Invalid: WRONG_PASSWORD}, login=False),
        "SEND": Command(
            send,
            2,
            2,
            {NotFound: NO_RECIPIENT, Invalid: SEND_MALFORMED, TooLarge: TOO_LONG},
            malformed=SEND_MALFORMED,
        ),
        "JOIN": Command(join, 2, 2, _JOINING),
        "JOINGROUP": Command(join, 2, 2, _JOINING),
        "LEAVE": Command(leave, 1, 1, _IN_GROUP),
        "CREATEGROUP": Command(create_group, 2, 2, {Conflict: "Nama grup sudah terpakai"}),
        "CHATGROUP": Command(chat_group, 2, 2, _IN_GROUP),
        "WHOAMI": Command(whoami, 0, 0),
        "ONLINE": Command(online, 0, 0),
        "BROADCAST": Command(broadcast, 1, 1, {TooLarge: TOO_LONG}),
        "LOGOUT": Command(logout, 0, 0),
        "EXIT": Command(exit, 0, 0, login=False),
        "CHECK": Command(check, 0, 0),
        "CHECKPAST": Command(check_past, 0, 0),
    }


def _alphanumeric(word: str) -> bool:
    """What the dialect lets people choose; names from other doors may have more in them."""
    return word.isascii() and word.isalnum()


def _group(name: str) -> str:
    """The address of the group of this name, of whatever realm."""
    found = address(name)
    if not found:
        raise Wrong(NO_GROUP)
    return f"#{found}"
