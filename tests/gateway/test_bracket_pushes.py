"""What others say is pushed in the bracket dialect: all of it, once, in order, never within a reply."""

from __future__ import annotations

import asyncio
import re
from contextlib import ExitStack
from pathlib import Path

from client import Chat
from tests.gateway.bracket_town import PASSWORD, answers, logged_in, native, registered, said, shown
from tests.gateway.conftest import Town
from tests.gateway.peer import Peer

BURST = 300


async def burst(chat: Chat, to: str, first: int, last: int) -> None:
    """Messages with numbers, as fast as they go, to be stored in this order."""
    await asyncio.gather(*(chat.send(to, f"nomor {number}") for number in range(first, last)))


def numbers(peer: Peer, sender: str, count: int) -> list[int]:
    """The numbers of so many messages that were pushed."""
    found = []
    for _ in range(count):
        who, word, number = said(peer.line()).split(" ")
        assert (who, word) == (sender, "nomor")
        found.append(int(number))
    return found


def test_a_line_has_the_local_time_the_sender_and_the_text(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer, logged_in(town, budi) as other:
        answers(other, f"SEND {ani} [OK] halo", "[OK] pesan terkirim")
        line = peer.line().decode()
        form = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d " + re.escape(f"{budi} [OK] halo")
        assert re.fullmatch(form, line), line


def test_every_connection_of_the_recipient_hears_it_and_none_of_the_senders(town: Town) -> None:
    ani, budi, grup = registered(town, "ani"), registered(town, "budi"), town.name("grup")
    with ExitStack() as stack:
        one, two, his, his_second = (
            stack.enter_context(logged_in(town, name)) for name in (ani, ani, budi, budi)
        )
        answers(his, f"CREATEGROUP {grup} kunci", "[OK] Grup berhasil dibuat")
        answers(one, f"JOIN {grup} kunci", "[OK] Join grup berhasil")
        answers(his, f"SEND {ani} satu", "[OK] pesan terkirim")
        answers(his, f"CHATGROUP {grup} dua", "[OK] Pesan terkirim")
        for peer in (one, two):
            lines = {said(peer.line()), said(peer.line())}
            assert lines == {f"{budi} satu", f"{grup}:{budi} dua"}
        answers(his, "BROADCAST tiga", "[OK] pesan terkirim")
        for peer in (one, two):
            assert said(peer.line()) == f"broadcast:{budi} tiga"
        answers(one, f"SEND {budi} empat", "[OK] pesan terkirim")
        for peer in (his, his_second):  # the first that his second connection hears at all
            assert said(peer.line()) == f"{ani} empat"


def test_nothing_is_pushed_to_strangers_nor_to_those_who_have_logged_out(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer, logged_in(town, budi) as other, town.peer("bracket") as stranger:
        answers(other, f"SEND {ani} satu", "[OK] pesan terkirim")
        assert said(peer.line()) == f"{budi} satu"
        answers(peer, "LOGOUT", "[OK] Logout berhasil")
        answers(other, f"SEND {ani} dua", "[OK] pesan terkirim")
        answers(other, "BROADCAST tiga", "[OK] pesan terkirim")
        peer.hears_nothing()
        answers(stranger, "WHOAMI", "[ERR] Anda belum login")
        answers(peer, f"LOGIN {budi} {PASSWORD}", "[OK] login berhasil")
        answers(peer, "WHOAMI", budi)


async def test_a_burst_is_pushed_whole_once_and_in_order(town: Town) -> None:
    ani, budi, grup = registered(town, "ani"), registered(town, "budi"), town.name("grup")
    with logged_in(town, ani) as one, logged_in(town, ani) as two:
        answers(one, f"CREATEGROUP {grup} kunci", "[OK] Grup berhasil dibuat")
        async with native(town, budi) as chat:
            await chat.join_group(grup, "kunci")
            await burst(chat, ani, 0, BURST)
            for peer in (one, two):
                assert numbers(peer, budi, BURST) == list(range(BURST))
            await burst(chat, f"#{grup}", 0, BURST)
            for peer in (one, two):
                assert numbers(peer, f"{grup}:{budi}", BURST) == list(range(BURST))
        for peer in (one, two):
            answers(peer, "WHOAMI", ani)


async def test_under_a_stream_of_messages_every_reply_stands_whole_and_in_its_order(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    rounds = 60
    with logged_in(town, ani) as peer:
        async with native(town, budi) as chat:
            stream = asyncio.create_task(burst(chat, ani, 0, BURST))
            await asyncio.sleep(0)
            pushed: list[bytes] = []
            replies: list[bytes] = []
            for _ in range(rounds):
                peer.says(b"WHOAMI\nHELLO\n")
                await asyncio.sleep(0)
            while len(replies) < 2 * rounds or len(pushed) < BURST:
                line = await asyncio.to_thread(peer.line)
                (pushed if b" nomor " in line else replies).append(line)
            await stream
        assert replies == rounds * [ani.encode(), b"[ERR] Format message tidak sesuai"]
        assert [said(line) for line in pushed] == [f"{budi} nomor {number}" for number in range(BURST)]


async def test_what_check_has_shown_is_not_pushed_behind_it(town: Town) -> None:
    """Each message is pushed before it is read by CHECK, or shown by CHECK, and never pushed afterwards."""
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer:
        async with native(town, budi) as chat:
            stream = asyncio.create_task(burst(chat, ani, 0, BURST))
            checked: list[str] = []
            told: list[str] = []
            for _ in range(100 * BURST):
                if len(set(checked)) == BURST:
                    break
                peer.says(b"CHECK\n")
                lines = []
                while not (line := await asyncio.to_thread(peer.line)).startswith(b"[OK] "):
                    lines.append(said(line))
                new = 0 if line.startswith(b"[OK] Tidak") else int(line.split()[1])
                # What CHECK shows are the lines next to its status; before them stands what was pushed.
                pushed, shown = lines[: len(lines) - new], lines[len(lines) - new :]
                assert not set(pushed) & set(checked), "pushed behind the CHECK that showed it"
                told += pushed
                checked += shown
            await stream
        assert checked == [f"{budi} nomor {number}" for number in range(BURST)]
        assert told == sorted(set(told), key=lambda text: int(text.split()[-1]))
        answers(peer, "CHECK", "[OK] Tidak ada pesan baru")


async def test_a_text_of_several_lines_stands_on_one_and_says_nothing_to_a_terminal(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer:
        async with native(town, budi) as chat:
            await chat.send(ani, "satu\r\ndua\ntiga\u2028empat\x1b[2J\tlima\u202e 😀")
            assert said(peer.line()) == f"{budi} satu dua tiga empat[2J\tlima 😀"


async def test_a_file_is_pushed_with_its_name(town: Town, tmp_path: Path) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer:
        async with native(town, budi) as chat:
            (tmp_path / "laporan.txt").write_text("isi")
            await chat.files.send(tmp_path / "laporan.txt", ani)
            assert said(peer.line()) == f"{budi} [file laporan.txt]"


async def test_a_session_that_was_ended_elsewhere_hears_nothing_more_and_may_log_in_again(town: Town) -> None:
    ani, budi = registered(town, "ani"), registered(town, "budi")
    with logged_in(town, ani) as peer, logged_in(town, budi) as other:
        async with native(town, ani) as chat:
            (session,) = [each for each in await chat.sessions() if not each.current]
            assert session.device.startswith("bracket ")
            await chat.revoke(session.session)
            answers(other, f"SEND {ani} rahasia", "[OK] pesan terkirim")
            answers(peer, "WHOAMI", "[ERR] Anda belum login")
            answers(peer, "CHECK", "[ERR] Anda belum login")
            answers(peer, f"LOGIN {ani} {PASSWORD}", "[OK] login berhasil")
            await chat.change_password(PASSWORD, PASSWORD * 2)
            answers(peer, f"SEND {budi} halo", "[ERR] Anda belum login")
            answers(peer, f"LOGIN {ani} {PASSWORD * 2}", "[OK] login berhasil")
            assert shown(peer)[0] == [f"{budi} rahasia"]
            answers(other, f"SEND {ani} masih ada?", "[OK] pesan terkirim")
            assert said(peer.line()) == f"{budi} masih ada?"
