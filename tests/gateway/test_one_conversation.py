"""One conversation through all doors at once: ani on netcat, budi in ``pesan chat``, citra's JSON client,
dewi over ftp; and the native client, which counts.

Whoever says something through one door is heard at all others; whoever reads there has read.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from benchmarks.own_server import ROOT
from client import Chat
from protocol.files import StoredFile
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.peer import PATIENCE, Peer
from tests.system.pesan import PESAN, run
from tests.system.screen import Seat

T = TypeVar("T")
DATE = r"\d{4}[-/]\d{1,2}[-/]\d{1,2} \d{1,2}:\d\d(:\d\d)?"
REPORT = b"Diska hampir penuh.\n\0\xff" * 5_000
"""Bytes of a file: no text, and more than a line may have in other dialects."""
ANSWER = b"Sudah kosong lagi.\n"


class Street:
    """The four, at their doors. Ani has two windows: one speaks ``signup``, the other ``bracket``."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.ani, self.budi, self.citra, self.dewi, self.team = (
            town.name(name) for name in ("ani", "budi", "citra", "dewi", "tim")
        )
        self.environment = {
            **town.server.environment,
            **dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(folder)),
            "PESAN_PASSWORD": PASSWORD,
            "LC_ALL": "C.UTF-8",
        }
        """Budi's."""
        self.token = ""
        """Of citra's program."""
        self._stack = ExitStack()
        self._devices: dict[str, bytes] = {}
        self.signup, self.bracket = self._comes("signup"), self._comes("bracket")
        self.json = self._comes("json")
        self.ftp: Peer

    def __enter__(self) -> Street:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _comes(self, dialect: str) -> Peer:
        return self._stack.enter_context(self.town.peer(dialect))

    # --- at the doors ---------------------------------------------------------------------------

    def netcat(self, window: Peer, typed: str, *seen: str) -> None:
        """Type a line; then these lines come, in which ``<date>`` is one."""
        window.says(f"{typed}\n".encode())
        self.sees(window, *seen)

    def sees(self, window: Peer, *seen: str) -> None:
        """These lines come, and no others between them."""
        for expected in seen:
            line = window.line().decode()
            pattern = re.escape(expected).replace("<date>", DATE)
            assert re.fullmatch(pattern, line), f"{line!r} instead of {expected!r}"

    def program(self, request: str, peer: Peer | None = None) -> dict[str, Any]:
        """What citra's client, or another, is answered; it must be OK."""
        peer = peer or self.json
        peer.says(f"{request} \r\n".encode())
        answer: dict[str, Any] = json.loads(peer.until(b"\r\n\r\n"))
        assert answer["status"] == "OK", answer
        assert answer["data"] == answer["message"]
        return answer

    def comes_over_ftp(self) -> None:
        """Dewi's program, in a new connection."""
        self.ftp = self._comes("ftp")
        self.netcat(self.ftp, f"USER {self.dewi}", "[OK] username berhasil direkam")
        self.netcat(self.ftp, f"PASS {PASSWORD}", "[OK] login berhasil")

    def sits_down(self) -> Seat:
        """Budi, in front of ``pesan chat`` with ani."""
        seat = Seat([PESAN, "chat", self.ani], self.environment, ROOT)
        self._stack.callback(seat.leaves)
        seat.sees(lambda: seat.screen.cursor_line == f"{self.ani}>", "the prompt")
        return seat

    # --- natively -------------------------------------------------------------------------------

    def natively(self, name: str, do: Callable[[Chat], Awaitable[T]]) -> T:
        """Something that a person does, or looks at, with the native client; on one device of theirs."""

        async def work() -> T:
            known = self._devices.get(name)
            who: dict[str, Any] = {"token": known} if known else {"username": name, "password": PASSWORD}
            async with Chat.connect(self.town.connection, **who) as chat:
                self._devices[name] = chat.token
                return await do(chat)

        return asyncio.run(work())

    def unread(self, name: str) -> dict[str, int]:
        """How much of which conversation someone has not read."""
        rows = self.natively(name, lambda chat: chat.conversations())
        return {row.name: row.unread for row in rows if row.unread}

    def reads(self, name: str, expected: dict[str, int]) -> None:
        """What someone has not read becomes this."""
        eventually(lambda: self.unread(name) == expected, f"{name} has {expected}")

    def said(self, name: str, where: str) -> list[tuple[int, str, str]]:
        """All of a conversation: number, who, text."""

        async def work(chat: Chat) -> list[tuple[int, str, str]]:
            return [(each.seq, each.sender, each.body) async for each in chat.messages(where)]

        return self.natively(name, work)


def eventually(holds: Callable[[], bool], called: str) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, called
        time.sleep(0.02)


