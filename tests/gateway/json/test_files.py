"""Files through the json dialect: in base64 in a line, and back in a reply."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import AsyncIterator
from typing import cast

import pytest

from client import Chat
from gateway.json_files import newest
from protocol.commands import ConversationInfo
from protocol.files import StoredFile
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.json_peer import JsonPeer, wrapped

NOBODY = "User Tidak Ditemukan"
STRANGER = "Session Tidak Ditemukan"


def files_of(peer: JsonPeer, line: str = "receivefile") -> list[tuple[str, str, str]]:
    """(sender, name, content) of each file that a line is answered with."""
    content = peer.done(line)["content"]
    return [(file["sender"], file["file_name"], file["file_content"]) for file in content]


def test_a_file_comes_back_as_it_was_sent_in_the_same_wrapper(ani: JsonPeer, budi: JsonPeer) -> None:
    content = wrapped(bytes(range(256)))
    sent = ani.done(f"sendfile {ani.token} {budi.name} {content} C:\\Data Saya\\foto pantai.png")
    assert sent["message"] == "File Sent"
    (file,) = budi.done(f"receivefile {budi.token}")["content"]
    assert file.keys() == {
        "sender",
        "sender_realm",
        "receiver",
        "file_name",
        "file_content",
        "created_at",
    }
    assert (file["sender"], file["sender_realm"], file["receiver"]) == (ani.name, ani.realm, budi.name)
    assert file["file_name"] == "foto pantai.png"
    assert file["file_content"] == content


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 196_607, 196_608, 196_609, 524_288])
def test_files_of_any_size_come_back_to_the_byte(ani: JsonPeer, budi: JsonPeer, size: int) -> None:
    content = wrapped(random.Random(size).randbytes(size))
    ani.done(f"sendfile {budi.name} {content} a/b/c.bin")
    assert files_of(budi) == [(ani.name, "c.bin", content)]


def test_the_wrapper_may_be_left_out_and_comes_back(ani: JsonPeer, budi: JsonPeer) -> None:
    ani.done(f"sendfile {budi.name} aGFsbw== halo.txt")
    assert files_of(budi) == [(ani.name, "halo.txt", "b'aGFsbw=='")]


def test_nine_megabytes_come_back(ani: JsonPeer, budi: JsonPeer) -> None:
    plain = random.Random(9).randbytes(9_000_000)
    ani.done(f"sendfile {ani.token} {budi.name} {wrapped(plain)} besar.bin")
    ((sender, name, content),) = files_of(budi)
    assert (sender, name) == (ani.name, "besar.bin")
    back = base64.b64decode(content[2:-1])
    assert hashlib.sha256(back).digest() == hashlib.sha256(plain).digest()


def test_with_a_sender_only_their_files_come(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    with JsonPeer(town) as citra:
        citra.enters(town.name("citra"))
        ani.done(f"sendfile {budi.name} YQ== a.txt")
        citra.done(f"sendfile {budi.name} Yg== b.txt")
        budi.done(f"sendfile {ani.name} Yw== c.txt")
        of_ani, of_citra = (ani.name, "a.txt", "b'YQ=='"), (citra.name, "b.txt", "b'Yg=='")
    assert files_of(budi) == [of_ani, of_citra]
    assert files_of(budi, f"receivefile {ani.name}") == [of_ani]
    assert files_of(budi, f"receivefile {budi.token} {citra.name}@{budi.realm}") == [of_citra]
    for nobody in (town.name("hantu"), f"{ani.name}@tempat-lain", "*", "#ops"):
        assert files_of(budi, f"receivefile {budi.token} {nobody}") == []


def test_a_file_for_a_group_is_received_by_its_members(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    group = town.name("ops")
    ani.done(f"creategroup {group}")
    budi.done(f"joingroup {group}")
    assert ani.done(f"sendgroupfile {ani.token} {group} {wrapped(b'x')} x.txt")["data"] == "File Sent"
    (file,) = budi.done("receivefile")["content"]
    assert (file["sender"], file["receiver"], file["file_name"]) == (ani.name, group, "x.txt")
    assert files_of(ani) == []


def test_a_file_to_nobody_or_to_a_group_of_others_is_refused(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    group = town.name("ops")
    budi.done(f"creategroup {group}")
    for name in (town.name("hantu"), f"{budi.name}@tempat-lain", f"#{group}", "*", group):
        assert ani.refused(f"sendfile {ani.token} {name} YQ== a") == NOBODY
    for name in (town.name("hantu"), f"#{group}", "*", group, budi.name):
        assert ani.refused(f"sendgroupfile {name} YQ== a") == NOBODY


BAD = [
    "a",
    "YQ",
    "YQ=",
    "Y===",
    "====",
    "YQ==YQ==",
    "b'YQ==",
    "YQ=='",
    "b''''",
    "Y-_=",
    "é===",
    "halo,dunia!",
]


@pytest.mark.parametrize("content", [*BAD, "A" * 262_140 + "YQ==" + "A" * 4, "A" * 262_144 + "Y==="])
def test_what_is_no_base64_is_refused_and_leaves_nothing(ani: JsonPeer, budi: JsonPeer, content: str) -> None:
    assert ani.refused(f"sendfile {budi.name} {content} a.txt") == "Isi file tidak benar"
    assert files_of(budi) == []


@pytest.mark.parametrize("path", ["a/", "..", "C:\\", ".", "a\u202egnp.exe", "x" * 256])
def test_a_path_without_a_proper_name_is_refused(ani: JsonPeer, budi: JsonPeer, path: str) -> None:
    assert ani.refused(f"sendfile {budi.name} YQ== {path}") == "Nama file tidak benar"


@pytest.mark.parametrize("path", ["a" * 20_000 + "/b", "/" * 20_000 + "b", "a\\" * 512 + "b"])
def test_a_path_of_more_than_a_kib_is_refused(ani: JsonPeer, budi: JsonPeer, path: str) -> None:
    assert ani.refused(f"sendfile {budi.name} YQ== {path}") == "Nama file tidak benar"
    assert files_of(budi) == []


def test_a_path_of_a_kib_has_a_name(ani: JsonPeer, budi: JsonPeer) -> None:
    ani.done(f"sendfile {budi.name} YQ== {'a/' * 509}b.txt")
    assert files_of(budi) == [(ani.name, "b.txt", "b'YQ=='")]


@pytest.mark.parametrize("name", ['a"b.txt', "{0}.txt", "foto é.png", "a'b", "-rf", "%s"])
def test_a_name_comes_back_as_it_was(ani: JsonPeer, budi: JsonPeer, name: str) -> None:
    ani.done(f"sendfile {budi.name}  YQ==  ../{name}")
    assert files_of(budi) == [(ani.name, name, "b'YQ=='")]


def test_a_long_line_is_for_those_who_have_a_session(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    long = "A" * 100_000
    with JsonPeer(town) as stranger:
        assert stranger.refused(f"sendfile {budi.name} {long} a") == STRANGER
        unknown = "01234567-89ab-cdef-0123-456789abcdef"
        assert stranger.refused(f"sendfile {unknown} {budi.name} {long} a") == STRANGER
        assert stranger.refused(f"inbox {long}") == "--Protocol Tidak Benar"
        stranger.done(f"sendfile {ani.token} {budi.name} {long} a")
    assert ani.refused(f"sendprivate {budi.name} {long}") == "--Protocol Tidak Benar"
    assert ani.refused(f"sendfiles {budi.name} {long} a") == "--Protocol Tidak Benar"
    ani.done("inbox")


def test_a_line_may_have_twelve_megabytes_and_what_stands_behind_it_is_heard(
    ani: JsonPeer, budi: JsonPeer
) -> None:
    head = f"sendfile {budi.name} ".encode()
    ani.says(head + b"A" * (12 * 1024 * 1024 - len(head)) + b"A\r\ninbox\r\n")
    assert ani.reply()["message"] == "File terlalu besar"
    assert ani.reply()["messages"] == []


def test_a_file_line_behind_the_login_in_one_piece_is_taken(town: Town, budi: JsonPeer) -> None:
    name = town.name("ani")
    content = wrapped(b"x" * 150_000)
    with JsonPeer(town) as peer:
        peer.says(
            f"register {name} {PASSWORD}\r\nauth {name} {PASSWORD}\r\n"
            f"sendfile {budi.name} {content} a\r\ninbox\r\n".encode()
        )
        assert [peer.reply()["status"] for _ in range(4)] == ["OK"] * 4
    assert files_of(budi) == [(name, "a", content)]


async def test_files_go_both_ways_between_this_dialect_and_the_native_client(
    town: Town, budi: JsonPeer
) -> None:
    citra = town.name("citra")
    async with Chat.connect(town.connection) as chat:
        await chat.register(citra, PASSWORD)
        await chat.login(citra, PASSWORD)
        await chat.files.send(b"dari jauh", budi.name, name="jauh.txt", text="lihat ini")
        assert files_of(budi) == [(citra, "jauh.txt", wrapped(b"dari jauh"))]
        assert budi.hears_of("inbox") == [(citra, "lihat ini")]
        budi.done(f"sendfile {citra} {wrapped(b'balasan')} dekat.txt")
        page = await chat.history(budi.name)
        file = page.messages[-1].file
        assert file is not None
        assert file.name == "dekat.txt"
        assert b"".join([chunk async for chunk in chat.files.download(file)]) == b"balasan"
        await chat.files.delete(page.messages[0].file or 0)
    assert files_of(budi) == []


def test_who_has_filled_their_space_is_told_so(ani: JsonPeer, budi: JsonPeer) -> None:
    line = f"sendfile {budi.name} {wrapped(bytes(8_500_000))} nol.bin"
    ani.done(line)
    ani.done(line)
    assert ani.refused(line) == "Tidak ada ruang lagi untuk file Anda"


class Shelf:
    """A conversation with files at some of its seqs, and a count of the times it was asked."""

    def __init__(self, *seqs: int) -> None:
        self.files = self
        self.asked = 0
        self._seqs = seqs

    async def list(self, *, conversation: int, after: str) -> AsyncIterator[StoredFile]:
        """Those behind a seq."""
        self.asked += 1
        for seq in self._seqs:
            if seq > int(after):
                yield StoredFile(seq, "a", 1, "", b"", "ani", 0, seq=seq)


@pytest.mark.parametrize(
    ("seqs", "newest_two", "asked"),
    [
        ((), [], 4),
        ((1,), [1], 4),
        ((1, 2, 3), [2, 3], 4),
        ((1, 999_999, 1_000_000), [999_999, 1_000_000], 1),
        ((1, 990_000, 1_000_000), [990_000, 1_000_000], 2),
    ],
)
async def test_the_newest_files_are_found_wherever_they_are(
    seqs: tuple[int, ...], newest_two: list[int], asked: int
) -> None:
    shelf = Shelf(*seqs)
    row = ConversationInfo(1, "direct", "ani", b"", 1_000_000, 0, 0, 0)
    found = await newest(cast(Chat, shelf), row, 2)
    assert ([file.seq for file in found], shelf.asked) == (newest_two, asked)


async def test_a_file_for_everyone_is_received_by_who_was_here(town: Town, budi: JsonPeer) -> None:
    citra = town.name("citra")
    async with Chat.connect(town.connection) as chat:
        await chat.register(citra, PASSWORD)
        await chat.login(citra, PASSWORD)
        await chat.files.send(b"untuk semua", "*", name="semua.txt")
    assert files_of(budi) == [(citra, "semua.txt", wrapped(b"untuk semua"))]
    assert budi.done("receivefile")["content"][0]["receiver"] == "*"
    with JsonPeer(town) as late:
        late.enters(town.name("dewi"))
        assert files_of(late) == []
