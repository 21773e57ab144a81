"""A session that was ended elsewhere: whatever its visitor says first, they hear what a stranger hears."""

from __future__ import annotations

import asyncio
import re
from contextlib import ExitStack

import pytest

from client import Chat
from gateway.dialect import Dialect
from gateway.server import DIALECTS
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.peer import Peer

CHANGED = "rahasia-baru"
STRANGER = {
    "signup": b"Anda belum login!\n",
    "bracket": b"[ERR] Anda belum login\n",
    "ftp": b"[ERR] anda belum terautentikasi\n",
    "json": b'{"status": "ERROR", "data": "Session Tidak Ditemukan", "message": "Session Tidak Ditemukan"}'
    b"\r\n\r\n",
}
LOGIN = {
    "signup": ("login {} {}\n", b"Login success\n"),
    "bracket": ("LOGIN {} {}\n", b"[OK] login berhasil\n"),
    "ftp": ("USER {}\nPASS {}\n", b"[OK] username berhasil direkam\n[OK] login berhasil\n"),
    "json": ("auth {} {} \r\n", b""),
}
REQUESTS = {
    "signup": "message budi|show budi|show budi 0|create_group G|create G|join_group G|join G|leave_group G|"
    "leave G|sendfile budi",
    "bracket": "SEND budi x|JOIN G p|JOINGROUP G p|LEAVE G|CREATEGROUP G p|CHATGROUP G x|WHOAMI|ONLINE|"
    "BROADCAST x|CHECK|CHECKPAST",
    "ftp": "LIST|LIST d|RETR f|CD d|PUT f 0|DEL f",
    "json": "sendprivate budi x|inbox|inbox budi|inboxbysender budi|creategroup G|joingroup G|sendgroup G x|"
    "inboxgroup G|sendfile budi eA== f|sendgroupfile G eA== f|receivefile|receivefile budi|getallusers|"
    "getallgroups",
}
"""Every word of those who have logged in, but for those that log out."""
OUT = {"logout", "LOGOUT", "exit"}


@pytest.mark.parametrize("dialect", STRANGER)
def test_whatever_is_said_first_the_visitor_is_a_stranger(town: Town, dialect: str) -> None:
    ani, budi, group = town.name("ani"), town.name("budi"), town.name("tim")
    names = {"budi": budi, "G": group}
    requests = [
        re.sub(r"\b(budi|G)\b", lambda found: names[found[0]], each) for each in REQUESTS[dialect].split("|")
    ]
    end = "\r\n" if dialect == "json" else "\n"
    asyncio.run(register(town, ani, budi))
    with ExitStack() as stack:
        peers = [stack.enter_context(town.peer(dialect)) for _ in requests]
        for peer in peers:
            log_in(peer, dialect, ani, PASSWORD)
        asyncio.run(change_password(town, ani))
        for peer, request in zip(peers, requests, strict=True):
            peer.says((request + end).encode())
            peer.hears(STRANGER[dialect])
        log_in(peers[0], dialect, ani, CHANGED)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_word_that_needs_a_login_was_tried(dialect: type[Dialect]) -> None:
    tried = {each.split()[0] for each in REQUESTS[dialect.NAME].split("|")}
    assert tried == {word for word, command in dialect.COMMANDS.items() if command.login} - OUT


def log_in(peer: Peer, dialect: str, name: str, password: str) -> None:
    """With success."""
    request, answer = LOGIN[dialect]
    peer.says(request.format(name, password).encode())
    if dialect == "json":
        assert b'"status": "OK"' in peer.until(b"\r\n\r\n")
    else:
        peer.hears(answer)


async def register(town: Town, *names: str) -> None:
    """Make accounts."""
    async with Chat.connect(town.connection) as chat:
        for name in names:
            await chat.register(name, PASSWORD)


async def change_password(town: Town, name: str) -> None:
    """On a device of their own, which ends all other sessions."""
    async with Chat.connect(town.connection, username=name, password=PASSWORD) as chat:
        await chat.change_password(PASSWORD, CHANGED)
