"""The bracket dialect: every row and every sentence of its table, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gateway.bracket import Bracket
from tests.gateway.bracket_town import PASSWORD, answers, logged_in, native, registered, said, shown
from tests.gateway.conftest import Town
from tests.gateway.peer import Peer

STRANGER = b"[ERR] Anda belum login\n"
MALFORMED = b"[ERR] Format message tidak sesuai\n"


@pytest.fixture
def citra(town: Town) -> Iterator[Peer]:
    """Somebody who has logged in."""
    with logged_in(town, registered(town, "citra")) as peer:
        yield peer


# --- REGISTER, LOGIN ----------------------------------------------------------------------------


def test_who_has_registered_logs_in_and_is_who_they_are(town: Town) -> None:
    ani = town.name("ani")
    with town.peer("bracket") as peer:
        answers(peer, f"REGISTER {ani} {PASSWORD}", "[OK] sign up berhasil")
        peer.says(f"login {ani} {PASSWORD}\nWHOAMI\n".encode())
        peer.hears(f"[OK] login berhasil\n{ani}\n".encode())


def test_a_name_is_taken_once_whatever_its_case(town: Town) -> None:
    ani = registered(town, "ani")
    with town.peer("bracket") as peer:
        answers(peer, f"REGISTER {ani.upper()} {PASSWORD}", "[ERR] Username sudah terpakai")


def test_the_password_may_be_said_twice_if_it_is_the_same(town: Town) -> None:
    ani = town.name("ani")
    with town.peer("bracket") as peer:
        answers(peer, f"REGISTER {ani} {PASSWORD} {PASSWORD}x", "[ERR] Format message tidak sesuai")
        answers(peer, f"REGISTER {ani} {PASSWORD} {PASSWORD}", "[OK] sign up berhasil")


@pytest.mark.parametrize(
    "line",
    [
        "REGISTER",
        "REGISTER ani",
        "REGISTER ani pw pw pw",
        "REGISTER an-i rahasiasekali",
        "REGISTER #ani rahasiasekali",
        "REGISTER ani@realm rahasiasekali",
        "REGISTER änä rahasiasekali",
        "REGISTER ani rahasia-sekali",
        f"REGISTER {'a' * 33} rahasiasekali",
        f"REGISTER ani {'a' * 1025}",
        "LOGIN",
        "LOGIN ani",
        "LOGIN ani pw pw",
        "",
        "   ",
        "HELLO",
        "[OK]",
        "EXIT now",
    ],
)
def test_what_a_stranger_says_in_the_wrong_form_is_told_so(town: Town, line: str) -> None:
    with town.peer("bracket") as peer:
        answers(peer, line, "[ERR] Format message tidak sesuai")


def test_a_password_that_is_too_short_is_told_how_long_it_must_be(town: Town) -> None:
    with town.peer("bracket") as peer:
        answers(peer, f"REGISTER {town.name('ani')} rahasia", "[ERR] Password minimal 8 karakter")


def test_an_unknown_name_and_a_wrong_password_are_told_apart(town: Town) -> None:
    ani = registered(town, "ani")
    with town.peer("bracket") as peer:
        answers(peer, f"LOGIN {town.name('budi')} {PASSWORD}", "[ERR] Username belum tersedia")
        answers(peer, f"LOGIN #{ani} {PASSWORD}", "[ERR] Username belum tersedia")
        answers(peer, f"LOGIN {ani} salahsekali", "[ERR] Password yang dimasukkan salah")
        answers(peer, f"LOGIN {ani} {'a' * 1025}", "[ERR] Password yang dimasukkan salah")
        answers(peer, f"LOGIN {ani} {PASSWORD}", "[OK] login berhasil")


async def test_names_and_passwords_of_other_doors_are_usable(town: Town) -> None:
    ani, password, budi = f"{town.name('ani')}.-_", "kata-sandi/'éè", registered(town, "budi")
    async with native(town, budi) as chat:
        await chat.register(ani, password)
        with logged_in(town, ani, password) as peer:
            await chat.send(ani, "halo")
            assert said(peer.line()) == f"{budi} halo"
            answers(peer, f"SEND {ani} catatan", "[OK] pesan terkirim")


def test_who_logs_in_anew_is_the_new_one(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer:
        answers(peer, f"LOGIN {budi} {PASSWORD}", "[OK] login berhasil")
        answers(peer, "WHOAMI", budi)
        answers(peer, f"LOGIN {ani} salahsekali", "[ERR] Password yang dimasukkan salah")
        answers(peer, "WHOAMI", budi)


WORDS = {
    "SEND budi halo": "SEND",
    "JOIN grup pw": "JOIN",
    "JOINGROUP grup pw": "JOINGROUP",
    "LEAVE grup": "LEAVE",
    "CREATEGROUP grup pw": "CREATEGROUP",
    "CHATGROUP grup halo": "CHATGROUP",
    "WHOAMI": "WHOAMI",
    "ONLINE": "ONLINE",
    "BROADCAST halo": "BROADCAST",
    "LOGOUT": "LOGOUT",
    "CHECK": "CHECK",
    "CHECKPAST": "CHECKPAST",
}


def test_before_login_every_word_that_needs_one_says_so(town: Town) -> None:
    assert set(WORDS.values()) == {word for word, command in Bracket.COMMANDS.items() if command.login}
    with town.peer("bracket") as peer:
        peer.says("".join(f"{line}\n{word}\n" for line, word in WORDS.items()).encode())
        peer.hears(2 * len(WORDS) * STRANGER)


def test_after_logout_one_is_a_stranger_and_may_come_back(town: Town) -> None:
    ani = registered(town, "ani")
    with logged_in(town, ani) as peer:
        answers(peer, "LOGOUT", "[OK] Logout berhasil")
        answers(peer, "LOGOUT", "[ERR] Anda belum login")
        answers(peer, f"LOGIN {ani} {PASSWORD}", "[OK] login berhasil")


@pytest.mark.parametrize("known", [True, False])
def test_exit_hangs_up_and_whatever_was_said_behind_it_is_not_heard(town: Town, known: bool) -> None:
    ani = registered(town, "ani")
    with logged_in(town, ani) if known else town.peer("bracket") as peer:
        peer.says(b"Exit\nWHOAMI\n")
        peer.is_hung_up_on()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("SEND", "[ERR] format message tidak sesuai"),
        ("SEND budi", "[ERR] format message tidak sesuai"),
        ("SEND budi   ", "[ERR] format message tidak sesuai"),
        ("SEND budi \0", "[ERR] format message tidak sesuai"),
        ("SEND #budi halo", "[ERR] penerima tidak tersedia"),
        ("SEND * halo", "[ERR] penerima tidak tersedia"),
        ("SEND budi@localhost halo", "[ERR] penerima tidak tersedia"),
        ("SEND bud/i halo", "[ERR] penerima tidak tersedia"),
        ("JOIN grup", "[ERR] Format message tidak sesuai"),
        ("JOIN grup pw pw", "[ERR] Format message tidak sesuai"),
        ("JOINGROUP", "[ERR] Format message tidak sesuai"),
        ("JOIN #grup pw", "[ERR] Grup tidak tersedia"),
        ("JOIN * pw", "[ERR] Grup tidak tersedia"),
        ("LEAVE", "[ERR] Format message tidak sesuai"),
        ("LEAVE grup pw", "[ERR] Format message tidak sesuai"),
        ("LEAVE #grup", "[ERR] Nama grup tidak tersedia"),
        ("LEAVE *", "[ERR] Nama grup tidak tersedia"),
        ("CREATEGROUP grup", "[ERR] Format message tidak sesuai"),
        ("CREATEGROUP grup pw pw", "[ERR] Format message tidak sesuai"),
        ("CREATEGROUP #grup pw", "[ERR] Format message tidak sesuai"),
        ("CREATEGROUP gr-up pw", "[ERR] Format message tidak sesuai"),
        ("CREATEGROUP grup p-w", "[ERR] Format message tidak sesuai"),
        (f"CREATEGROUP {'g' * 33} pw", "[ERR] Format message tidak sesuai"),
        ("CHATGROUP", "[ERR] Format message tidak sesuai"),
        ("CHATGROUP grup", "[ERR] Format message tidak sesuai"),
        ("CHATGROUP #grup halo", "[ERR] Nama grup tidak tersedia"),
        ("CHATGROUP * halo", "[ERR] Nama grup tidak tersedia"),
        ("BROADCAST", "[ERR] Format message tidak sesuai"),
        ("BROADCAST   ", "[ERR] Format message tidak sesuai"),
        ("BROADCAST \0", "[ERR] Format message tidak sesuai"),
        ("WHOAMI ani", "[ERR] Format message tidak sesuai"),
        ("ONLINE ani", "[ERR] Format message tidak sesuai"),
        ("LOGOUT ani", "[ERR] Format message tidak sesuai"),
        ("CHECK ani", "[ERR] Format message tidak sesuai"),
        ("CHECKPAST ani", "[ERR] Format message tidak sesuai"),
        ("MESSAGE budi", "[ERR] Format message tidak sesuai"),
        ("", "[ERR] Format message tidak sesuai"),
    ],
)
def test_what_is_said_in_the_wrong_form_is_told_so(town: Town, citra: Peer, line: str, reply: str) -> None:
    answers(citra, line, reply)


def test_bytes_that_are_no_text_and_lines_without_end_are_told_so_and_the_next_word_is_heard(
    town: Town,
) -> None:
    ani = registered(town, "ani")
    with logged_in(town, ani) as peer:
        peer.says(b"SEND budi \xff\xfe\nWHO\xc0AMI\n")
        peer.hears(2 * MALFORMED)
        peer.says(b"BROADCAST " + b"a" * 70_000 + b"\n")
        peer.hears(MALFORMED)
        answers(peer, "WHOAMI", ani)


# --- how lines come -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_every_way_of_sending_a_line_is_the_same(town: Town, end: bytes) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer, logged_in(town, budi) as other:
        peer.says_bytewise(b"sEnD " + budi.encode() + b" satu" + end)
        peer.hears(b"[OK] pesan terkirim\n")
        peer.says(b"SEND " + budi.encode() + b" dua" + end + b"Whoami" + end + b"join" + end)
        peer.hears(b"[OK] pesan terkirim\n" + ani.encode() + b"\n[ERR] Format message tidak sesuai\n")
        assert [said(other.line()), said(other.line())] == [f"{ani} satu", f"{ani} dua"]


def test_a_segment_without_an_end_is_a_command_after_a_silence(town: Town) -> None:
    ani = registered(town, "ani")
    with town.peer("bracket") as peer:
        for line, reply in (
            (f"LOGIN {ani} {PASSWORD}", "[OK] login berhasil"),
            ("whoami", ani),
            (f"SEND {ani} tanpa akhir\r", "[OK] pesan terkirim"),
        ):
            peer.says(line.encode())
            peer.hears(f"{reply}\n".encode())
        assert shown(peer, "CHECKPAST")[0][-1] == f"{ani} tanpa akhir"
        peer.says(b"exit")
        peer.is_hung_up_on()


def test_who_stops_sending_is_answered_to_the_end(town: Town) -> None:
    ani = registered(town, "ani")
    with town.peer("bracket") as peer:
        peer.says(f"LOGIN {ani} {PASSWORD}\nWHOAMI\nLOGOUT".encode())
        peer.socket.shutdown(socket.SHUT_WR)
        peer.hears(f"[OK] login berhasil\n{ani}\n[OK] Logout berhasil\n".encode())
        peer.is_hung_up_on()


# --- SEND, BROADCAST ----------------------------------------------------------------------------


def test_a_message_reaches_who_is_there_and_who_is_away_but_nobody_unknown(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer:
        answers(peer, f"send {budi}  apa  kabar? ", "[OK] pesan terkirim")
        answers(peer, f"SEND {town.name('dewi')} halo", "[ERR] penerima tidak tersedia")
        with logged_in(town, budi) as other:
            assert shown(other) == ([f"{ani} apa  kabar? "], "[OK] 1 pesan baru")
            answers(other, f"SEND {ani.upper()} baik", "[OK] pesan terkirim")
        assert said(peer.line()) == f"{budi} baik"


def test_to_oneself_is_a_note_that_is_not_pushed(town: Town) -> None:
    ani = registered(town, "ani")
    with logged_in(town, ani) as peer, logged_in(town, ani) as second:
        answers(peer, f"SEND {ani} beli beras", "[OK] pesan terkirim")
        answers(second, "CHECK", "[OK] Tidak ada pesan baru")
        assert shown(peer, "CHECKPAST")[0][-1:] == [f"{ani} beli beras"]


def test_a_broadcast_reaches_everyone(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer, logged_in(town, budi) as other:
        answers(peer, "BROADCAST  selamat  pagi", "[OK] pesan terkirim")
        assert said(other.line()) == f"broadcast:{ani} selamat  pagi"


# --- groups -------------------------------------------------------------------------------------


def test_a_group_is_created_joined_spoken_in_and_left(town: Town) -> None:
    ani, budi, grup = registered(town, "ani"), registered(town, "budi"), town.name("grup")
    with logged_in(town, ani) as one, logged_in(town, budi) as other:
        answers(one, f"CREATEGROUP {grup} kunci", "[OK] Grup berhasil dibuat")
        answers(other, f"CREATEGROUP {grup.upper()} kunci", "[ERR] Nama grup sudah terpakai")
        answers(one, f"JOIN {grup} kunci", "[ERR] Anda telah bergabung dalam grup")
        answers(other, f"CHATGROUP {grup} halo", "[ERR] Anda belum bergabung dalam grup")
        answers(other, f"LEAVE {grup}", "[ERR] Anda belum bergabung dalam grup")
        answers(other, f"JOIN {grup} salah", "[ERR] Password grup salah")
        answers(other, f"JOIN {grup} {'a' * 1025}", "[ERR] Password grup salah")
        answers(other, f"JOINGROUP {grup} kunci", "[OK] Join grup berhasil")
        answers(other, f"JOINGROUP {grup} salah", "[ERR] Anda telah bergabung dalam grup")
        answers(other, f"CHATGROUP {grup} halo  semua", "[OK] Pesan terkirim")
        assert said(one.line()) == f"{grup}:{budi} halo  semua"
        answers(other, f"LEAVE {grup}", "[OK] Berhasil keluar dari grup")
        answers(other, f"JOIN {grup} kunci", "[OK] Join grup berhasil")
        answers(other, f"LEAVE {grup}", "[OK] Berhasil keluar dari grup")
        answers(one, f"LEAVE {grup}", "[OK] Berhasil keluar dari grup")
        answers(one, f"LEAVE {grup}", "[ERR] Nama grup tidak tersedia")
        answers(one, f"CHATGROUP {grup} halo", "[ERR] Nama grup tidak tersedia")
        answers(one, f"JOIN {grup} kunci", "[ERR] Grup tidak tersedia")


async def test_a_group_of_another_door_is_joined_with_any_password_if_it_has_none(town: Town) -> None:
    ani, budi, grup = registered(town, "ani"), registered(town, "budi"), f"{town.name('g')}.-_"
    async with native(town, ani) as chat:
        await chat.create_group(grup)
        with logged_in(town, budi) as peer:
            answers(peer, f"JOIN {grup} apasaja", "[OK] Join grup berhasil")
            answers(peer, f"CHATGROUP {grup} halo", "[OK] Pesan terkirim")
            await chat.send(f"#{grup}", "hai")
            assert said(peer.line()) == f"{grup}:{ani} hai"
            answers(peer, f"LEAVE {grup}", "[OK] Berhasil keluar dari grup")


# --- ONLINE -------------------------------------------------------------------------------------


async def test_online_are_those_of_every_door_one_a_line(town: Town) -> None:
    ani, budi, away = registered(town, "ani"), registered(town, "budi"), registered(town, "dewi")
    async with native(town, budi) as chat:
        with logged_in(town, ani) as peer:
            async with asyncio.timeout(20):
                while not {ani, budi} <= set(await chat.online()):
                    await asyncio.sleep(0.01)
            peer.says(b"ONLINE\nHELLO\n")
            names = peer.until(MALFORMED).removesuffix(MALFORMED).decode().splitlines()
            assert {ani, budi} <= set(names) and away not in names and names == sorted(names)
