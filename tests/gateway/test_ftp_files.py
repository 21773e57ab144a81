"""The bytes of files in the ftp dialect: what arrives is what was sent, what does not leaves nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
import struct
from contextlib import aclosing
from pathlib import Path

import pytest

from client import Chat
from protocol.files import StoredFile
from tests.gateway.conftest import FILE_MAX, MIB, PASSWORD, QUOTA, Town
from tests.gateway.ftp_peer import account, at_ftp, gets, held, kept, native, puts
from tests.gateway.peer import Peer
from tests.system import pesan

UPLOADED = b"[OK] file telah terupload\n"


@pytest.fixture
def ani(town: Town) -> str:
    """The name of somebody with an account."""
    return account(town, "ani")


def some(size: int) -> bytes:
    """Bytes that nobody else stores."""
    return random.Random(os.urandom(8)).randbytes(size)


def comes_to(town: Town, user: str, wanted: tuple[int, int, int]) -> None:
    """(files, bytes, unfinished uploads) of the user are soon these."""

    async def look(chat: Chat) -> None:
        async with asyncio.timeout(10):
            while (found := await held(chat)) != wanted:
                print(f"{found} instead of {wanted}")
                await asyncio.sleep(0.02)

    native(town, user, look)


def vanishes(peer: Peer) -> None:
    """They are gone, as when a line breaks."""
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize("size", [0, 1, 65_537, 524_288, 524_289, 5 * MIB])
def test_what_is_uploaded_is_what_is_fetched(town: Town, ani: str, size: int) -> None:
    content = some(size)
    with at_ftp(town, ani) as peer:
        puts(peer, "f", content)
        assert gets(peer, "f") == content
        peer.says(b"LIST\n")
        peer.hears(b"f\n[OK] 1 entri\n")
    assert kept(town, ani) == (1, size, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 300,
        b"\0" * 300,
        b"\r\n\r\n",
        b"EXIT\nLIST\nPUT g 7\nEXIT\r\nDEL f\n" * 5_000,
        bytes(range(256)),
    ],
)
def test_nothing_in_a_file_is_a_command(town: Town, ani: str, content: bytes) -> None:
    with at_ftp(town, ani) as peer:
        puts(peer, "f", content)
        assert gets(peer, "f") == content
        peer.says(b"PUT g\n")
        peer.says(content)
        peer.hears(UPLOADED)
        assert gets(peer, "g") == content
        peer.says(b"LIST\n")
        peer.hears(b"f\ng\n[OK] 2 entri\n")


def test_the_end_of_what_is_said_is_the_end_of_a_file_without_a_size(town: Town, ani: str) -> None:
    content = some(300_000)
    with at_ftp(town, ani) as peer:
        peer.says(b"PUT f\n" + content)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.hears(UPLOADED)
        peer.is_hung_up_on()
    with at_ftp(town, ani) as peer:
        assert gets(peer, "f") == content


def test_a_file_without_a_size_may_not_be_large(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(b"PUT f\n" + bytes(4 * MIB + 1))
        peer.hears(b"[ERR] tanpa ukuran file terlalu besar, pakai PUT nama ukuran\n")
        puts(peer, "f", b"")
    assert kept(town, ani) == (1, 0, 0)


def test_native_clients_and_the_shell_have_the_same_files(town: Town, ani: str, tmp_path: Path) -> None:
    there, back = some(700_000), some(700_000)
    environment = {
        **os.environ,
        "PESAN_SERVER": town.connection,
        "HOME": str(tmp_path),
        "PESAN_PASSWORD": PASSWORD,
    }
    environment |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path / "state")}

    def shell(*words: str) -> str:
        done = pesan.run(words, environment, tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def look(chat: Chat) -> StoredFile:
        file = await chat.files.stat("my notes/from ftp.bin")
        async with aclosing(chat.files.download(file)) as chunks:
            assert b"".join([chunk async for chunk in chunks]) == there
        return file

    shell("login", ani)
    shell("file", "mkdir", "/my notes")
    with at_ftp(town, ani) as peer:
        peer.says(b"CD my notes\n")
        peer.hears(b"[OK] direktori sekarang /my notes\n")
        puts(peer, "from ftp.bin", there)
        assert native(town, ani, look).sha256 == hashlib.sha256(there).digest()
        assert "from ftp.bin" in shell("file", "ls", "/my notes")
        shell("file", "get", "/my notes/from ftp.bin", "-o", "copy")
        assert (tmp_path / "copy").read_bytes() == there
        (tmp_path / "from shell.bin").write_bytes(back)
        shell("file", "send", "/my notes/", "from shell.bin")
        peer.says(b"LIST\n")
        peer.hears(b"from ftp.bin\nfrom shell.bin\n[OK] 2 entri\n")
        assert gets(peer, "from shell.bin") == back
        shell("file", "rm", "/my notes/from ftp.bin")
        peer.says(b"RETR from ftp.bin\n")
        peer.hears(b"[ERR] file tidak ditemukan\n")


# --- refused --------------------------------------------------------------------------------------


def test_what_is_over_the_quota_is_dropped_and_what_follows_is_heard(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        puts(peer, "large", bytes(10 * MIB))
        peer.says(b"PUT larger %d\n" % (QUOTA - 10 * MIB + 1))
        peer.hears(b"[ERR] kuota tidak cukup\n")  # before a byte of it was sent
        peer.says(b"EXIT\n" * ((QUOTA - 10 * MIB + 1) // 5) + b"x" * ((QUOTA - 10 * MIB + 1) % 5))
        puts(peer, "small", b"1")
        peer.says(b"LIST\n")
        peer.hears(b"large\nsmall\n[OK] 2 entri\n")
    assert kept(town, ani) == (2, 10 * MIB + 1, 0)


@pytest.mark.parametrize("size", [str(FILE_MAX + 1), "9" * 40, "9" * 5_000])
def test_who_announces_more_than_any_file_may_have_is_answered_and_hung_up_on(
    town: Town, ani: str, size: str
) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(f"PUT f {size}\nLIST\n".encode())
        peer.hears(b"[ERR] file terlalu besar\n")
        peer.is_hung_up_on()
    assert kept(town, ani) == (0, 0, 0)


# --- gone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [0, 100, 1_500_000])
def test_who_vanishes_in_the_middle_of_an_upload_leaves_nothing(town: Town, ani: str, sent: int) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(b"PUT f 2000000\n" + bytes(sent))
        comes_to(town, ani, (0, 2_000_000, 1))
        vanishes(peer)
    comes_to(town, ani, (0, 0, 0))


def test_who_ends_their_side_in_the_middle_of_an_upload_leaves_nothing(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        peer.says(b"PUT f 2000000\n" + bytes(1_000))
        peer.socket.shutdown(socket.SHUT_WR)
        comes_to(town, ani, (0, 0, 0))


def test_an_old_file_stays_when_the_new_one_does_not_arrive(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        puts(peer, "f", b"old")
        peer.says(b"PUT f 2000000\n" + bytes(600_000))
        comes_to(town, ani, (1, 2_000_003, 1))
        vanishes(peer)
    comes_to(town, ani, (1, 3, 0))
    with at_ftp(town, ani) as peer:
        assert gets(peer, "f") == b"old"


def test_who_vanishes_in_the_middle_of_a_download_is_not_waited_for(town: Town, ani: str) -> None:
    with at_ftp(town, ani) as peer:
        puts(peer, "f", bytes(8 * MIB))
        for _ in range(10):  # more than one user's places for transfers
            with at_ftp(town, ani) as other:
                other.says(b"RETR f\n")
                other.hears(b"[OK] %d\n" % (8 * MIB))
                vanishes(other)
        assert gets(peer, "f") == bytes(8 * MIB)
