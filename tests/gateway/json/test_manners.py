"""The json dialect's habits: framing, tokens, whose session it is, and what was read through one door."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest

from client import Chat, LoggedOut, Offline, Timeout
from client.errors import Closed
from gateway.json import Json
from gateway.json_inbox import MOST_BYTES
from gateway.json_shapes import local_time
from gateway.room import Room
from protocol.errors import (
    Busy,
    Internal,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.imagined import Imagined, Wire, until_quiet
from tests.gateway.json_peer import END, JsonPeer

STRANGER = "Session Tidak Ditemukan"
MALFORMED = "--Protocol Tidak Benar"


# --- bytes --------------------------------------------------------------------------------------


def test_a_reply_is_one_object_with_its_status_first_and_two_line_ends(ani: JsonPeer) -> None:
    ani.says(b"halo\r\n")
    ani.hears(
        b'{"status": "ERROR", "data": "Maaf, command tidak benar", "message": "Maaf, command tidak benar"}'
        b"\r\n\r\n"
    )
    ani.says(f"sendprivate {ani.name} halo\r\n".encode())
    ani.hears(b'{"status": "OK", "data": "Message Sent", "message": "Message Sent"}\r\n\r\n')
    ani.says(b"receivefile\r\n")
    ani.hears(b'{"status": "OK", "data": "OK", "message": "OK", "left_out": 0, "content": []}\r\n\r\n')
    ani.hears_nothing()


def test_a_client_that_reads_once_gets_the_whole_reply(ani: JsonPeer, budi: JsonPeer) -> None:
    for number in range(20):
        ani.done(f"sendprivate {budi.name} pesan {number}")
    for line in ("inbox", f"inbox {ani.name}", "getallusers", "logout"):
        budi.says(f"{line} \r\n".encode())
        heard = budi.socket.recv(65_536)
        assert heard.endswith(END)
        assert json.loads(heard)["status"] == "OK"


def test_requests_may_come_byte_by_byte(town: Town) -> None:
    ani = town.name("ani")
    with JsonPeer(town) as peer:
        peer.says_bytewise(f"register {ani} {PASSWORD} \r\nauth {ani} {PASSWORD} \r\n".encode())
        assert peer.reply()["status"] == "OK"
        token = peer.reply()["token_id"]
        peer.says_bytewise(f"sendprivate {token} {ani}  é 漢 \r\ninbox {token} \r\n".encode())
        assert peer.reply()["message"] == "Message Sent"
        assert [message["message"] for message in peer.reply()["messages"]] == ["é 漢"]


def test_requests_may_come_all_at_once_and_are_answered_in_their_order(town: Town) -> None:
    ani = town.name("ani")
    with JsonPeer(town) as peer:
        lines = [f"register {ani} {PASSWORD}", f"auth {ani} {PASSWORD}", f"sendprivate {ani} satu", "inbox"]
        peer.says("".join(f"{line}\r\n" for line in [*lines, "halo", "logout", "inbox"]).encode())
        replies = [peer.reply() for _ in range(7)]
    assert [reply["status"] for reply in replies] == ["OK"] * 4 + ["ERROR", "OK", "ERROR"]
    assert replies[3]["messages"][0]["message"] == "satu"


def test_only_both_bytes_end_a_request(ani: JsonPeer) -> None:
    ani.says(b"inbox\n")
    ani.hears_nothing()
    ani.says(b"\r")
    ani.hears_nothing()
    ani.says(b"\n")
    # White space all of it, and so one word.
    assert ani.reply()["messages"] == []


def test_spaces_around_words_and_texts_mean_nothing_and_those_within_a_text_stay(
    ani: JsonPeer, budi: JsonPeer
) -> None:
    for line in (
        f"sendprivate {budi.name} a  b",
        f"  sendprivate   {ani.token}   {budi.name}    a  b   ",
        f"sendprivate {ani.token} {budi.name}  a  b ",
    ):
        ani.done(line)
    ani.done(f"  inbox   {ani.token}   {budi.name}  ")
    assert [text for _, text in budi.hears_of("inbox")] == ["a  b"] * 3


def test_who_ends_their_side_behind_a_request_is_answered(ani: JsonPeer) -> None:
    ani.says(b"inbox\r\ninbox")
    ani.socket.shutdown(1)
    assert ani.reply()["messages"] == []
    ani.is_hung_up_on()


# --- tokens -------------------------------------------------------------------------------------


def test_another_connection_may_use_a_token_and_acts_as_its_owner(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    with JsonPeer(town) as other:
        other.done(f"sendprivate {ani.token} {budi.name} halo")
        other.done(f"sendprivate {ani.token.upper()} {budi.name} lagi")
        assert other.refused(f"sendprivate {budi.name} halo") == STRANGER
    assert budi.hears_of("inbox") == [(ani.name, "halo"), (ani.name, "lagi")]
    assert budi.hears_of(f"inbox {ani.token} {budi.name}") == budi.hears_of(f"inbox {ani.name}")
    ani.done("inbox")


def test_a_token_says_nothing_about_the_systems_own(town: Town, ani: JsonPeer) -> None:
    assert re.fullmatch(r"[0-9a-f-]{36}", ani.token)
    with JsonPeer(town) as other:
        again = other.done(f"auth {ani.name} {PASSWORD}")["token_id"]
        assert again != ani.token
        other.done("logout")
    ani.done(f"inbox {ani.token}")


def test_a_token_dies_with_the_connection_that_got_it(town: Town, ani: JsonPeer, budi: JsonPeer) -> None:
    ani.done(f"inbox {budi.token}")
    budi.close()
    for _ in range(200):
        if ani.asks(f"inbox {budi.token}")["message"] == STRANGER:
            break
        time.sleep(0.01)
    assert ani.refused(f"inbox {budi.token}") == STRANGER
    ani.done("inbox")


def test_a_logout_with_anothers_token_ends_that_session_and_no_other(ani: JsonPeer, budi: JsonPeer) -> None:
    budi.done(f"logout {ani.token}")
    assert ani.refused("inbox") == STRANGER
    assert budi.refused(f"inbox {ani.token}") == STRANGER
    budi.done("inbox")


async def test_a_session_that_was_ended_elsewhere_is_found_no_more(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    async with Chat.connect(town.connection, username=ani.name, password=PASSWORD) as chat:
        await chat.change_password(PASSWORD, PASSWORD + "-baru")
    assert budi.refused(f"sendprivate {ani.token} {budi.name} halo") == STRANGER
    budi.done("inbox")
    assert ani.refused("inbox") == STRANGER
    ani.done(f"auth {ani.name} {PASSWORD}-baru")
    assert budi.hears_of("inbox") == []


# --- the same conversations ---------------------------------------------------------------------


async def test_what_was_read_here_is_read_for_the_native_client_and_the_other_way_round(
    town: Town, ani: JsonPeer, budi: JsonPeer
) -> None:
    citra, group = town.name("citra"), town.name("ops")
    async with Chat.connect(town.connection) as chat:
        await chat.register(citra, PASSWORD)
        await chat.login(citra, PASSWORD)
        await chat.create_group(group)

        async def unread() -> dict[str, int]:
            return {row.name: row.unread for row in await chat.conversations() if row.unread}

        ani.done(f"sendprivate {citra} satu")
        budi.done(f"sendprivate {citra} dua")
        ani.done(f"joingroup {group}")
        ani.done(f"sendgroup {group} tiga")
        assert await unread() == {ani.name: 1, budi.name: 1, f"#{group}": 1}
        with JsonPeer(town) as peer:
            peer.done(f"auth {citra} {PASSWORD}")
            peer.done(f"inboxbysender {ani.name}")
            assert await unread() == {budi.name: 1, f"#{group}": 1}
            peer.done("inbox")
            assert await unread() == {f"#{group}": 1}
            peer.done(f"inboxgroup {group}")
            assert await unread() == {}
        await chat.send(ani.name, "empat")
        async with Chat.connect(town.connection, username=ani.name, password=PASSWORD) as native:
            rows = {row.name: row.unread for row in await native.conversations()}
            assert rows[citra] == 1
            ani.done("inbox")
            rows = {row.name: row.unread for row in await native.conversations()}
            assert rows[citra] == 0


async def test_what_is_said_to_everyone_is_in_the_inbox_of_who_was_here(town: Town, ani: JsonPeer) -> None:
    text = town.name("untuk-semua")
    async with Chat.connect(town.connection) as chat:
        dewi = town.name("dewi")
        await chat.register(dewi, PASSWORD)
        await chat.login(dewi, PASSWORD)
        await chat.broadcast(text)
    last = ani.done("inbox")["messages"][-1]
    assert (last["sender"], last["receiver"], last["message"]) == (dewi, "*", text)
    with JsonPeer(town) as late:
        late.enters(town.name("citra"))
        assert late.hears_of("inbox") == []


def test_a_reply_is_bounded_and_the_newest_are_in_it(ani: JsonPeer, budi: JsonPeer) -> None:
    text = "\x01" * 10_000  # six bytes each in JSON
    for number in range(18):
        ani.done(f"sendprivate {budi.name} {number} {text}")
    for line in ("inbox", f"inbox {ani.name}"):
        texts = [text for _, text in budi.hears_of(line)]
        assert [int(text.split()[0]) for text in texts] == list(range(18 - len(texts), 18))
        assert len(texts) == MOST_BYTES // 60_200


# --- what is said in trouble, and what is held --------------------------------------------------


def test_times_are_local_and_have_six_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Jakarta")
    time.tzset()
    try:
        assert local_time(1_700_000_000_000_042) == "2023-11-15 05:13:20.000042"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_room_is_shared_and_nobody_takes_all_of_it() -> None:
    room = Room(100, 30)
    assert room.share == 30
    assert room.take(30, "ani")
    assert not room.take(1, "ani")
    assert room.take(30, "budi")
    assert room.take(30, "citra")
    assert not room.take(11, "dewi")
    assert room.take(10, "dewi")
    with pytest.raises(Busy), room.held(1, "dewi"):
        pass
    assert room.take(-30, "ani")
    with room.held(20, "dewi"):
        assert not room.take(1, "dewi")
    assert room.take(20, "dewi")


async def entered(gateway: Imagined, name: str) -> tuple[Wire, Any]:
    """(wire, dialect) of somebody who has logged in."""
    wire = gateway.visit(Json)
    wire.says(b"halo\r\n")
    await until_quiet(wire)
    await wire.visitor.login(name, PASSWORD)
    wire.heard.clear()
    return wire, wire.visitor.dialect


async def test_lines_with_files_share_a_room_and_one_that_finds_none_is_told_so() -> None:
    gateway = Imagined(gateway_file_lines_bytes=400_000, gateway_file_line_max_bytes=200_000)
    ani, _ = await entered(gateway, "ani")
    budi, _ = await entered(gateway, "budi")
    citra, _ = await entered(gateway, "citra")
    line = b"sendfile dewi " + b"A" * 180_000
    ani.says(line)
    budi.says(line)
    citra.says(line)
    await until_quiet(ani, budi, citra)
    assert (ani.said, budi.said) == (b"", b"")
    assert citra.said.count(b"Server sedang sibuk") == 2
    ani.breaks()
    await until_quiet(ani, turns=20)
    assert ani.visitor.unread == 0
    citra.heard.clear()
    citra.says(b"\r\n" + line)
    await until_quiet(citra)
    assert citra.said == b""
    for wire in (budi, citra):
        wire.breaks()
    await until_quiet(budi, citra, turns=20)
    assert gateway.room.take(200_000, "ani")
    assert gateway.room.take(200_000, "budi")


async def test_who_does_not_go_on_with_a_line_is_hung_up_on() -> None:
    gateway = Imagined(gateway_content_timeout=0.05)
    ani, _ = await entered(gateway, "ani")
    ani.says(b"sendfile budi " + b"A" * 100_000)
    for _ in range(400):
        if ani.aborted:
            break
        await until_quiet(ani)
        await asyncio.sleep(0.005)
    assert ani.aborted
    await until_quiet(ani)
    assert gateway.room.take(gateway.room.share, "ani")


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (RateLimited(""), "Terlalu sering, coba lagi nanti"),
        (Busy(""), "Server sedang sibuk, coba lagi nanti"),
        (Unavailable(""), "Server sedang tidak tersedia, coba lagi nanti"),
        (Offline(""), "Server sedang tidak tersedia, coba lagi nanti"),
        (Timeout(""), "Server belum menjawab, perintah mungkin sudah dijalankan"),
        (TooLarge(""), "Pesan terlalu panjang"),
        (Invalid(""), MALFORMED),
        (Unauthenticated(""), STRANGER),
        (LoggedOut(""), STRANGER),
        (Closed(""), STRANGER),
        (NotFound(""), "User Tidak Ditemukan"),
        (Internal(""), "Terjadi kesalahan pada server"),
        (ZeroDivisionError(), "Terjadi kesalahan pada server"),
    ],
)
async def test_trouble_is_told_in_the_dialects_own_form(trouble: Exception, sentence: str) -> None:
    gateway = Imagined()
    ani, _ = await entered(gateway, "ani")

    async def send(to: str, body: str) -> None:
        raise trouble

    gateway.systems[0].send = send
    ani.says(b"sendprivate budi halo\r\n")
    await until_quiet(ani)
    assert ani.said == b'{"status": "ERROR", "data": "%b", "message": "%b"}\r\n\r\n' % (
        (sentence.encode(),) * 2
    )
    assert bool(gateway.quiet.faults) is isinstance(trouble, ZeroDivisionError)
    ani.breaks()
    await until_quiet(ani)
