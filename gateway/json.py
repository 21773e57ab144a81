"""The ``json`` dialect: a line in, one JSON object out.

Any command may begin with the token that ``auth`` gave, also one that another connection got: then it is
carried out in that one's session. Without a token it is the connection's own.

Belongs here: words, sentences, sessions. What replies look like is ``json_shapes``'s, how messages are
gathered ``json_inbox``'s, files are ``json_files``'s, and words that were meant as tokens ``json_tokens``'s.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, ClassVar, Final

from client import Chat, ClientError, Failure, Offline, Timeout
from client.errors import Closed
from gateway import files, json_files, json_inbox, json_lines, json_shapes, json_tokens, people
from gateway.dialect import Command, Dialect, Refusals, Wrong
from gateway.framing import CRLF, Framing
from gateway.json_files import NO_USER
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

NO_ACCESS: Final = "User tidak memiliki akses ke grup ini"
NO_GROUP: Final = "Group tidak ditemukan"
NO_NAME: Final = "Nama tidak benar: 1 sampai 32 huruf, angka, titik, strip atau garis bawah"
BUSY: Final = "Server sedang sibuk, coba lagi nanti"
AWAY: Final = "Server sedang tidak tersedia, coba lagi nanti"

SENT: Final = json_shapes.ok("Message Sent")


class Json(Dialect):
    """One visitor who speaks it."""

    NAME = "json"
    PORT = 13
    FRAMING = Framing((CRLF,))
    UNKNOWN = "Maaf, command tidak benar"
    MALFORMED = "--Protocol Tidak Benar"
    STRANGER = "Session Tidak Ditemukan"
    TROUBLES: ClassVar[Refusals] = {
        Closed: STRANGER,  # whose token it was has hung up meanwhile
        RateLimited: "Terlalu sering, coba lagi nanti",
        Busy: BUSY,
        Unavailable: AWAY,
        Offline: AWAY,
        Timeout: "Server belum menjawab, perintah mungkin sudah dijalankan",
        TooLarge: "Pesan terlalu panjang",
        Invalid: MALFORMED,
        Internal: "Terjadi kesalahan pada server",
        Failure: BUSY,
        ClientError: AWAY,
    }

    def __init__(self, visitor: Any) -> None:
        super().__init__(visitor)
        self.realm = ""
        """The server's, as it was when last asked."""
        self.told = False
        """Whether the request at hand came with a token; if it was carried out, with a good one."""
        self._token = ""
        self._speaker = self
        """In whose session the request at hand is carried out."""
        self._spoken_for = ""
        """The token of that session, as it was at the beginning."""
        self.chat: Chat
        """The same session. Of another visitor, it may be closed at any moment, for another one."""
        self._held = 0
        """Bytes that a line with a file has taken of the room for such lines."""
        self._holder = ""
        """Whose they are."""
        self._patience: asyncio.TimerHandle | None = None
        self._overlong = self.MALFORMED
        """What is said to a line that is too long."""

    # --- requests -------------------------------------------------------------------------------

    async def request(self, request: bytes) -> None:
        """Carry out one request and answer it."""
        if self._patience is not None:
            self._hold_on(None)
        try:
            await self._request(*json_lines.read(request))
        except UnicodeDecodeError:
            self.refuse(self.MALFORMED)
        finally:
            if self._held:
                self._hold(0)
            if self._speaker is not self:
                self._speak_for(self)

    async def _request(self, word: str, token: str, arguments: list[Any]) -> None:
        command = self.COMMANDS.get(word)
        self.told = token != ""
        if command is None:
            self.refuse(self.UNKNOWN)
        elif len(arguments) < command.least or (command.most is not None and len(arguments) > command.most):
            self.refuse(self.MALFORMED)
        elif command.login and not self._speaks_for(token):
            self.refuse(self.STRANGER)
        else:
            await self._carry_out(command, arguments)

    # --- lines with files -----------------------------------------------------------------------

    def limit(self, begins: bytes) -> int:
        """More for a file of somebody who has a session, as far as there is room for all such lines."""
        settings = self.visitor.settings
        self._overlong = self.MALFORMED
        found = json_lines.begins_a_file(begins)
        if found is None:
            return settings.gateway_line_max_bytes
        speaker = self._session(found)
        if speaker is None:
            self._overlong = self.STRANGER
        elif not self._hold(min(self.visitor.unread, settings.gateway_file_line_max_bytes), speaker):
            self._overlong = BUSY
        else:
            self._overlong = json_files.TOO_LARGE
            self._hold_on(settings.gateway_content_timeout)
            return settings.gateway_file_line_max_bytes
        return settings.gateway_line_max_bytes

    def too_long(self) -> None:
        """A request was longer than it may be."""
        self._hold_on(None)
        self._hold(0)
        self.refuse(self._overlong)

    def _hold(self, count: int, speaker: Json | None = None) -> bool:
        """Have so many bytes of the room. False, and as before, when there is none."""
        if speaker is not None and not self._held:
            self._holder = speaker.visitor.chat.user
        if count != self._held and not self.visitor.room.take(count - self._held, self._holder):
            return False
        self._held = count
        return True

    def _hold_on(self, seconds: float | None) -> None:
        """Wait so long for more of a line with a file; None: no more."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if seconds is not None:
            self._patience = asyncio.get_running_loop().call_later(seconds, self.visitor.hang_up)

    # --- sessions -------------------------------------------------------------------------------

    def _session(self, token: str) -> Json | None:
        """Who has the session of this token; without one, it is our own."""
        speaker = self.visitor.sessions.get(token) if token else self
        return speaker if isinstance(speaker, Json) and speaker.visitor.logged_in else None

    def _speaks_for(self, token: str) -> bool:
        """Find whose session it is. False: nobody's."""
        speaker = self._session(token)
        if speaker is None:
            return False
        self._speak_for(speaker)
        if not self.visitor.logged_in:
            self.visitor.stays_on()
        return True

    def _speak_for(self, speaker: Json) -> None:
        """Whatever they do meanwhile, a request keeps the session that it began in."""
        self._speaker, self._spoken_for, self.chat = speaker, speaker._token, speaker.visitor.chat

    def answer(self, reply: bytes) -> None:
        """As it is."""
        self.visitor.write(reply)

    def refuse(self, sentence: str) -> None:
        """Say no."""
        self.visitor.write(json_shapes.error(sentence))

    def session_over(self) -> None:
        """The session that a command was carried out in has ended; whose it was may have another one now."""
        if self._speaker._token == self._spoken_for:
            self._speaker.visitor.session_ended()

    def farewell(self) -> None:
        """The token is worth nothing any more, and no line goes on."""
        self._hold_on(None)
        self._hold(0)
        if self._token:
            self.visitor.sessions.pop(self._token, None)
            self._token = ""

    @property
    def here(self) -> str:
        """The realm."""
        return self._speaker.realm

    def local(self, name: str) -> str:
        """A name without the realm, if that is ours and it is a name; else ''."""
        address = self.address(name)
        return "" if "@" in address else address

    def address(self, name: str) -> str:
        """The same of whatever realm; of another one it stays behind the name."""
        return people.address(name, self.here)

    def _group(self, arguments: list[str]) -> str:
        """The address of a group, without its mark, whose realm may also be a word of its own; else ''."""
        name, at, realm = arguments[0].partition("@")
        if len(arguments) == 1:
            return self.address(arguments[0])
        if at and realm.lower() != arguments[1].lower():
            return ""
        return self.address(f"{name}@{arguments[1]}")

    # --- who ------------------------------------------------------------------------------------

    async def register(self, arguments: list[str]) -> bytes:
        """``register U P``"""
        name, password = await self._named(arguments[0]), arguments[1]
        if not name:
            raise Wrong(NO_NAME)
        try:
            await self.visitor.chat.register(name, password)
        except Invalid as invalid:
            least = invalid.fields.get("limit", 0)
            short = len(password) < least
            raise Wrong(
                f"Password minimal {least} karakter" if short else "Password terlalu panjang"
            ) from None
        return json_shapes.ok(realm_id=self.realm)

    async def auth(self, arguments: list[str]) -> bytes:
        """``auth U P``"""
        name, password = await self._named(arguments[0]), arguments[1]
        if not name:
            raise Wrong("user tidak ditemukan")
        try:
            await self.visitor.login(name, password)
        except InvalidCredentials:
            known = await people.exists(self.visitor.chat, name)
            raise Wrong("password salah" if known else "user tidak ditemukan") from None
        self._token = json_shapes.new_token()
        self.visitor.sessions[self._token] = self
        return json_shapes.ok(token_id=self._token, tokenid=self._token, realm_id=self.realm)

    async def _named(self, name: str) -> str:
        """The name of somebody here, after a look at where we are; '' if it is none."""
        self.realm = sys.intern((await self.visitor.chat.hello()).realm)
        self._speak_for(self)
        return self.local(name)

    async def getallusers(self, arguments: list[str]) -> None:
        """``getallusers``"""
        await json_tokens.check(self, arguments)
        names = [user.user for user in await self.chat.users()]
        await self.pour([json_shapes.ok(users=names)])

    async def logout(self, arguments: list[str]) -> bytes:
        """``logout T``"""
        await json_tokens.check(self, arguments)
        await self.chat.logout()
        self.session_over()
        return json_shapes.ok()

    # --- messages -------------------------------------------------------------------------------

    @json_tokens.before(people.exists, 2)
    async def sendprivate(self, arguments: list[str]) -> bytes:
        """``sendprivate T U text``"""
        name = self.address(arguments[0])
        if not name:
            raise Wrong(NO_USER)
        await self.chat.send(name, arguments[1])
        return SENT

    @json_tokens.before(people.group_exists, 2)
    async def sendgroup(self, arguments: list[str]) -> bytes:
        """``sendgroup T G text``"""
        name = self.address(arguments[0])
        if not name:
            raise Wrong(NO_ACCESS)
        await self.chat.send(f"#{name}", arguments[1])
        return SENT

    async def inbox(self, arguments: list[str]) -> None:
        """``inbox T``, ``inbox T SENDER``"""
        with json_inbox.Shown(self) as shown:
            if arguments:
                search = shown.private(self.address(arguments[0]))
                messages = await json_tokens.found(self, arguments, search)
            else:
                messages = await shown.received()
            await self.pour(json_shapes.ok_with("messages", messages))

    @json_tokens.before(people.group_exists, 1)
    async def inboxgroup(self, arguments: list[str]) -> None:
        """``inboxgroup T G``"""
        name = self._group(arguments)
        if not name:
            raise Wrong(NO_ACCESS)
        with json_inbox.Shown(self) as shown:
            await self.pour(json_shapes.ok_with("messages", await shown.group(name)))

    # --- groups ---------------------------------------------------------------------------------

    async def creategroup(self, arguments: list[str]) -> bytes:
        """``creategroup G``"""
        name = self.local(arguments[0])
        if not name:
            raise Wrong(NO_NAME)
        await self.chat.create_group(name)
        return json_shapes.ok(groupname=name)

    @json_tokens.before(people.group_exists, 1)
    async def joingroup(self, arguments: list[str]) -> bytes:
        """``joingroup T G``, ``joingroup T G REALM``"""
        name = self._group(arguments)
        if not name:
            raise Wrong(NO_GROUP)
        await self.chat.join_group(name)
        return json_shapes.ok("User berhasil join group")

    async def getallgroups(self, arguments: list[str]) -> None:
        """``getallgroups T``"""
        await json_tokens.check(self, arguments)
        rows = [row for row in await self.chat.conversations() if row.name.startswith("#")]
        if not rows:
            raise Wrong("User tidak memiliki akses ke grup")
        names = [people.apart(row.name[1:], self.here) for row in rows]
        user = self.chat.user
        groups = [{"username": user, "groupname": name, "realm_id": realm} for name, realm in names]
        await self.pour([json_shapes.ok(groups=groups)])

    # --- files ----------------------------------------------------------------------------------

    @json_tokens.before(people.exists, 2)
    async def sendfile(self, arguments: list[Any]) -> bytes:
        """``sendfile T U B64 path``"""
        return await json_files.send(self, self.address(arguments[0]), arguments[1], arguments[2])

    @json_tokens.before(people.group_exists, 2)
    async def sendgroupfile(self, arguments: list[Any]) -> bytes:
        """``sendgroupfile T G B64 path``"""
        name = self.address(arguments[0])
        return await json_files.send(self, name and f"#{name}", arguments[1], arguments[2])

    async def receivefile(self, arguments: list[str]) -> None:
        """``receivefile T``, ``receivefile T SENDER``"""
        search = json_files.listed(self, self.address(arguments[0]) if arguments else None)
        await json_files.receive(self, await json_tokens.found(self, arguments, search))

    async def pour(self, pieces: list[bytes]) -> None:
        """Answer with what belongs together: in one write, unless it is more than may wait for a reader."""
        await files.written(self.visitor, *pieces)

    COMMANDS: ClassVar = {
        "register": Command(register, 2, 2, {Conflict: "user telah terdaftar"}, login=False),
        "auth": Command(auth, 2, 2, login=False),
        "logout": Command(logout),
        "sendprivate": Command(sendprivate, 2, refusals={NotFound: NO_USER, Forbidden: NO_USER}),
        "inbox": Command(inbox),
        "inboxbysender": Command(inbox, 1),
        "creategroup": Command(creategroup, 1, refusals={Conflict: "group telah terdaftar"}),
        "joingroup": Command(
            joingroup,
            1,
            refusals={
                NotFound: NO_GROUP,
                Forbidden: NO_GROUP,  # of a realm that we do not talk to
                InvalidCredentials: "Group memakai password",
                TooLarge: "Group sudah penuh",
            },
        ),
        "sendgroup": Command(sendgroup, 2, refusals={NotFound: NO_ACCESS, Forbidden: NO_ACCESS}),
        "inboxgroup": Command(inboxgroup, 1, refusals={NotFound: NO_ACCESS, Forbidden: NO_ACCESS}),
        "sendfile": Command(sendfile, 3, refusals={NotFound: NO_USER, Forbidden: NO_USER}),
        "sendgroupfile": Command(sendgroupfile, 3, refusals={NotFound: NO_USER, Forbidden: NO_USER}),
        "receivefile": Command(receivefile),
        "getallusers": Command(getallusers),
        "getallgroups": Command(getallgroups),
    }
