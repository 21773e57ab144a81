"""The closed list of error codes, each with its retry rule, and one exception type for each.

The same exceptions are raised by a service's handler and, after the trip over the wire, by the
client library. ``fields`` holds what the code needs beside the sentence.
"""

from __future__ import annotations

from enum import StrEnum
from math import inf
from typing import Any, ClassVar


class Retry(StrEnum):
    """What a client does after an error."""

    NEVER = "never"
    """The same request fails again; show the sentence."""
    RESUME = "resume"
    """Call ``auth.resume`` with the token, then send the request once more."""
    LATER = "later"
    """Send the same request again after ``retry_after`` seconds (0.1 when absent).

    After ``unavailable`` it may have been done all the same: a command whose row in
    ``protocol.commands`` says that it may not be repeated can then be refused because of the first try.
    """


class Failure(Exception):
    """A command was refused. ``message`` is a sentence for a person.

    >>> Busy("The server is busy.", retry_after=0.2).fields
    {'retry_after': 0.2}
    """

    code: ClassVar[str] = "internal"
    retry: ClassVar[Retry] = Retry.NEVER

    def __init__(self, message: str, /, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def body(self) -> dict[str, Any]:
        """The error's body on the wire: its fields and ``message``."""
        return {**self.fields, "message": self.message}

    @property
    def retry_after(self) -> float:
        """Seconds to wait before trying again; 0.1 when the server named none."""
        value = self.fields.get("retry_after")
        return float(value) if isinstance(value, (int, float)) and 0 <= value < inf else 0.1


class Invalid(Failure):
    """The request is malformed: a field is missing, of the wrong type, or too long."""

    code = "invalid"


class Unauthenticated(Failure):
    """The token is missing or unknown to the broker."""

    code = "unauthenticated"
    retry = Retry.RESUME


class InvalidCredentials(Failure):
    """User name, password or token do not fit."""

    code = "invalid_credentials"


class Forbidden(Failure):
    """Known, but not allowed to do this."""

    code = "forbidden"


class NotFound(Failure):
    """No such user, group, conversation, session or command."""

    code = "not_found"


class Conflict(Failure):
    """The state of things does not allow it: a name is taken, an earlier message is missing."""

    code = "conflict"


class TooLarge(Failure):
    """Over a limit; ``limit`` says which number."""

    code = "too_large"


class RateLimited(Failure):
    """Too often; ``retry_after`` seconds."""

    code = "rate_limited"
    retry = Retry.LATER


class Busy(Failure):
    """No room at present; ``retry_after`` seconds."""

    code = "busy"
    retry = Retry.LATER


class Unavailable(Failure):
    """The service that does this is not there, or died while it worked on the request.

    ``uncertain`` (true) when it may have been done all the same: a message's id makes the retry
    harmless, any other command that changes something may fail because of the first try.
    """

    code = "unavailable"
    retry = Retry.LATER


class Version(Failure):
    """The server does not speak this protocol version; ``supported`` lists those it does."""

    code = "version"


class Internal(Failure):
    """A fault of the server's; its log says more."""

    code = "internal"


OK = "ok"
"""The status of a reply that is no error."""

FAILURES: dict[str, type[Failure]] = {
    kind.code: kind
    for kind in (
        Invalid,
        Unauthenticated,
        InvalidCredentials,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        RateLimited,
        Busy,
        Unavailable,
        Version,
        Internal,
    )
}
"""Every code with its exception type, in the order of docs/PROTOCOL.md."""


def failure(code: str, body: dict[str, Any]) -> Failure:
    """The exception for an error reply. An unknown code becomes ``Internal`` with that code named."""
    fields = dict(body)
    message = fields.pop("message", None)
    if not isinstance(message, str):
        message = f"The server answered {code!r}."
    kind = FAILURES.get(code)
    if kind is None:
        return Internal(f"{message} (unknown error code {code!r})", **fields)
    return kind(message, **fields)
