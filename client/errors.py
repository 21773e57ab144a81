"""What can go wrong on this side of the wire. What the server refuses is in ``protocol.errors``.

A call raises either a ``protocol.errors.Failure`` (the server said no) or a ``ClientError`` (there
was no answer to have, or the session is over).
"""

from __future__ import annotations

from protocol.errors import Failure


class ClientError(Exception):
    """No answer, and why. ``message`` is a sentence for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Timeout(ClientError):
    """The request left, and no answer came in time: it may or may not have been done.

    A message can be sent again with the same ``id``: it is stored once whatever happened.
    """


class Offline(ClientError):
    """The server was not reached in the time a call may take; the request never left."""


class WrongServerKey(ClientError):
    """Somebody listens there who does not hold the key of the connection string."""

    def __init__(
        self,
        message: str = "What listens there does not have the connection string's key, or is no Pesan server.",
    ) -> None:
        super().__init__(message)


class LoggedOut(ClientError):
    """The session has ended: logged out, revoked, or the password was changed. Log in again."""


class Closed(ClientError):
    """The ``Chat`` was closed while this was under way, or before it began."""


class Corrupt(ClientError):
    """Bytes of a file are not those that they should be: what came, or what arrived at the server."""


class SourceChanged(ClientError):
    """A file was changed by somebody while it was being sent; what was sent of it has been dropped."""


__all__ = [
    "ClientError",
    "Closed",
    "Corrupt",
    "Failure",
    "LoggedOut",
    "Offline",
    "SourceChanged",
    "Timeout",
    "WrongServerKey",
]
