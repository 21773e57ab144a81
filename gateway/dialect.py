"""What all dialects have in common: a table of commands, and how one is looked up, carried out and answered.

To add a dialect: a module with a class like those beside this one, its few odd habits as methods, a line in
``gateway.server.DIALECTS``. Belongs here: nothing that only one dialect says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from client import ClientError, Event, Failure, LoggedOut, Offline, Timeout
from gateway.framing import Framing
from protocol.errors import Busy, Internal, Invalid, RateLimited, TooLarge, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from gateway.visitor import Visitor

Refusals = Mapping[type[Exception], str]
"""What is said when the system refuses, by the type of the refusal. ``{0}`` is the first argument."""


class Command(NamedTuple):
    """One word of a dialect."""

    run: Callable[[Any, list[str]], Awaitable[Any]]
    """A method of the dialect: arguments in, what is answered out; None when it has answered itself."""
    least: int = 0
    most: int | None = None
    """How many arguments there must and may be (None: any number)."""
    refusals: Refusals = MappingProxyType({})
    login: bool = True
    """Whether only those who have logged in may say it."""
    malformed: str = ""
    """What is said to a wrong number of arguments; '' for the dialect's ``MALFORMED``."""


class Wrong(Exception):
    """Raised by a command to end with a sentence of the dialect's own; the text is the sentence."""


class Dialect(ABC):
    """One visitor's conversation in a dialect. The class attributes are the dialect."""

    NAME: ClassVar[str]
    PORT: ClassVar[int]
    """Above the port base."""
    FRAMING: ClassVar[Framing]
    COMMANDS: ClassVar[Mapping[str, Command]]
    LISTENS: ClassVar[bool] = False
    """Whether ``heard`` wants to be called with events of a visitor who has logged in."""

    UNKNOWN: ClassVar[str]
    """To a word that is none."""
    MALFORMED: ClassVar[str]
    """To the wrong number of arguments, bytes that are not UTF-8, a request that is too long."""
    STRANGER: ClassVar[str]
    """To those who have not logged in."""
    STRANGER_FIRST: ClassVar[bool] = False
    """Whether a stranger hears that they are one, even to a word that is none."""
    TROUBLES: ClassVar[Refusals]
    """To a refusal that the command's own table does not name: at least those of ``GENERAL``."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    # --- what a dialect says about itself -------------------------------------------------------

    def split(self, request: str) -> tuple[str, list[str]]:
        """The word, as it stands in the table, and its arguments: a single space stands before each."""
        word, *arguments = request.split(" ")
        return word, arguments

    @abstractmethod
    def answer(self, reply: Any) -> None:
        """Send the reply to a command, in one write."""

    @abstractmethod
    def refuse(self, sentence: str) -> None:
        """Send a sentence in the dialect's own form of an error."""

    def heard(self, event: Event) -> None:  # noqa: B027 - most dialects wait to be asked
        """Something happened. Called between commands and during them: ``visitor.push`` keeps the order."""

    def session_over(self) -> None:
        """The session in which a command was carried out has ended, without anybody here saying so."""
        self.visitor.session_ended()

    def farewell(self) -> None:  # noqa: B027 - most dialects keep nothing
        """The visitor's session is over, or they have hung up. May be called more than once."""

    def limit(self, begins: bytes) -> int:
        """Most bytes of a request that begins like this and has no end yet."""
        return self.visitor.settings.gateway_line_max_bytes

    # --- what they have in common ---------------------------------------------------------------

    async def request(self, request: bytes) -> None:
        """Carry out one request and answer it."""
        try:
            word, arguments = self.split(request.decode())
        except UnicodeDecodeError:
            self.refuse(self.MALFORMED)
            return
        command = self.COMMANDS.get(word)
        if command is None:
            self.refuse(self.UNKNOWN if self.visitor.logged_in or not self.STRANGER_FIRST else self.STRANGER)
        elif command.login and not self.visitor.logged_in:
            self.refuse(self.STRANGER)
        elif len(arguments) < command.least or (command.most is not None and len(arguments) > command.most):
            self.refuse(command.malformed or self.MALFORMED)
        else:
            await self._carry_out(command, arguments)

    async def _carry_out(self, command: Command, arguments: list[str]) -> None:
        try:
            await self.visitor.server_there()
            reply = await command.run(self, arguments)
        except Wrong as wrong:
            self.refuse(str(wrong))
        except (Unauthenticated, LoggedOut):
            self.session_over()
            self.refuse(self.STRANGER)
        except (Failure, ClientError) as error:
            self.refuse(self.said_to(error, command.refusals, arguments))
        else:
            if reply is not None:
                self.answer(reply)

    def said_to(self, error: Exception, refusals: Refusals, arguments: list[str]) -> str:
        """The sentence for a refusal: the command's own, else the dialect's."""
        for table in (refusals, self.TROUBLES):
            for kind, sentence in table.items():
                if isinstance(error, kind):
                    # Replaced, not formatted: what a visitor typed may have braces in it.
                    return sentence.replace("{0}", arguments[0] if arguments else "")
        return self.MALFORMED

    def too_long(self) -> None:
        """A request was longer than it may be."""
        self.refuse(self.MALFORMED)

    def full(self) -> None:
        """There is no room for one more visitor."""
        self.refuse(self.said_to(Busy(""), {}, []))

    def fault(self) -> None:
        """Something here went wrong that should not have."""
        self.refuse(self.TROUBLES.get(Internal, self.MALFORMED))


GENERAL: tuple[type[Exception], ...] = (
    RateLimited,
    Busy,
    Unavailable,
    Offline,
    Timeout,
    TooLarge,
    Invalid,
    Failure,
    ClientError,
)
"""What every dialect must have a sentence for; the last two catch all others. A test holds them to it."""
