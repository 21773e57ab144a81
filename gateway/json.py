"""The ``json`` dialect."""

from __future__ import annotations

from typing import ClassVar

from client import ClientError, Failure
from gateway.dialect import Dialect, Refusals
from gateway.framing import CRLF, Framing


class Json(Dialect):
    """One visitor who speaks it."""

    NAME = "json"
    PORT = 13
    FRAMING = Framing((CRLF,))
    COMMANDS: ClassVar = {}
    UNKNOWN = "command not exists"
    MALFORMED = "malformed"
    STRANGER = "Anda belum login!"
    TROUBLES: ClassVar[Refusals] = {Failure: "busy", ClientError: "away"}

    def split(self, request: str) -> tuple[str, list[str]]:
        """Words between spaces."""
        words = request.split(" ")
        return words[0], words[1:]

    def answer(self, reply: str) -> None:
        """A string."""
        self.visitor.write(reply.encode() + self.visitor.terminator)

    def refuse(self, sentence: str) -> None:
        """Say no."""
        self.answer(sentence)
