"""What every command starts from: the options, and through them a chat that is logged in.

Belongs here: from options to an opened ``Chat``, running a coroutine on it, and saying what went
wrong. Which server that is, ``places`` knows; what is remembered, ``profiles``; exit codes, ``exits``.

    @click.command()
    @shared
    def command(context: Context) -> None:
        reply = context.run(lambda chat: chat.whoami())
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from client.cli import exits, output, places, profiles
from client.cli.exits import AUTH, Mistake
from client.cli.numbers import SECONDS
from client.errors import ClientError, LoggedOut, Offline
from protocol.errors import Failure, RateLimited, Unauthenticated

if TYPE_CHECKING:
    from client.chat import Chat
    from client.record import Record

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Work = Callable[["Chat"], Awaitable[T]]

TIMEOUT: Final = 10.0
"""Seconds that a call may take, unless ``--timeout`` says otherwise."""
REACH: Final = 3.0
"""Seconds in which the server must be reached for the first time, unless ``--timeout`` says otherwise.

Long enough for a broker that is just being restarted."""

PAUSE_TOLD: Final = 0.5
"""Seconds that the server may want us to wait without a word of it."""


class Context:
    """The options as they were given, and what follows from them. One for each run of ``pesan``."""

    def __init__(self) -> None:
        self.server_named = ""
        self.profile_named = ""
        self.timeout_named: float | None = None
        self.json = False

    # --- who and where --------------------------------------------------------------------------

    @cached_property
    def profile_name(self) -> str:
        """``--profile``, PESAN_PROFILE or ``default``."""
        name = self.profile_named or os.environ.get("PESAN_PROFILE") or profiles.DEFAULT
        return profiles.checked_name(name)

    @cached_property
    def profile(self) -> profiles.Profile:
        """What the person wrote about this profile."""
        return profiles.load(self.profile_name)

    @cached_property
    def remembered(self) -> profiles.Login | None:
        """The last session that this profile opened, wherever it was; it may be over."""
        return profiles.load_login(self.profile_name)

    @cached_property
    def place(self) -> places.Place:
        """The server. Raises ``Mistake`` when none is known."""
        return places.find(self.server_named, self.profile, self.remembered)

    @property
    def server(self) -> str:
        """Its connection string."""
        return str(self.place.server)

    @property
    def timeout(self) -> float:
        """Seconds that a call may take."""
        return TIMEOUT if self.timeout_named is None else self.timeout_named

    @property
    def login_if_any(self) -> profiles.Login | None:
        """The session at this server, if there is one."""
        login = self.remembered
        return login if login is not None and login.token and self.place.same(login) else None

    @property
    def login(self) -> profiles.Login:
        """The session at this server. Raises ``Mistake`` when nobody is logged in."""
        login = self.login_if_any
        if login is None:
            new = f", or for a new user {self.command('register NAME')}" if self.remembered is None else ""
            raise Mistake(f"not logged in: {self.command('login NAME')}{new}", AUTH)
        return login

    @property
    def user(self) -> str:
        """Who is logged in here."""
        return self.login.user

    @cached_property
    def record(self) -> Record:
        """What this profile has been handed out by this server, under this name."""
        from client.record import Record

        server = self.place.server
        lasting = server.key.hex() or str(server)
        return Record(profiles.record_file(self.profile_name), lasting, self.user)

    def command(self, words: str) -> str:
        """How to type a command for the same profile: ``pesan --profile budi login NAME``."""
        profile = "" if self.profile_name == profiles.DEFAULT else f"--profile {self.profile_name} "
        return f"pesan {profile}{words}"

    # --- a session opened and ended -------------------------------------------------------------

    def remember(self, chat: Chat) -> None:
        """Keep the session that ``chat`` has just opened."""
        login = profiles.Login(self.server, chat.user, chat.token, chat.session, self.place.local)
        profiles.save_login(self.profile_name, login)
        self.__dict__["remembered"] = login

    def forget(self) -> None:
        """Keep it no longer."""
        profiles.forget_login(self.profile_name)
        self.__dict__.pop("remembered", None)

    def forget_ended(self) -> None:
        """The server says that the session is over. Another run may have opened a new one meanwhile."""
        now, then = profiles.load_login(self.profile_name), self.remembered
        if now is not None and then is not None and now.token == then.token:
            self.forget()

    # --- to the server --------------------------------------------------------------------------

    def chat(self, *, anonymous: bool = False, **more: Any) -> Chat:
        """A chat at this server, to be entered with ``async with``; logged in unless ``anonymous``."""
        from client.chat import Chat

        if not anonymous:
            more |= {"token": self.login.token, "record": self.record}
        chat = Chat.connect(self.server, timeout=self.timeout, **more)
        chat.on_pause(_say_pause)
        return chat

    def run(self, work: Work[T], *, anonymous: bool = False, cursors: dict[int, int] | None = None) -> T:
        """Run ``work(chat)`` to its end. Raises ``Failure`` and ``ClientError`` as the library does."""
        return asyncio.run(self.within(work, anonymous=anonymous, cursors=cursors))

    async def within(
        self, work: Work[T], *, anonymous: bool = False, cursors: dict[int, int] | None = None
    ) -> T:
        """``run`` for who has a loop already. ``cursors``: where events go on."""
        chat = self.chat(anonymous=anonymous, cursors=cursors)
        try:
            async with chat:
                if self.timeout_named is not None:
                    return await work(chat)
                return await _reaching(chat, work)
        finally:
            if chat.record_fault:
                output.note(f"pesan: cannot write down what was seen: {output.one_line(chat.record_fault)}")

    def explain(self, error: Exception) -> tuple[str, int]:
        """(sentence, exit code) of whatever a command raised."""
        if isinstance(error, Mistake):
            return error.message, error.code
        if isinstance(error, Offline):
            return f"cannot reach {self._address}: {places.why_not(self.place.server)}", exits.OFFLINE
        if isinstance(error, (LoggedOut, Unauthenticated)):
            return f"not logged in: {self.command('login NAME')} (that session has ended)", AUTH
        if isinstance(error, ClientError):
            return error.message, exits.code_of(error)
        assert isinstance(error, Failure)
        return error.message.rstrip(".") + (exits.hint(error) or "."), exits.code_of(error)

    @property
    def _address(self) -> str:
        server = self.place.server
        return str(server._replace(key=b""))

    # --- to the person --------------------------------------------------------------------------

    def show(self, record: dict[str, Any], line: str | None) -> None:
        """One result: ``record`` with ``--json``, else ``line`` (None: nothing)."""
        if self.json:
            output.out(output.json_line(record))
        elif line is not None:
            output.out(line)


def _say_pause(refusal: RateLimited) -> None:
    """Whoever would wait long enough to wonder is told before."""
    if refusal.retry_after >= PAUSE_TOLD:
        output.note(f"pesan: {output.one_line(refusal.message)} Waiting for that.")


async def _reaching(chat: Chat, work: Work[T]) -> T:
    """``work``, given up when the server is not reached soon."""
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout(None)

    def look() -> None:
        if not chat.reached:
            limit.reschedule(loop.time())

    try:
        async with limit:
            timer = loop.call_later(REACH, look)
            try:
                return await work(chat)
            finally:
                timer.cancel()
    except TimeoutError:
        if not limit.expired():
            raise
        raise Offline("The server cannot be reached.") from None


# --- options that every command has ---------------------------------------------------------------


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Into the context, when given: the same option may stand before the command and behind it."""
    if value is None or value is False:
        return
    context = ctx.ensure_object(Context)
    name = {"server": "server_named", "profile": "profile_named", "timeout": "timeout_named"}
    setattr(context, name.get(str(parameter.name), str(parameter.name)), value)


def _option(name: str, help: str, **more: Any) -> Callable[[F], F]:
    return click.option(name, help=help, expose_value=False, callback=_keep, **more)


_OPTIONS: Final = (
    _option("--json", "One JSON object a line.", is_flag=True),
    _option("--server", "Connection string. [env: PESAN_SERVER]", metavar="URL"),
    _option("--profile", "Who to be. [env: PESAN_PROFILE]", metavar="NAME"),
    _option("--timeout", "Wait so long for an answer. [10]", metavar="SECONDS", type=SECONDS),
)


def options(function: F) -> F:
    """The options that every command has."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def shared(function: Callable[..., T]) -> Callable[..., T]:
    """The options that every command has, and the ``Context`` as the first argument."""
    return options(click.make_pass_decorator(Context, ensure=True)(function))


def interactive() -> bool:
    """Whether somebody sits at stdin."""
    return sys.stdin is not None and sys.stdin.isatty()
