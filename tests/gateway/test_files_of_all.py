"""One file from hand to hand, through every door: each has from the one before what they pass on."""

from __future__ import annotations

import base64
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from client import Chat
from protocol.files import StoredFile
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.ftp_peer import account, at_ftp, gets, native, puts
from tests.gateway.json_peer import JsonPeer, wrapped

REPORT = b"EXIT\r\n\r\nlogout\0" + random.Random(5).randbytes(700_000) + b"\nDEL report 1.bin\n"
"""More than a chunk, with what ends requests somewhere."""


async def bytes_of(chat: Chat, file: StoredFile) -> bytes:
    """What a native client fetches."""
    async with aclosing(chat.files.download(file)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def only_file_with(address: str) -> Callable[[Chat], Awaitable[bytes]]:
    """Fetches the one file of a conversation."""

    async def fetch(chat: Chat) -> bytes:
        (file,) = [each async for each in chat.files.list(conversation=address)]
        assert isinstance(file, StoredFile) and file.name == "report 1.bin"
        return await bytes_of(chat, file)

    return fetch


def test_one_file_goes_through_all_doors_and_stays_the_same(town: Town) -> None:
    ani, budi, citra, dewi = (account(town, name) for name in ("ani", "budi", "citra", "dewi"))
    team = town.name("tim")

    async def group(chat: Chat) -> None:
        await (chat.create_group if chat.user == budi else chat.join_group)(team)

    for somebody in (budi, citra):
        native(town, somebody, group)

    # Ani stores it over ftp, and sends it on from her own space with a native client.
    with at_ftp(town, ani) as ftp:
        puts(ftp, "report 1.bin", REPORT)

    async def send_on(chat: Chat) -> None:
        content = await bytes_of(chat, await chat.files.stat("report 1.bin"))
        await chat.files.send(content, budi, name="report 1.bin")

    native(town, ani, send_on)

    # Budi is told of it in the bracket dialect, fetches it with JSON, and passes it on to the group.
    with town.peer("bracket") as bracket:
        bracket.says(f"LOGIN {budi} {PASSWORD}\nCHECK\n".encode())
        bracket.hears(b"[OK] login berhasil\n")
        assert bracket.line().endswith(f" {ani} [file report 1.bin]".encode())
    with JsonPeer(town) as json:
        json.done(f"auth {budi} {PASSWORD}")
        (received,) = json.done(f"receivefile {ani}")["content"]
        content = received["file_content"]
        assert content == wrapped(REPORT)
        json.done(f"sendgroupfile {team} {content} /home/budi/report 1.bin")

    # Citra is told of it in the signup dialect, has it from the group, and sends it to dewi.
    from_group = native(town, citra, only_file_with(f"#{team}"))
    assert base64.b64decode(content[2:-1]) == from_group
    with town.peer("signup") as signup:
        signup.says(f"login {citra} {PASSWORD}\nshow {team}\n".encode())
        assert b"[file report 1.bin]" in signup.until(b"report 1.bin]")
        signup.says(f"sendfile {dewi}\n".encode())
        signup.until(b"File location: \n")
        signup.says(b"report 1.bin %d\n" % len(from_group) + from_group)
        signup.until(b"File sent\n")

    # Dewi keeps it in her own space, and fetches it over ftp.
    async def keep(chat: Chat) -> None:
        await chat.files.store(await only_file_with(citra)(chat), "kept")

    native(town, dewi, keep)
    with at_ftp(town, dewi) as ftp:
        assert gets(ftp, "kept") == REPORT
