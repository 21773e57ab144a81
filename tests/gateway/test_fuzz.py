"""Whatever is typed, and whatever the system answers to it: a dialect says something, and goes on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.errors import Closed, LoggedOut, Offline, Timeout
from gateway.bracket import Bracket
from gateway.dialect import Dialect
from gateway.ftp import Ftp
from gateway.json import Json
from gateway.server import DIALECTS
from gateway.signup import Signup
from gateway.visitor import Visitor
from protocol import errors
from protocol.commands import (
    ConversationInfo,
    FoundReply,
    GroupReply,
    HelloReply,
    HistoryReply,
    Message,
    ReadReply,
    SendReply,
    UserInfo,
    WhoamiReply,
)
from protocol.files import FileInfo, FinishReply, StoredFile
from tests.gateway.imagined import Imagined, within

NOW: Final = 1_700_000_000_000_000
FILE: Final = FileInfo(1, "notes.txt", 5, "text/plain", bytes(32))
TROUBLES: Final[list[Exception]] = [
    *(kind("No, for this reason.") for kind in errors.FAILURES.values()),
    errors.RateLimited("Too often.", retry_after=3.0),
    errors.TooLarge("Too large.", limit=10, used=9),
    errors.Invalid("Too short.", limit=8),
    Timeout("No answer."),
    Offline("Not reached."),
    LoggedOut("Over."),
    Closed("Closed."),
]
PROBES: Final[dict[type[Dialect], tuple[bytes, bytes]]] = {
    Signup: (b"nosuch\0", rb"\A(command not exists|Anda belum login!)"),
    Bracket: (b"nosuch\n", rb"\A\[ERR\] Format message tidak sesuai\n"),
    Ftp: (b"nosuch\n", rb"\A\[ERR\] (command tidak ditemukan|anda belum terautentikasi)\n"),
    Json: (b"nosuch\r\n", rb"Maaf, command tidak benar"),
}
"""Said in the end; what is answered to it."""
ARGUMENTS: Final = [
    b"ani",
    b"budi",
    b"#ops",
    b"ops",
    b"*",
    b"budi@elsewhere",
    b"budi@here",
    b"rahasia123",
    b"0",
    b"7",
    b"-1",
    b"99999999999999999999",
    b"notes.txt",
    b"..",
    b"/",
    b"a/b",
    b"b'aGFsbG8='",
    b"b'*'",
    b"{0}",
    b"%s",
    b"\xff",
    b"",
    b"x" * 40,
    "ä".encode(),
    b"\x1b[2J",
    b"\r",
]


class Files:
    """What stands in for the files of a session."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer

    def let_go(self) -> None:
        """There is no socket."""

    async def pour(self, read: Callable[[int], Awaitable[bytes]], size: int, **where: Any) -> FinishReply:
        self._answer()
        while size > 0:
            size -= len(await read(min(size, 100)))
        return FinishReply(FILE, 1, 2, NOW, False)

    async def stat(self, file: object) -> StoredFile:
        self._answer()
        return StoredFile(1, "notes.txt", 5, "text/plain", bytes(32), "budi", NOW, path="notes.txt")

    async def delete(self, file: object) -> None:
        self._answer()

    async def list(self, *path: object, **which: object) -> AsyncIterator[StoredFile]:
        self._answer()
        yield StoredFile(1, "notes.txt", 5, "text/plain", bytes(32), "budi", NOW, conversation=1, seq=2)

    async def download(self, *file: object, **how: object) -> AsyncIterator[bytes]:
        self._answer()
        yield b"hello"


class Fickle:
    """A session of a system that answers what fits, or with the next of ``troubles`` (None: no trouble)."""

    def __init__(self, troubles: Iterator[Exception | None]) -> None:
        self._troubles = troubles
        self.user, self.token = "", b""
        self.files = Files(self._trouble)

    def _trouble(self) -> None:
        trouble = next(self._troubles, None)
        if trouble is not None:
            raise trouble

    async def close(self) -> None:
        """Nothing is open."""

    async def login(self, username: str, password: str, device: str = "") -> None:
        self._trouble()
        self.user, self.token = username, b"a token"

    async def logout(self) -> None:
        self._trouble()
        self.user, self.token = "", b""

    async def messages(self, *which: object) -> AsyncIterator[Message]:
        self._trouble()
        for message in self._history().messages:
            yield message

    def _history(self) -> HistoryReply:
        said = [
            Message(1, "budi", "hello\nthere", NOW, bytes(16)),
            Message(2, "budi", "notes.txt", NOW, bytes(16), FILE),
        ]
        return HistoryReply(1, said, 1, 2, 2, 0)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        answers = {
            "listen": None,
            "leave_group": None,
            "hello": HelloReply("1", 1, "here", 1, 2, NOW, [], {}),
            "register": "ani",
            "whoami": WhoamiReply("ani", 1, "", b"", NOW),
            "find": FoundReply(True, False),
            "get_user": UserInfo("budi", True, NOW),
            "users": [UserInfo("ani", True, NOW), UserInfo("budi", False, NOW)],
            "online": ["ani", "budi"],
            "send": SendReply(1, 3, NOW, False),
            "broadcast": SendReply(3, 3, NOW, False),
            "history": self._history(),
            "read": ReadReply(1, 2, 0),
            "create_group": GroupReply(2, bytes(16), 0),
            "join_group": GroupReply(2, bytes(16), 0),
            "conversations": [
                ConversationInfo(1, "direct", "budi", b"", 2, 0, 2, NOW),
                ConversationInfo(2, "group", "#ops", bytes(16), 2, 0, 2, NOW),
                ConversationInfo(3, "broadcast", "*", bytes(16), 2, 0, 2, NOW),
            ],
        }
        answer = answers[name]

        async def ask(*arguments: object, **named: object) -> Any:
            self._trouble()
            return answer

        return ask


