"""Password hashes (argon2id), for users and for groups alike.

Here: making a hash, checking one, and saying whether it was made with older parameters. Not here:
who may set which password, and where hashes are stored. A hash takes tens of milliseconds, so
nobody may make or check one inside a transaction: handlers do it in their ``prepare`` step.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from config.settings import Settings
from protocol.errors import Invalid
from protocol.limits import PASSWORD_MAX_LENGTH


class Passwords:
    """Makes and checks hashes with one set of parameters. Parallelism is 1: a worker is one thread."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self.parameters = f"$argon2id$v=19$m={memory_kib},t={passes},p=1"
        """As they stand at the head of a hash."""

    def hash(self, password: str) -> str:
        """A salted hash that carries its own parameters (the PHC string format)."""
        return self._argon2.hash(password)

    def fits(self, stored: str | None, password: str, like: str = "") -> bool:
        """Whether ``password`` is the one behind ``stored``; None (nobody) takes as long and is False.

        As long as a hash with the parameters ``like``, that is, or with today's.
        """
        try:
            self._argon2.verify(_nobodys(like or self.parameters) if stored is None else stored, password)
        except VerifyMismatchError:
            return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made with other parameters than are set now."""
        return self._argon2.check_needs_rehash(stored)


def _nobodys(parameters: str) -> str:
    """A hash that was made of no password: a check against it costs what a real one costs, and fails."""
    salt, made = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"{parameters}${salt}${made}"


def passwords(settings: Settings) -> Passwords:
    """The hasher for these settings, made once per process."""
    return _made(settings.password_memory_kib, settings.password_passes)


@lru_cache(maxsize=8)
def _made(memory_kib: int, passes: int) -> Passwords:
    return Passwords(memory_kib, passes)


def acceptable(password: str, settings: Settings) -> str:
    """``password`` itself if a user may have it, else ``Invalid`` with ``limit``, in characters."""
    least = settings.password_min_length
    if len(password) < least:
        raise Invalid(f"A password needs at least {least} characters.", limit=least)
    if len(password) > PASSWORD_MAX_LENGTH:
        raise Invalid(
            f"A password may have at most {PASSWORD_MAX_LENGTH} characters.", limit=PASSWORD_MAX_LENGTH
        )
    return password
