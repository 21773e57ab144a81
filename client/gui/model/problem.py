"""What went wrong with something that was asked for, as a value to be shown.

Belongs here: turning what was raised into it, and the codes that are our own. Saying it in a language is the
views'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from client.errors import ClientError, LoggedOut, Offline, Timeout, WrongServerKey
from protocol.errors import Failure

NO_ANSWER: Final = "no_answer"
"""Whatever got no answer."""
WRONG_KEY: Final = "wrong_key"
"""Somebody else is where the server should be."""
LOGGED_OUT: Final = "logged_out"
"""The session was ended from elsewhere."""
UNUSABLE: Final = "unusable"
"""What was given cannot be used: a connection string, a file."""
NO_SERVER: Final = "no_server"
"""No connection string was typed."""
NO_USER: Final = "no_user"
"""No user name was typed."""
NO_PASSWORD: Final = "no_password"  # noqa: S105
"""No password was typed."""
PASSWORDS_DIFFER: Final = "passwords_differ"
"""A password was typed twice, and not the same."""
NOT_ENDED: Final = "not_ended"
"""We logged out here, and the server could not be told: for it the session goes on."""
NO_NAME: Final = "no_name"
"""No group's name was typed."""


@dataclass(frozen=True)
class Problem:
    """``code`` is the server's error code or one of ours; ``message`` a sentence in English.

    ``about``: the field of a form that it is about ('' = none). ``fields``: what came with the error.
    """

    code: str
    message: str
    about: str = ""
    fields: dict[str, Any] = field(default_factory=dict, compare=False)


def problem(error: Failure | ClientError | ValueError | OSError, about: str = "") -> Problem:
    """What was raised, as a value."""
    if isinstance(error, Failure):
        return Problem(error.code, error.message, about, dict(error.fields))
    if isinstance(error, (Timeout, Offline)):
        return Problem(NO_ANSWER, error.message, about)
    if isinstance(error, WrongServerKey):
        return Problem(WRONG_KEY, error.message, about)
    if isinstance(error, LoggedOut):
        return Problem(LOGGED_OUT, error.message, about)
    if isinstance(error, OSError):
        return Problem(UNUSABLE, error.strerror or str(error), about)
    return Problem(UNUSABLE, getattr(error, "message", str(error)), about)
