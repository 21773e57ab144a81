"""Somebody at one of the ports: one request at a time, and the session that belongs to them.

Belongs here: when a request is carried out, what is pushed meanwhile, logging in and out. What a request
means is its dialect's, where it ends is ``framing``'s, how its bytes come is ``stream``'s; who may come in,
and how long somebody may make us wait, is ``server``'s.

A visitor that is silent costs no task: one runs from the first request that is there to the last. While a
request is carried out, what is pushed waits, so that it stands behind the reply and never within a dialogue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from client import Chat, ClientError, Event, Failure, Status
from gateway.framing import TooLong
from gateway.stream import Gone, Stream

if TYPE_CHECKING:
    from gateway.dialect import Dialect
    from gateway.files import Transfers
    from gateway.room import Room
    from gateway.server import Gateway
    from gateway.signup import Signup

TURN: Final = 0.0005
"""Seconds after which who has more requests waiting lets the others have a turn. An honest request takes some
six turns of the loop, in each of which everyone who floods us has one."""


class Visitor(Stream):
    """Somebody at one of the ports. ``dialect`` makes what answers them."""

    __slots__ = ("_chat", "_pushes", "_pushes_bytes", "_task", "_used", "dialect", "logged_in")

    def __init__(self, gateway: Gateway, dialect: type[Dialect]) -> None:
        self._gateway = gateway
        self.logged_in = False
        self._used = False
        """Whether somebody has logged in with this chat."""
        self._chat: Chat | None = None
        self._task: asyncio.Task[None] | None = None
        self._pushes: list[bytes] = []
        self._pushes_bytes = 0
        self.dialect = dialect(self)
        super().__init__(gateway, dialect.FRAMING, self.dialect.limit)

    # --- as a stream ----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a request is being carried out."""
        return self._task is not None

    def begin(self) -> None:
        """Carry out all that is there."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    def came(self) -> None:
        """Let them in, or tell them that there is no room."""
        if not self._gateway.admit(self):
            self._safely(self.dialect.full)
            self.hang_up(gently=True)

    def went(self) -> None:
        """Offline at once, though nobody said so."""
        self._safely(self.dialect.farewell)
        self._gateway.dismiss(self)

    # --- for dialects ---------------------------------------------------------------------------

    @property
    def chat(self) -> Chat:
        """The visitor's own session with the system; anonymous until they have logged in."""
        assert self._chat is not None
        return self._chat

    @property
    def transfers(self) -> Transfers:
        """The places for files that move at once."""
        return self._gateway.transfers

    @property
    def room(self) -> Room:
        """What requests and replies with files may hold, those of all visitors together."""
        return self._gateway.room

    @property
    def sessions(self) -> dict[str, Dialect]:
        """Who may be spoken for with a token."""
        return self._gateway.sessions

    @property
    def present(self) -> dict[str, set[Signup]]:
        """Who is found by name, by others who speak as they do."""
        return self._gateway.present

    def push(self, data: bytes) -> None:
        """Send bytes that nobody asked for: at once, or behind the reply to what is being done."""
        settings = self.settings
        if self._task is None:
            self.write(data)
        elif (
            len(self._pushes) < settings.gateway_pushes and self._pushes_bytes < settings.gateway_output_bytes
        ):
            self._pushes.append(data)
            self._pushes_bytes += len(data)
        else:
            self._gateway.count("pushes dropped")

    def count(self, what: str) -> None:
        """Something of theirs was dropped, for whoever keeps the log."""
        self._gateway.count(what)

    async def login(self, username: str, password: str) -> None:
        """Log in; an earlier session ends then. Raises what ``Chat.login`` raises, and has changed nothing.

        A chat serves one login: whoever still asks or hears something in an earlier one does not in this.
        """
        before = self.chat
        chat = await self._gateway.session(self) if self._used else before
        try:
            await chat.login(username, password, f"{self.dialect.NAME} {self.address}"[:64])
        except BaseException:
            if chat is not before:
                await chat.close()
            raise
        if chat is not before:
            self.session_ended()
            self._chat = chat
            await self._gateway.part_with(before)
        self._used = self.logged_in = True
        self._gateway.known(self)
        if self.dialect.LISTENS:
            with contextlib.suppress(ClientError, Failure):  # it goes on by itself
                await self.chat.listen()

    async def logout(self) -> None:
        """End the session on the server, if there is one. The connection stays."""
        if self.logged_in:
            await self.chat.logout()
            self.session_ended()

    def session_ended(self) -> None:
        """There is no session any more: it was ended here, or by another device."""
        if self.logged_in:
            self.logged_in = False
            self._gateway.unknown(self)
        self.dialect.farewell()

    async def server_there(self) -> None:
        """Wait a little for a server that is away. Raises ``Offline`` when it stays away."""
        if self._gateway.away:
            await self._gateway.returned()

    def stays_on(self) -> None:
        """The visitor, who has not logged in, speaks for somebody who has, and may stay as long again."""
        self._gateway.unknown(self)

    # --- for the gateway ------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Something happened in a conversation of theirs, or to their session."""
        if isinstance(event, Status) and self._chat is not None:
            if self._chat.closed:  # after a mistake of ours: they may come again
                self.hang_up()
            elif not self._chat.token:
                self.session_ended()
        if self.logged_in and not self._over:
            try:  # as _safely, but this is done for every listener of every event
                self.dialect.heard(event)
            except Exception as error:
                self._gateway.fault(self.dialect.NAME, error)

    async def leave(self) -> None:
        """Let go of the session, when what is under way is done: offline at once, though nobody said so."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self.settings.gateway_request_timeout)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._safely(self.dialect.farewell)  # they may have logged in while they hung up
        self._framer.clear()
        chat, self._chat = self._chat, None
        if chat is not None:
            await self._gateway.end(chat)

    # --- one request after the other ------------------------------------------------------------

    async def _work(self) -> None:
        """Everything that is there to be done."""
        now = asyncio.get_running_loop().time
        turn = now() + TURN
        try:
            while (request := self._request()) is not None:
                await self._do(request)
                self._let_go_of_pushes()
                if now() > turn:
                    await asyncio.sleep(0)
                    turn = now() + TURN
        except Exception as error:
            self._gateway.fault(self.dialect.NAME, error)
            self.hang_up()
        finally:
            self._task = None
        if self._eof and not self._over:
            self.hang_up(gently=True)
        self._resume()

    def _request(self) -> bytes | None:
        """The next one to be carried out; None when there is none."""
        while not self._ending:
            try:
                return self._next()
            except TooLong:
                self._safely(self.dialect.too_long)
        return None

    async def _do(self, request: bytes) -> None:
        try:
            if self._chat is None:
                self._chat = await self._gateway.session(self)
            await self.dialect.request(request)
            if not self.logged_in:
                self._gateway.unknown(self)  # who says something is not idle
            await self.drain()
        except Gone:
            pass
        except TooLong:  # within a dialogue
            self._safely(self.dialect.too_long)
        except Exception as error:  # a mistake of ours ends nobody's visit, and not the gateway
            self._gateway.fault(self.dialect.NAME, error)
            self._safely(self.dialect.fault)

    def _safely(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception as error:
            self._gateway.fault(self.dialect.NAME, error)

    def _let_go_of_pushes(self) -> None:
        if self._pushes:
            pushes, self._pushes, self._pushes_bytes = self._pushes, [], 0
            self.write(b"".join(pushes))


__all__ = ["Gone", "Visitor"]
