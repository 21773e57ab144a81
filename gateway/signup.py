"""The ``signup`` dialect: strings that end with NUL or newline, dialogues, news behind the replies.

Belongs here: its words, its sentences, and how strings follow each other. What a message looks like is
``signup_lines``'s, what is told unasked ``signup_news``'s, sentences are ``signup_sentences``'.

Theory of operation. A reply is one string or two, collected while a request is carried out; then the news are
put behind the last of them, and all of it leaves in one write. Two strings are the answer to the text of a
``message`` and to ``show``: the first begins with a digit that says what it is, the second holds news alone
and may be empty. Who ends requests with newlines gets the same strings with newlines, but for empty ones, and
also hears at once what the others are told with their next reply.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

from client import ClientError, Event, Failure, LoggedOut
from gateway import files, people, signup_lines
from gateway import signup_sentences as says
from gateway.dialect import Command, Dialect, Refusals, Wrong
from gateway.framing import NEWLINE, NUL, Framing
from gateway.signup_news import BROADCAST_NAME, News
from gateway.text import one_line
from protocol.addresses import BROADCAST, name_key
from protocol.commands import HistoryReply, Message
from protocol.errors import (
    Busy,
    Forbidden,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from protocol.events import MessageEvent

if TYPE_CHECKING:
    from gateway.visitor import Visitor

SHOWN: Final = "1"
"""Begins the first string of ``show``; and of a message's answer when it was not stored."""
STORED: Final = "0"
"""Begins the first string of a message's answer: the client files the line."""
NEWS_PATIENCE: Final = 2.0
"""Seconds that a reply waits for the news to put behind it."""
TEXT_PAUSE: Final = 1.0
"""Seconds of silence behind a newline that end the text of who spoke NUL before. Such a text may have several
lines: one that comes in pieces, over a slow network, is not to be taken for requests. Nor must somebody wait
for ever who ends only the command with NUL."""
SIZE_DIGITS: Final = 18
FEW: Final = "-1"
"""What who counts from 0 says for: none yet."""