def test_one_conversation_goes_through_all_doors_at_once(town: Town, tmp_path: Path) -> None:
    with Street(town, tmp_path) as street:
        they_come_in(street)
        who_hangs_up_is_gone_for_everyone(street)
        budi = street.sits_down()
        two_talk(street, budi)
        what_is_read_at_one_door_is_read_at_all(street)
        all_talk(street, budi)
        a_file_goes_around(street, budi)
        everything_was_said_once_and_in_order(street)


def they_come_in(street: Street) -> None:
    """Everyone has an account from another door."""
    street.netcat(street.signup, f"signup {street.ani} {PASSWORD}", "Signup success")
    street.netcat(street.signup, f"login {street.ani} {PASSWORD}", "Login success")
    street.netcat(street.bracket, f"LOGIN {street.ani} {PASSWORD}", "[OK] login berhasil")
    assert run(["register", street.budi], street.environment, ROOT).returncode == 0
    for name in (street.citra, street.dewi):
        street.program(f"register {name} {PASSWORD}")
    street.token = street.program(f"auth {street.citra} {PASSWORD}")["token_id"]
    street.comes_over_ftp()


def who_hangs_up_is_gone_for_everyone(street: Street) -> None:
    """Who is there at one door is there at all of them, until they hang up."""
    everyone = {street.ani, street.budi, street.citra, street.dewi}

    def online() -> set[str]:
        street.bracket.says(b"ONLINE\nWHOAMI\n")
        names = []
        while (name := street.bracket.line().decode()) != street.ani or street.ani not in names:
            names.append(name)
        return set(names) & everyone

    eventually(lambda: online() == everyone, "everyone is there")
    street.ftp.close()
    eventually(lambda: online() == everyone - {street.dewi}, "dewi has gone")
    street.comes_over_ftp()


def two_talk(street: Street, budi: Seat) -> None:
    """Budi's window and ani's two; citra has something to say as well."""
    street.netcat(street.bracket, f"SEND {street.budi} halo dari  netcat", "[OK] pesan terkirim")
    budi.sees(f" {street.ani}: halo dari  netcat")
    budi.enters("apa kabar?")
    street.sees(street.bracket, f"<date> {street.budi} apa kabar?")
    street.sees(street.signup, f"New message(s) from {street.budi}")
    street.program(f"sendprivate {street.token} {street.ani}  lihat ini, #tim")
    street.sees(street.bracket, f"<date> {street.citra} lihat ini, #tim")
    street.sees(street.signup, f"New message(s) from {street.citra}")


def what_is_read_at_one_door_is_read_at_all(street: Street) -> None:
    """What was pushed is not read; what was asked for is, whoever asks next."""
    assert street.unread(street.ani) == {street.budi: 1, street.citra: 1}
    shown = (f"1[<date>] {street.budi} : apa kabar?", "", f"New message(s) from {street.citra}", "")
    street.netcat(street.signup, f"show {street.budi}", *shown)
    assert street.unread(street.ani) == {street.citra: 1}
    found = (f"<date> {street.citra} lihat ini, #tim", "[OK] 1 pesan baru")
    street.netcat(street.bracket, "CHECK", *found)
    street.netcat(street.signup, f"show {street.citra}", "1")
    assert street.unread(street.ani) == {}
    street.reads(street.budi, {})
    with street.town.peer("json") as peer:
        token = street.program(f"auth {street.ani} {PASSWORD}", peer)["tokenid"]
        inbox = street.program(f"inbox {token}", peer)["messages"]
    assert [(each["sender"], each["receiver"], each["message"]) for each in inbox] == [
        (street.budi, street.ani, "apa kabar?"),
        (street.citra, street.ani, "lihat ini, #tim"),
    ]


