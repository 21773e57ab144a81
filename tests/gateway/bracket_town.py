"""What the tests of the bracket dialect do all the time: come in, say a line, hear one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from client import Chat
from tests.gateway.conftest import Town
from tests.gateway.peer import Peer

PASSWORD = "rahasiasekali"


def answers(peer: Peer, line: str, reply: str) -> None:
    """To this line comes this reply, and nothing before it."""
    peer.says(f"{line}\n".encode())
    peer.hears(f"{reply}\n".encode())


def registered(town: Town, name: str) -> str:
    """Somebody new; their name."""
    name = town.name(name)
    with town.peer("bracket") as peer:
        answers(peer, f"REGISTER {name} {PASSWORD}", "[OK] sign up berhasil")
    return name


@contextmanager
def logged_in(town: Town, name: str, password: str = PASSWORD) -> Iterator[Peer]:
    """A connection of theirs."""
    with town.peer("bracket") as peer:
        answers(peer, f"LOGIN {name} {password}", "[OK] login berhasil")
        yield peer


def native(town: Town, name: str, password: str = PASSWORD) -> Chat:
    """Their native client, to be entered with ``async with``."""
    return Chat.connect(town.connection, username=name, password=password)


def said(line: bytes) -> str:
    """A line of a message without its time: ``sender text``."""
    date, time, rest = line.decode().split(" ", 2)
    assert len(date) == len("2026/01/31") and len(time) == len("08:15:00"), line
    return rest


def shown(peer: Peer, word: str = "CHECK") -> tuple[list[str], str]:
    """What CHECK or CHECKPAST shows: lines without their times, and the status line."""
    peer.says(f"{word}\n".encode())
    lines = []
    while not (line := peer.line()).startswith(b"["):
        lines.append(said(line))
    return lines, line.decode()
