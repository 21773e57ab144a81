"""Before somebody is logged in: which server, who, and what was wrong with either.

Belongs here: connecting, registering, logging in, going on with a session that was kept, and keeping one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client.errors import ClientError, Closed, LoggedOut, Offline, Timeout, WrongServerKey
from client.gui.model.changes import Part
from client.gui.model.farewell import farewell
from client.gui.model.keeping import LOGIN, SERVER
from client.gui.model.problem import (
    NO_ANSWER,
    NO_PASSWORD,
    NO_SERVER,
    NO_USER,
    PASSWORDS_DIFFER,
    Problem,
    problem,
)
from protocol import connection_string, limits
from protocol.addresses import checked_name, name_key
from protocol.errors import (
    Conflict,
    Failure,
    Invalid,
    InvalidCredentials,
    RateLimited,
    Retry,
    Unauthenticated,
)

if TYPE_CHECKING:
    from client.chat import Chat
    from client.gui.model.model import Model

PATIENCE: Final = 10.0
"""Seconds that a server has to answer before one is told that it does not."""
REACH: Final = 3.0
"""Seconds after which one is told that it was not reached yet."""
AGAIN: Final = 1.0
"""Seconds before a server that did not answer is asked once more."""


class Kept(NamedTuple):
    """A session to go on with. ``token`` is a secret."""

    server: str
    user: str
    token: bytes


class Entry:
    """``server``: connection string, '' when none is known; ``fixed``: it may not be changed here.

    ``busy``: something was asked for and is not answered. ``problem``: what went wrong last, with ``about``
    one of ``server``, ``user``, ``password``; also while ``busy``, of what takes long. ``remembered``: the
    token is kept for the next start. ``user``: who was logged in last, for the form.
    """

    def __init__(self, model: Model, server: str, fixed: bool) -> None:
        self.server = server
        self.fixed = fixed
        self.user = ""
        self.busy = False
        self.problem: Problem | None = None
        self.remembered = False
        self._model = model
        self._given = server
        self._chat: Chat | None = None
        """The one that something is tried with."""
        self._kept = ""
        """What we have kept, or gone on with: another window's is left alone."""
        self._doubtful = ""
        """Who may have been created although no answer came."""

    # --- what a person does ---------------------------------------------------------------------

    async def connect(self, server: str) -> bool:
        """Choose a server, if it answers there; then one can log in."""
        server = self.server if self.fixed else server.strip()
        if not server:
            return self._refuse(Problem(NO_SERVER, "Type the server's connection string.", "server"))
        return await self._try(self._connect(server))

    async def login(self, user: str, password: str, *, remember: bool) -> bool:
        """Log in. ``remember``: keep the token, so that the next start goes on with this session."""
        unfit = _unfit(user, password)
        if unfit is not None:
            return self._refuse(unfit)
        return await self._try(self._login(user.strip(), password, remember, create=False))

    async def register(self, user: str, password: str, again: str, *, remember: bool) -> bool:
        """Create a user, and log in. ``again``: the password once more."""
        unfit = _unfit(user, password)
        if unfit is None and password != again:
            unfit = Problem(PASSWORDS_DIFFER, "The two passwords differ.", "password")
        if unfit is not None:
            return self._refuse(unfit)
        return await self._try(self._login(user.strip(), password, remember, create=True))

    def clear(self) -> None:
        """Another form is shown, or somebody types: what was wrong is said no more."""
        if self.problem is not None and not self.busy:
            self._say(None)

    async def give_up(self) -> None:
        """Try no longer what is under way, be it logging in or going on with a session that was kept."""
        if self._chat is not None:
            await self._chat.close()

    # --- a session that was kept ----------------------------------------------------------------

    async def remembered_server(self) -> None:
        """The server that was used last, unless there is but one."""
        if not self.fixed:
            self.server = await self._model.keeping.get(SERVER) or self.server

    async def resume(self) -> bool:
        """Go on with the session that was kept; False when there is none, or it is over.

        While the server does not answer it is not over: it is tried until it does, and ``problem`` says so.
        ``give_up`` ends that.
        """
        text = await self._model.keeping.get(LOGIN)
        kept = _read(text)
        if kept is None or (self.fixed and not _same(kept.server, self.server)):
            return False
        self.server = self.server if self.fixed else kept.server
        self.user, self._kept = kept.user, text
        return await self._try(self._resume(kept.token))

    async def keep(self, chat: Chat) -> None:
        """Keep the token, so that the next start goes on with this session."""
        self.remembered = True
        stored = {"server": self.server, "user": chat.user, "token": chat.token.hex()}
        self._kept = json.dumps(stored)
        await self._model.keeping.put(LOGIN, self._kept)

    async def forgotten(self) -> bool:
        """Whether what we kept is kept no more: another window of this browser has logged out."""
        return bool(self._kept) and await self._model.keeping.get(LOGIN) == ""

    async def forget(self) -> None:
        """Keep it no longer. Another window may have begun a session of its own meanwhile."""
        self.remembered = False
        kept, self._kept = self._kept, ""
        if kept and await self._model.keeping.get(LOGIN) == kept:
            await self._model.keeping.put(LOGIN, "")

    # --- how it is done -------------------------------------------------------------------------

    async def _connect(self, server: str) -> None:
        async with self._at(server) as chat:
            await chat.hello()
        self.server = server
        # One that was given may have another key the next time, and is given then.
        await self._model.keeping.put(SERVER, "" if server == self._given else server)
        self._model.show_login()

    async def _login(self, user: str, password: str, remember: bool, create: bool) -> None:
        async with self._at(self.server) as chat:
            if create:
                await self._create(chat, user, password)
            await chat.login(user, password, _printable(self._model.device))
            self.user = chat.user
            try:
                await self._model.began(chat)
            except BaseException:
                await farewell(chat)
                raise
            if remember and self._model.took(chat):
                await self.keep(chat)

    async def _create(self, chat: Chat, user: str, password: str) -> None:
        """A try without an answer may have created them: then the password tells whether it was us."""
        try:
            await chat.register(user, password)
        except (Timeout, Offline):
            self._doubtful = name_key(user)
            raise
        except Conflict:
            if self._doubtful != name_key(user):
                raise
        self._doubtful = ""

    async def _resume(self, token: bytes) -> None:
        async with self._at(self.server, token=token) as chat:
            while not self._model.took(chat):
                try:
                    await chat.whoami()
                    self.user = chat.user
                    await self._model.began(chat)
                    self.remembered = True
                except (Timeout, Offline) as error:
                    self._say(problem(error, "server"))
                except (LoggedOut, InvalidCredentials, Unauthenticated):
                    await self.forget()
                    raise
                except Failure as error:
                    if error.retry is not Retry.LATER:
                        raise
                    self._say(problem(error, "server"))
                    await asyncio.sleep(max(error.retry_after, AGAIN))

    @contextlib.asynccontextmanager
    async def _at(self, server: str, token: bytes = b"") -> AsyncIterator[Chat]:
        """A chat at a server; closed in the end unless the model has taken it."""
        chat = self._model.chats(server, token=token, timeout=PATIENCE)
        chat.on_pause(self._paused)
        slow = asyncio.get_running_loop().call_later(REACH, self._slow, chat)
        self._chat = chat
        try:
            await chat.__aenter__()
            yield chat
        finally:
            slow.cancel()
            self._chat = None
            if not self._model.took(chat):
                await chat.close()

    async def _try(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do it, unless something else is under way; what goes wrong is the problem."""
        if self.busy:
            work.close()
            return False
        self.busy = True
        self._say(None)
        failed: Problem | None = None
        try:
            async with self._model.ending:  # the session before is put away
                pass
            await work
        except Closed:
            failed = Problem("", "")
        except (Failure, ClientError, ValueError) as error:
            failed = problem(error, _about(error))
        finally:
            self.busy = False
            self._say(failed if failed is not None and failed.code else None)
        return failed is None

    def _slow(self, chat: Chat) -> None:
        if not chat.reached:
            self._say(Problem(NO_ANSWER, "The server has not answered so far.", "server"))

    def _paused(self, refusal: RateLimited) -> None:
        if self.busy:
            self._say(problem(refusal))

    def _refuse(self, problem: Problem) -> bool:
        self._say(problem)
        return False

    def _say(self, problem: Problem | None) -> None:
        self.problem = problem
        self._model.changes.mark(Part.ENTRY)


def _unfit(user: str, password: str) -> Problem | None:
    """What cannot be right, so that nobody need be asked."""
    if not user.strip():
        return Problem(NO_USER, "Type a user name.", "user")
    try:
        checked_name(user.strip())
    except Invalid as error:
        return problem(error, "user")
    if not password:
        return Problem(NO_PASSWORD, "Type a password.", "password")
    return None


def _about(error: Exception) -> str:
    if isinstance(error, (InvalidCredentials, Invalid)):
        return "password"
    if isinstance(error, Conflict):
        return "user"
    return "server" if isinstance(error, (ValueError, Timeout, Offline, WrongServerKey)) else ""


def _printable(device: str) -> str:
    """A device's name as the server takes it."""
    return "".join(character for character in device if character.isprintable())[: limits.DEVICE_MAX_LENGTH]


def _read(text: str) -> Kept | None:
    """What was kept; None when that makes no sense."""
    try:
        stored = json.loads(text or "{}")
        kept = Kept(str(stored["server"]), str(stored["user"]), bytes.fromhex(stored["token"]))
        connection_string.parse(kept.server)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return kept if len(kept.token) == limits.TOKEN_BYTES else None


def _same(one: str, other: str) -> bool:
    """Whether both lead to the same server, so that a token may be shown to it."""
    try:
        return connection_string.parse(one).same_server(connection_string.parse(other))
    except ValueError:
        return False
