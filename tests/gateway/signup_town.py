"""What the tests of the signup dialect do all the time: come in, say a string, hear strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from client import Chat
from gateway.framing import NEWLINE, NUL
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.peer import Peer

DATE = r"\[\d{4}-[1-9]\d?-[1-9]\d? \d{1,2}:\d\d\]"
ENDS = {"NUL": NUL, "newline": NEWLINE}


class Speaker:
    """A program that ends its strings with ``end``. What it hears ends so, too: each string once."""

    def __init__(self, peer: Peer, end: bytes, name: str = "") -> None:
        self.peer = peer
        self.end = end
        self.name = name

    def says(self, *strings: str) -> None:
        """Strings, in one segment."""
        self.peer.says(b"".join(string.encode() + self.end for string in strings))

    def hears(self, *strings: str) -> None:
        """These strings come next, where ``<date>`` stands for any. Empty ones only where NULs are spoken."""
        for string in strings:
            if string or self.end == NUL:
                expected = string.encode() + self.end
                heard = b"".join(self.peer.until(self.end) for _ in range(expected.count(self.end)))
                pattern = re.escape(expected).replace(re.escape(b"<date>"), DATE.encode())
                assert re.fullmatch(pattern, heard), f"{heard!r} instead of {expected!r}"

    def asks(self, string: str, *answers: str) -> None:
        """To this string come these, and nothing before them."""
        self.says(string)
        self.hears(*answers)

    def sends(self, to: str, text: str, second: str = "") -> None:
        """A message is written, and filed."""
        self.asks(f"message {to}", "Message: ")
        self.asks(text, f"0<date> me : {text}\n", second)


def registered(town: Town, name: str) -> str:
    """Somebody new; their name."""
    name = town.name(name)
    with town.peer("signup") as peer:
        Speaker(peer, NUL).asks(f"signup {name} {PASSWORD}", "Signup success")
    return name


@contextmanager
def speaking(town: Town, end: bytes) -> Iterator[Speaker]:
    """A connection that ends its requests so."""
    with town.peer("signup") as peer:
        yield Speaker(peer, end)


@contextmanager
def logged_in(town: Town, name: str, end: bytes = NUL) -> Iterator[Speaker]:
    """Somebody's connection."""
    with speaking(town, end) as speaker:
        speaker.asks(f"login {name} {PASSWORD}", "Login success")
        speaker.name = name
        yield speaker


def native(town: Town, name: str) -> Chat:
    """Their native client, to be entered with ``async with``."""
    return Chat.connect(town.connection, username=name, password=PASSWORD)
