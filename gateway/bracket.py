"""The ``bracket`` dialect: words in any case, ``[OK]`` and ``[ERR]``, messages pushed as they come."""

from __future__ import annotations

from typing import ClassVar

from client import ClientError, Failure
from gateway.dialect import Command, Dialect, Refusals
from gateway.framing import NEWLINE, Framing
from protocol.errors import Conflict, RateLimited

MALFORMED = "Format message tidak sesuai"


class Bracket(Dialect):
    """One visitor who speaks it."""

    NAME = "bracket"
    PORT = 11
    FRAMING = Framing((NEWLINE,), segments=True)
    LISTENS = True
    UNKNOWN = MALFORMED = MALFORMED
    STRANGER = "Anda belum login"
    TROUBLES: ClassVar[Refusals] = {
        RateLimited: "Terlalu sering, coba lagi nanti",
        Failure: "Server sedang sibuk",
        ClientError: "Server sedang tidak tersedia",
    }

    def split(self, request: str) -> tuple[str, list[str]]:
        """Words between white space; the first in any letter case."""
        words = request.split()
        return words[0].upper() if words else "", words[1:]

    def answer(self, reply: str) -> None:
        """A line, or several."""
        self.visitor.write(f"{reply}\n".encode())

    def refuse(self, sentence: str) -> None:
        """Say no."""
        self.answer(f"[ERR] {sentence}")

    async def register(self, arguments: list[str]) -> str:
        """``REGISTER U P``"""
        await self.visitor.chat.register(arguments[0], arguments[1])
        return "[OK] sign up berhasil"

    async def login(self, arguments: list[str]) -> str:
        """``LOGIN U P``"""
        await self.visitor.login(arguments[0], arguments[1])
        return "[OK] login berhasil"

    async def whoami(self, arguments: list[str]) -> str:
        """``WHOAMI``"""
        return self.visitor.chat.user

    async def logout(self, arguments: list[str]) -> str:
        """``LOGOUT``"""
        await self.visitor.logout()
        return "[OK] Logout berhasil"

    COMMANDS: ClassVar = {
        "REGISTER": Command(register, 2, 3, {Conflict: "Username sudah terpakai"}, login=False),
        "LOGIN": Command(login, 2, 2, {}, login=False),
        "WHOAMI": Command(whoami, 0, 0),
        "LOGOUT": Command(logout, 0, 0),
    }
