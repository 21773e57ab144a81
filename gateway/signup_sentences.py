"""What the ``signup`` dialect says when it refuses.

Belongs here: sentences, and to which refusals of the system they are the answer. ``{0}`` is the first
argument of what was said.
"""

from __future__ import annotations

from typing import Final

from client import ClientError, Failure, Offline, Timeout
from gateway.dialect import Refusals
from protocol.errors import (
    Busy,
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    TooLarge,
    Unavailable,
)

NAME_TAKEN: Final = "Try another username"
GROUP_TAKEN: Final = "Try another group name"
WRONG_LOGIN: Final = "Invalid username and password"
NOBODY: Final = "{0} doesn't exist."
NO_GROUP: Final = "Group {0} doesn't exist"
NO_MEMBER: Final = "You are not member of {0}"
LOCKED: Final = "Group {0} needs a password: join it with another client"
ONESELF: Final = "That is yourself: choose somebody else"
AWAY: Final = "The server is away, try again later"
NO_HEADER: Final = "Not understood: first a line with the file's name and size, then as many bytes"
USAGE_SIGNUP: Final = "Usage: signup USERNAME PASSWORD"
USAGE_LOGIN: Final = "Usage: login USERNAME PASSWORD"
USAGE_LOGOUT: Final = "Usage: logout"
USAGE_MESSAGE: Final = "Usage: message USERNAME or message GROUP"
USAGE_SHOW: Final = "Usage: show NAME, or show NAME and a number"
USAGE_SENDFILE: Final = "Usage: sendfile USERNAME or sendfile GROUP"
USAGE_CREATE: Final = "Usage: create_group GROUP"
USAGE_JOIN: Final = "Usage: join_group GROUP"
USAGE_LEAVE: Final = "Usage: leave_group GROUP"
NO_ACCOUNT: Final[Refusals] = {Conflict: NAME_TAKEN}
NO_LOGIN: Final[Refusals] = {InvalidCredentials: WRONG_LOGIN, Invalid: WRONG_LOGIN}
GONE: Final[Refusals] = {NotFound: NOBODY, Forbidden: NO_MEMBER}
NOT_CREATED: Final[Refusals] = {Conflict: GROUP_TAKEN}
NOT_JOINED: Final[Refusals] = {NotFound: NO_GROUP, InvalidCredentials: LOCKED}
NOT_LEFT: Final[Refusals] = {NotFound: NO_MEMBER, Forbidden: NO_MEMBER}
OWN_WORDS: Final = (RateLimited, TooLarge, Invalid)
"""Refusals whose sentence is the system's own: it says how long to wait, or how much is allowed."""
TROUBLES: Final[Refusals] = {
    RateLimited: "Too often, try again later",
    TooLarge: "Too large",
    Invalid: "Not understood",
    Conflict: "That is not possible now, try again",
    Busy: "The server is busy, try again later",
    Unavailable: AWAY,
    Offline: AWAY,
    Timeout: "The server did not answer in time: look whether it was done before you try again",
    Internal: "Something went wrong here, try again later",
    Failure: "The server refused that",
    ClientError: AWAY,
}
"""To a refusal for which the command has no sentence of its own."""
