"""How a command ends: exit codes that a script can tell apart, and a sentence for whoever reads stderr.

Belongs here: what each failure means to someone at a shell. Catching them is ``program``'s.
"""

from __future__ import annotations

import re
from typing import Final

from client.errors import ClientError, LoggedOut, Offline, Timeout, WrongServerKey
from protocol import errors
from protocol.errors import Failure, Retry

OK: Final = 0
OTHER: Final = 1
"""Anything that has no code of its own, such as a name that is taken."""
USAGE: Final = 2
"""The command was not understood."""
AUTH: Final = 3
"""Not logged in, a password that does not fit, not allowed, or a server that is not the one we trust."""
NOT_FOUND: Final = 4
"""No such user, group or session."""
TIMEOUT: Final = 5
"""No answer in time: it may or may not have been done."""
OFFLINE: Final = 6
"""The server was not reached: nothing was done."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells count it."""

SERVER_FAULTS: Final[dict[type[Failure], int]] = {
    errors.Invalid: USAGE,
    errors.Unauthenticated: AUTH,
    errors.InvalidCredentials: AUTH,
    errors.Forbidden: AUTH,
    errors.NotFound: NOT_FOUND,
}
OUR_FAULTS: Final[dict[type[ClientError], int]] = {
    Timeout: TIMEOUT,
    Offline: OFFLINE,
    LoggedOut: AUTH,
    WrongServerKey: AUTH,
}


_OF_ANOTHER: Final = re.compile(r"([a-z0-9.-]+): ")
"""In front of what another realm says."""


class Mistake(Exception):
    """Ends the command with ``code`` and one sentence on stderr."""

    def __init__(self, message: str, code: int = OTHER) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def code_of(error: Failure | ClientError) -> int:
    """The exit code of a failed call."""
    if isinstance(error, ClientError):
        return OUR_FAULTS.get(type(error), OTHER)
    if error.retry is Retry.LATER:
        return TIMEOUT
    return SERVER_FAULTS.get(type(error), OTHER)


def hint(error: Failure) -> str:
    """What to do about a refusal, in parentheses; '' when the server's sentence says it all."""
    there = _OF_ANOTHER.match(error.message)
    if isinstance(error, errors.NotFound):
        if "no realm" in error.message:
            return " (pesan realms shows the realms)"
        if there:
            return ""
        if "no group" in error.message:
            return " (pesan group list shows the groups)"
        if "no user" in error.message:
            return " (a group is written with its mark, in quotes: '#name')"
        if "no session" in error.message:
            return " (pesan sessions lists them)"
        if "have no folder" in error.message:
            return " (pesan file mkdir makes one)"
    if isinstance(error, errors.Forbidden):
        found = re.search(r"not a member of #([A-Za-z0-9_.-]+?(?:@[a-z0-9.-]+?)?)\.?$", error.message)
        realm = f"@{there.group(1)}" if there else ""
        return f" (pesan group join {found.group(1)}{realm})" if found else ""
    return ""
