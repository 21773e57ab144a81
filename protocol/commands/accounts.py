"""Commands about accounts and sessions: register, login, resume, logout, passwords."""

from __future__ import annotations

from protocol.body import Body, Device, Id, Name, Password, Token


class Register(Body, frozen=True):
    """Create a user. Fails with ``conflict`` when the name is taken (compared without case)."""

    username: Name
    password: Password


class RegisterReply(Body, frozen=True):
    """``user``: the name as it will be shown."""

    user: str


class Login(Body, frozen=True):
    """Open a session. ``device`` is shown in the list of sessions."""

    username: Name
    password: Password
    device: Device = ""


class Resume(Body, frozen=True):
    """Make the session of this token known to the broker again; no password needed."""

    token: Token


class LoginReply(Body, frozen=True):
    """``token`` goes into every later request; ``topic`` is the user's own, to subscribe to."""

    user: str
    token: bytes
    session: int
    topic: bytes


class SessionInfo(Body, frozen=True, omit_defaults=False):
    """One logged-in device. Times in microseconds."""

    session: int
    device: str
    created_at: int
    seen_at: int
    current: bool


class SessionsReply(Body, frozen=True):
    """The caller's own sessions, newest first."""

    sessions: list[SessionInfo]


class Revoke(Body, frozen=True):
    """End one of the caller's own sessions, at once."""

    session: Id


class ChangePassword(Body, frozen=True):
    """Set a new password; ends every other session of the caller."""

    old: Password
    new: Password


class FindUser(Body, frozen=True):
    """Ask whether there is a user of this name, or a group, before anyone has logged in."""

    user: Name


class FoundReply(Body, frozen=True, omit_defaults=False):
    """Whether there is such a user, and such a group."""

    found: bool
    group: bool