class Town(Imagined):
    """A gateway in front of a fickle system."""

    def __init__(self, troubles: list[Exception | None]) -> None:
        super().__init__(gateway_segment_pause=0.003, gateway_content_timeout=5.0, file_max_bytes=2_000)
        self._troubles = iter(troubles)

    def system(self, visitor: Visitor) -> Fickle:
        return Fickle(self._troubles)


@cache
def requests(dialect: type[Dialect]) -> st.SearchStrategy[bytes]:
    """What somebody could type: mostly words of the dialect, mostly with arguments that mean something."""
    words = [word.encode() for word in dialect.COMMANDS if word not in ("EXIT", "exit")]
    likely = st.builds(
        lambda word, arguments, blank: blank.join([word, *arguments]),
        st.sampled_from(words),
        st.lists(st.sampled_from(ARGUMENTS), max_size=4),
        st.sampled_from([b" ", b" ", b"  "]),
    )
    ends = st.sampled_from(dialect.FRAMING.ends)
    return st.builds(bytes.__add__, st.one_of(likely, likely, st.binary(max_size=60)), ends)


LOGIN: Final[dict[type[Dialect], bytes]] = {
    Signup: b"login ani rahasia123\0",
    Bracket: b"LOGIN ani rahasia123\n",
    Ftp: b"USER ani\nPASS rahasia123\n",
    Json: b"auth ani rahasia123\r\n",
}


async def typed(dialect: type[Dialect], pieces: list[bytes], troubles: list[Exception | None]) -> list[bytes]:
    """Type it all, then the probe until it is answered; what was written."""
    town = Town(troubles)
    wire = town.visit(dialect)
    for piece in pieces:
        wire.says(piece)
        await asyncio.sleep(0)
    probe, answer = PROBES[dialect]
    before = len(wire.heard)

    def answered() -> bool:
        return wire.closed or any(re.search(answer, piece) for piece in wire.heard[before:])

    for times in (1, 1, *[100] * 40):  # some bytes may have been announced, and a dialogue be open
        before = len(wire.heard)
        wire.says(probe * times)
        try:
            await within(answered, 0.05)
        except TimeoutError:
            continue
        break
    assert answered(), wire.heard[-3:]
    assert not town.quiet.faults, town.quiet.faults
    wire.breaks()
    await asyncio.sleep(0)
    return wire.heard


def is_in_form(dialect: type[Dialect], reply: bytes) -> bool:
    """Whether one write is what a client of the dialect can read."""
    if dialect is Json:
        objects = reply.split(b"\r\n\r\n")
        return objects.pop() == b"" and all(
            {"status", "data", "message"} <= {*json.loads(one)} for one in objects
        )
    return reply == b"Message: " or reply == b"File location: " or reply.endswith((b"\n", b"\0"))


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_typed_is_answered_in_form_and_the_connection_goes_on(
    dialect: type[Dialect], data: st.DataObject
) -> None:
    lines = data.draw(st.lists(requests(dialect), min_size=1, max_size=8))
    stream = b"".join(lines)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    pieces = [stream[begin:end] for begin, end in zip([0, *places], [*places, len(stream)], strict=True)]
    login = [LOGIN[dialect]] if data.draw(st.booleans()) else []
    troubles = data.draw(st.lists(st.sampled_from([None, None, *TROUBLES]), max_size=12))
    calm: list[Exception | None] = [None] * 3
    heard = asyncio.run(typed(dialect, login + pieces, (calm if login else []) + troubles))
    if dialect is not Ftp:  # bytes of files are bytes
        assert all(is_in_form(dialect, reply) for reply in heard), heard


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_who_finds_no_room_or_says_too_much_at_once_is_told_so_in_form(dialect: type[Dialect]) -> None:
    town = Town([])
    town.most = 1
    first, late = town.visit(dialect), town.visit(dialect)
    first.says(b"x" * 70_000 + dialect.FRAMING.ends[0])
    await within(lambda: first.heard)
    assert (late.closed, len(late.heard), len(first.heard)) == (True, 1, 1)
    for reply in (late.said, first.said):
        assert is_in_form(dialect, reply)
    first.breaks()
    await asyncio.sleep(0)
    assert not town.quiet.faults


async def test_a_stranger_who_announces_more_than_any_file_has_is_answered_and_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.files.LINGER", 0.01)
    wire = Town([]).visit(Ftp)
    wire.says(b"PUT notes.txt 99999999999999999999\nnosuch\n")
    await within(lambda: wire.aborted)
    assert wire.said == b"[ERR] anda belum terautentikasi\n"