def all_talk(street: Street, budi: Seat) -> None:
    """The group that ani made; dewi is in it, and only counts."""
    team = street.team
    street.netcat(street.signup, f"create_group {team}", f"Group {team} created")
    street.program(f"joingroup {street.token} {team} ")
    street.natively(street.dewi, lambda chat: chat.join_group(team))
    budi.enters(f"/join {team}")
    budi.sees(lambda: budi.screen.cursor_line == f"#{team}>", "the group's prompt")
    street.netcat(street.signup, f"message {team}", "Message: ")
    street.netcat(street.signup, "rapat jam tiga", "0[<date>] me : rapat jam tiga", "")
    budi.sees(f" {street.ani}: rapat jam tiga")
    assert street.unread(street.citra) == street.unread(street.dewi) == {f"#{team}": 1}
    (said,) = street.program(f"inboxgroup {street.token} {team}")["messages"]
    assert (said["sender"], said["receiver_group"], said["message"]) == (street.ani, team, "rapat jam tiga")
    assert street.unread(street.citra) == {}
    street.program(f"sendgroup {street.token} {team}  siap")
    budi.sees(f" {street.citra}: siap")
    street.sees(street.bracket, f"<date> {team}:{street.citra} siap")
    street.sees(street.signup, f"New message(s) from {team}")
    budi.enters("aku juga")
    street.sees(street.bracket, f"<date> {team}:{street.budi} aku juga")
    street.sees(street.signup, f"New message(s) from {team}")
    assert street.unread(street.ani) == {f"#{team}": 2}
    new = (f"[<date>] {street.citra} : siap", f"[<date>] {street.budi} : aku juga", "")
    street.netcat(street.signup, f"show {team} 1", "1---- New Message (s) -----", *new)
    street.netcat(street.bracket, "CHECK", "[OK] Tidak ada pesan baru")
    street.reads(street.budi, {})


def a_file_goes_around(street: Street, budi: Seat) -> None:
    """From citra's program to all; dewi keeps it, and her old program fetches it, and answers."""
    content = base64.b64encode(REPORT).decode()
    street.program(f"sendgroupfile {street.token} {street.team} b'{content}' C:\\diska\\laporan.bin")
    budi.sees(lambda: any("laporan.bin" in line for line in budi.screen.lines), "the file")
    street.sees(street.bracket, f"<date> {street.team}:{street.citra} [file laporan.bin]")
    street.sees(street.signup, f"New message(s) from {street.team}")
    street.natively(street.dewi, keeps_the_file)
    street.ftp.says(b"LIST\nRETR laporan.bin\n")
    street.ftp.hears(b"laporan.bin\n[OK] 1 entri\n[OK] %d\n%b" % (len(REPORT), REPORT))
    street.ftp.says(b"PUT jawaban.txt %d\n%b" % (len(ANSWER), ANSWER))
    street.ftp.hears(b"[OK] file telah terupload\n")
    street.natively(street.dewi, lambda chat: sends_on(chat, f"#{street.team}"))
    street.sees(street.bracket, f"<date> {street.team}:{street.dewi} [file jawaban.txt]")
    street.sees(street.signup, f"New message(s) from {street.team}")
    received = street.program(f"receivefile {street.token}")["content"]
    assert [(each["sender"], each["file_name"], each["file_content"]) for each in received] == [
        (street.dewi, "jawaban.txt", f"b'{base64.b64encode(ANSWER).decode()}'")
    ]
    found = [f"<date> {street.team}:{who} [file {name}]" for who, name in files_of(street)]
    street.netcat(street.bracket, "CHECK", *found, "[OK] 2 pesan baru")


def files_of(street: Street) -> list[tuple[str, str]]:
    """Who sent which file to the group."""
    return [(street.citra, "laporan.bin"), (street.dewi, "jawaban.txt")]


async def keeps_the_file(chat: Chat) -> None:
    """What came to a group, put among one's own."""
    (group,) = [row for row in await chat.conversations() if row.name.startswith("#")]
    (file,) = [each async for each in chat.files.list(conversation=group.conversation)]
    assert isinstance(file, StoredFile)
    await chat.files.store(await content_of(chat, file), "laporan.bin")


async def sends_on(chat: Chat, to: str) -> None:
    """What an old program put among one's own, to a group."""
    file = await chat.files.stat("jawaban.txt")
    content = await content_of(chat, file)
    assert content == ANSWER
    await chat.files.send(content, to, name="jawaban.txt")


async def content_of(chat: Chat, file: StoredFile) -> bytes:
    """Its bytes."""
    return b"".join([chunk async for chunk in chat.files.download(file)])


def everything_was_said_once_and_in_order(street: Street) -> None:
    """The native client reads the same in everybody's name, and the numbers have no holes."""
    ani, budi, citra, dewi = street.ani, street.budi, street.citra, street.dewi
    group = [(ani, "rapat jam tiga"), (citra, "siap"), (budi, "aku juga"), *files_of(street)]
    expected = [(number, who, text) for number, (who, text) in enumerate(group, 1)]
    for name in (ani, budi, citra, dewi):
        assert street.said(name, f"#{street.team}") == expected
        verified = street.natively(name, lambda chat: chat.verify(f"#{street.team}"))
        assert (verified.complete, verified.last_seq) == (True, len(expected))
    assert street.said(ani, budi) == [(1, ani, "halo dari  netcat"), (2, budi, "apa kabar?")]
    assert street.said(budi, ani) == street.said(ani, budi)
    assert street.said(ani, citra) == street.said(citra, ani) == [(1, citra, "lihat ini, #tim")]
