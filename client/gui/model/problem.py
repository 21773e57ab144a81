"""What went wrong with something that was asked for, as a value to be shown.

Belongs here: turning what was raised into it. Saying it in a language is the views'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from client.errors import ClientError, LoggedOut, Offline, Timeout, WrongServerKey
from protocol.errors import Failure

NO_ANSWER = "no_answer"
"""Code of whatever got no answer; further ones of our own are ``wrong_key``, ``logged_out``, ``unusable``."""


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
        return Problem("wrong_key", error.message, about)
    if isinstance(error, LoggedOut):
        return Problem("logged_out", error.message, about)
    if isinstance(error, OSError):
        return Problem("unusable", error.strerror or str(error), about)
    return Problem("unusable", getattr(error, "message", str(error)), about)