class Signup(Dialect):
    """One visitor who speaks it."""

    NAME = "signup"
    PORT = 10
    FRAMING = Framing((NUL, NEWLINE))
    LISTENS = True
    UNKNOWN = "command not exists"
    MALFORMED = "Not understood: a request is UTF-8, and not as long as this"
    STRANGER = "Anda belum login!"
    STRANGER_FIRST = True
    TROUBLES = says.TROUBLES

    def __init__(self, visitor: Visitor) -> None:
        super().__init__(visitor)
        self._news = News()
        self._end = NEWLINE
        """With which the visitor ended what is being answered."""
        self._held: list[str] | None = None
        """The reply so far; None between requests."""
        self._awaited = ""
        """What the visitor takes a first string for: that of a ``message``'s text, of a ``show``, or any."""
        self._plain = False
        """Whether nothing is put behind the reply."""
        self._over = False
        """Whether the reply is the last one."""
        self._name = ""
        """Under which others find them, as long as they are logged in."""
        self._behind_file = False
        """Whether the bytes of a file came last."""

    # --- strings --------------------------------------------------------------------------------

    def split(self, request: str) -> tuple[str, list[str]]:
        """Words between single spaces; spaces at the end are nobody's."""
        return super().split(request.rstrip(" "))

    async def request(self, request: bytes) -> None:
        """Carry out one request; its strings and the news leave together."""
        behind_file, self._behind_file = self._behind_file, False
        if behind_file and not request:
            return  # programs end everything, and who types ends the file with the enter key
        self._end = self.visitor.terminator
        self._held, self._awaited, self._plain = [], "", False
        try:
            await super().request(request)
            self._awaited = ""
            if self._held:
                self._write([*self._held[:-1], self._behind(self._held[-1], await self._news_now())])
        finally:
            self._held = None
            if self._end == NEWLINE:
                self._push(self._news.waiting())
        if self._over:
            self.visitor.hang_up(gently=True)

    def answer(self, reply: str | tuple[str, ...]) -> None:
        """A string, or several."""
        strings = [reply] if isinstance(reply, str) else list(reply)
        if self._held is None:
            self._write(strings)
        else:
            self._held += strings

    def refuse(self, sentence: str) -> None:
        """A sentence, in whatever form is awaited."""
        awaited, self._awaited = self._awaited, ""
        if awaited == "message":
            self.answer((SHOWN, sentence))
        elif awaited == "show" and sentence.startswith(SHOWN):
            self.answer(f"Name {sentence}")
        else:
            self.answer(sentence)

    def said_to(self, error: Exception, refusals: Refusals, arguments: list[str]) -> str:
        """The dialect's sentence; where it has none of its own, the system's."""
        self._plain = self._plain or isinstance(error, (ClientError, Busy, Unavailable))
        if isinstance(error, says.OWN_WORDS) and not any(isinstance(error, kind) for kind in refusals):
            return one_line(str(error))
        return super().said_to(error, refusals, arguments)

    def _write(self, strings: list[str]) -> None:
        if self._end == NEWLINE:
            strings = [strings[0], *filter(None, strings[1:])]
        self.visitor.write(b"".join(string.encode() + self._end for string in strings))

    def _behind(self, string: str, news: str) -> str:
        """The last string of a reply, with the news. People read them on lines of their own."""
        apart = news and self._end == NEWLINE and string and not string.endswith("\n")
        return f"{string}\n{news}" if apart else string + news

    # --- news -----------------------------------------------------------------------------------

    async def _news_now(self) -> str:
        if self._plain or not self.visitor.logged_in:
            return ""
        try:
            async with asyncio.timeout(NEWS_PATIENCE):
                rows = await self.visitor.chat.conversations()
        except (Unauthenticated, LoggedOut):
            self.visitor.session_ended()
            return ""
        except (Failure, ClientError, TimeoutError):
            return ""
        return self._news.with_reply(rows)

    def heard(self, event: Event) -> None:
        """Somebody wrote: told at once where newlines are spoken, else with a reply."""
        if isinstance(event, MessageEvent):
            self._news.message(event, self.visitor.chat.user)
            if self._end == NEWLINE and self._held is None:
                self._push(self._news.waiting())

    def was_shown(self, reader: str, seq: int) -> None:
        """``reader`` has what was said between the two up to this one: told in the same way."""
        if self._end == NEWLINE:
            self._push(signup_lines.LAST_READ.format(seq))
        else:
            self._news.read(reader, seq)

    def _push(self, lines: str) -> None:
        if lines:
            self.visitor.push(lines.encode())

    # --- who one is -----------------------------------------------------------------------------

    async def signup(self, arguments: list[str]) -> str:
        """``signup U P``"""
        name, password = arguments
        chat = self.visitor.chat
        if not _free(name) or await people.group_exists(chat, name):
            raise Wrong(says.NAME_TAKEN)
        await chat.register(name, password)
        return "Signup success"

    async def login(self, arguments: list[str]) -> str:
        """``login U P``"""
        await self.visitor.login(*arguments)
        if self.visitor.logged_in:
            self._name = name_key(self.visitor.chat.user)
            self.visitor.present.setdefault(self._name, set()).add(self)
        # Programs compare this string: what came in the meantime is told with the next one.
        self._plain = self._end == NUL
        return "Login success"

    async def logout(self, arguments: list[str]) -> str:
        """``logout``"""
        await self.visitor.logout()
        return "Logout success"

    async def exit(self, arguments: list[str]) -> str:
        """``exit``: whoever hangs up is logged out."""
        self._plain = self._over = True
        return "Goodbye"

    def farewell(self) -> None:
        """Nobody finds them any more, and what the next login is told is its own."""
        others = self.visitor.present.get(self._name, set())
        others.discard(self)
        if not others:
            self.visitor.present.pop(self._name, None)
        self._name, self._news = "", News()

    # --- groups ---------------------------------------------------------------------------------

    async def create(self, arguments: list[str]) -> str:
        """``create_group G``"""
        name = arguments[0]
        if not _free(name) or await self._is_user(name):
            raise Wrong(says.GROUP_TAKEN)
        await self.visitor.chat.create_group(name)
        return f"Group {name} created"

    async def join(self, arguments: list[str]) -> str:
        """``join_group G``"""
        name = people.address(arguments[0])
        if not name:
            raise NotFound("No name of a group.")
        await self.visitor.chat.join_group(name)
        return f"Joining group {name}"

    async def leave(self, arguments: list[str]) -> str:
        """``leave_group G``"""
        name = people.address(arguments[0])
        if not name:
            raise NotFound("No name of a group.")
        await self.visitor.chat.leave_group(name)
        return f"Leaving group {name}"

    async def _is_user(self, name: str) -> bool:
        try:
            await self.visitor.chat.get_user(name)
        except NotFound:
            return False
        return True

    # --- messages -------------------------------------------------------------------------------

    async def message(self, arguments: list[str]) -> tuple[str, str]:
        """``message X``, and then its text, whatever that is."""
        to, _ = await self._with(arguments[0])
        self._write(["Message: "])
        self._awaited = "message"
        # A text from who ends strings with NUL may have several lines.
        line = await (self.visitor.text(NUL, TEXT_PAUSE) if self._end == NUL else self.visitor.line())
        self._end = self.visitor.terminator
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise Wrong(self.MALFORMED) from None
        sent = await self.visitor.chat.send(to, text)
        return STORED + signup_lines.line(sent.sent_at, signup_lines.ME, text), ""

    async def show(self, arguments: list[str]) -> tuple[str, str]:
        """``show X``: what is unread. ``show X N``: what stands behind the N-th message."""
        self._awaited = "show"
        after = _number(arguments[1]) if len(arguments) == 2 else None
        address, page = await self._with(arguments[0], reading=True)
        chat = self.visitor.chat
        messages = await self._behind_seq(page, after)
        if after is None:
            shown = signup_lines.lines(messages, chat.user)
        else:
            shown = signup_lines.parted(messages, chat.user, page.read_seq)
        if messages:
            last = messages[-1].seq
            if last > page.read_seq:
                await chat.read(page.conversation, last)
            self._news.shown(page.conversation, last)
        if after is not None:
            for other in list(self.visitor.present.get(name_key(address), ())):
                other.was_shown(chat.user, after)
        return SHOWN + shown, ""

    async def _behind_seq(self, page: HistoryReply, after: int | None) -> list[Message]:
        """The first messages behind ``after``, as many as a reply may show; None: unread ones, of others."""
        settings = self.visitor.settings
        room = settings.gateway_output_bytes // 4
        user = self.visitor.chat.user
        found: list[Message] = []
        if not page.last_seq:
            return found
        start = page.read_seq if after is None else after
        async for message in self.visitor.chat.messages(page.conversation, start):
            if after is None and message.sender == user:
                continue
            room -= len(message.body.encode())
            if found and room < 0:
                break
            found.append(message)
            if len(found) == settings.gateway_messages_shown:
                break
        return found

    async def _with(self, name: str, *, reading: bool = False) -> tuple[str, HistoryReply]:
        """Address and state of the conversation with a user, else a group, of this name. Raises ``Wrong``."""
        chat = self.visitor.chat
        known = people.address(name)
        if not known:
            raise Wrong(says.NOBODY.replace("{0}", name))
        if name_key(known) == name_key(chat.user):
            raise Wrong(says.ONESELF)
        addresses = [known, f"#{known}"] if "@" not in known else [await self._elsewhere(known)]
        if reading and name == BROADCAST_NAME:
            addresses.append(BROADCAST)
        for address in addresses:
            try:
                return address, await chat.history(address, limit=1)
            except NotFound:
                continue
            except Forbidden:
                raise Wrong(says.NO_MEMBER.replace("{0}", name)) from None
        raise Wrong(says.NOBODY.replace("{0}", name))

    async def _elsewhere(self, name: str) -> str:
        """The address of somebody of another realm, unless that is a group there that we are in."""
        rows = await self.visitor.chat.conversations()
        group = f"#{name_key(name)}"
        return next((row.name for row in rows if name_key(row.name) == group), name)

    # --- files ----------------------------------------------------------------------------------

    async def sendfile(self, arguments: list[str]) -> str:
        """``sendfile X``, then a line with name and size, then as many bytes."""
        to, _ = await self._with(arguments[0])
        self._write(["File location: "])
        name, _, digits = (await self.visitor.line()).rpartition(b" ")
        if not name or not digits.isdigit() or len(digits) > SIZE_DIGITS:
            raise Wrong(says.NO_HEADER)
        self._behind_file = True
        size = int(digits)
        try:
            base = name.decode().replace("\\", "/").rpartition("/")[2]
        except UnicodeDecodeError:
            base = ""
        most = self.visitor.settings.file_max_bytes
        if not base or size > most:
            files.drop(self.visitor, size)
            raise Wrong(f"A file may have at most {most} bytes" if base else self.MALFORMED)
        await files.receive(self.visitor, size, to=to, name=base)
        return "File sent"

    _CREATE: ClassVar = Command(create, 1, 1, says.NOT_CREATED, malformed=says.USAGE_CREATE)
    _JOIN: ClassVar = Command(join, 1, 1, says.NOT_JOINED, malformed=says.USAGE_JOIN)
    _LEAVE: ClassVar = Command(leave, 1, 1, says.NOT_LEFT, malformed=says.USAGE_LEAVE)
    COMMANDS: ClassVar = {
        "signup": Command(signup, 2, 2, says.NO_ACCOUNT, login=False, malformed=says.USAGE_SIGNUP),
        "login": Command(login, 2, 2, says.NO_LOGIN, login=False, malformed=says.USAGE_LOGIN),
        "logout": Command(logout, 0, 0, malformed=says.USAGE_LOGOUT),
        "exit": Command(exit),
        "message": Command(message, 1, 1, says.GONE, malformed=says.USAGE_MESSAGE),
        "show": Command(show, 1, 2, says.GONE, malformed=says.USAGE_SHOW),
        "sendfile": Command(sendfile, 1, 1, says.GONE, malformed=says.USAGE_SENDFILE),
        "create_group": _CREATE,
        "create": _CREATE,
        "join_group": _JOIN,
        "join": _JOIN,
        "leave_group": _LEAVE,
        "leave": _LEAVE,
    }


def _free(name: str) -> bool:
    """Whether a user or a group may be called so here, if nobody is."""
    return people.is_name(name) and name_key(name) != BROADCAST_NAME


def _number(word: str) -> int:
    """A seq, or 0. Raises ``Wrong``."""
    if word == FEW:
        return 0
    if not (word.isascii() and word.isdigit() and len(word) <= SIZE_DIGITS):
        raise Wrong(says.USAGE_SHOW)
    return int(word)
