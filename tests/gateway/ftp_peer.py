"""Somebody at the ftp port who has an account and is logged in, and what they often say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from client import Chat
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.peer import Peer

T = TypeVar("T")


def account(town: Town, name: str) -> str:
    """A user of a name like this."""
    name = town.name(name)
    native(town, "", lambda chat: chat.register(name, PASSWORD))
    return name


def native(town: Town, user: str, do: Callable[[Chat], Awaitable[T]]) -> T:
    """What a native client of this user ('' for nobody) gets when it does this."""

    async def run() -> T:
        password = PASSWORD if user else ""
        async with Chat.connect(town.connection, username=user, password=password) as chat:
            try:
                return await do(chat)
            finally:
                if user:
                    await chat.logout()  # one user has only so many sessions, and here they come often

    return asyncio.run(run())


async def held(chat: Chat) -> tuple[int, int, int]:
    """(files, bytes, unfinished uploads) of a user."""
    usage = await chat.files.usage()
    return usage.files, usage.bytes, len(await chat.files.uploads())


def kept(town: Town, user: str) -> tuple[int, int, int]:
    """The same, asked by a native client that comes for it."""
    return native(town, user, held)


@contextmanager
def at_ftp(town: Town, user: str) -> Iterator[Peer]:
    """This user, logged in."""
    with town.peer("ftp") as peer:
        peer.says(f"USER {user}\nPASS {PASSWORD}\n".encode())
        peer.hears(b"[OK] username berhasil direkam\n[OK] login berhasil\n")
        yield peer


def puts(peer: Peer, name: str, content: bytes) -> None:
    """They upload this."""
    peer.says(f"PUT {name} {len(content)}\n".encode() + content)
    peer.hears(b"[OK] file telah terupload\n")


def gets(peer: Peer, name: str) -> bytes:
    """They fetch this."""
    peer.says(f"RETR {name}\n".encode())
    status, size = peer.line().split()
    assert status == b"[OK]"
    return peer.takes(int(size))
