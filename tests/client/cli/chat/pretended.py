"""A chat that only pretends, and a front that only remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, cast

from client.chat import Chat
from client.cli.chat.desk import Desk
from client.cli.chat.room import Room
from client.inbox import Event
from protocol.commands import (
    ConversationInfo,
    GroupInfo,
    HistoryReply,
    MemberInfo,
    Message,
    ReadReply,
    RealmInfo,
    SendReply,
    UserInfo,
    WhoamiReply,
)
from tests.client.cli.files.pretended import PretendedFiles

NOON = 1_700_000_000_000_000
PATIENCE = 10.0


class PretendedChat:
    """Ani's. ``calls`` is what was asked; ``fails`` is raised, one after the other, by the call named."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.ids: list[bytes] = []
        self.fails: dict[str, list[Exception]] = {}
        self.news: asyncio.Queue[Event | Exception] = asyncio.Queue()
        self.rows = [
            ConversationInfo(1, "direct", "budi", b"", 1, 1, 0, NOON),
            ConversationInfo(2, "group", "#ops", b"", 3, 1, 2, NOON),
        ]
        self.files = PretendedFiles()
        self.gate = asyncio.Event()
        """Closed: sending takes its time."""
        self.gate.set()

    @property
    def chat(self) -> Chat:
        return cast(Chat, self)

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of this name."""
        return [call[1:] for call in self.calls if call[0] == name]

    def _note(self, name: str, *arguments: Any) -> None:
        self.calls.append((name, *arguments))
        if self.fails.get(name):
            raise self.fails[name].pop(0)

    async def listen(self) -> None:
        self._note("listen")

    async def events(self) -> AsyncIterator[Event]:
        while True:
            item = await self.news.get()
            if isinstance(item, Exception):
                raise item
            yield item

    async def whoami(self) -> WhoamiReply:
        return WhoamiReply("ani", 7, "desk", b"", NOON)

    async def conversations(self) -> list[ConversationInfo]:
        self._note("conversations")
        return self.rows

    async def get_user(self, name: str) -> UserInfo:
        self._note("get_user", name)
        return UserInfo(name.lower(), True, NOON)

    async def history(self, address: str, *, limit: int = 100) -> HistoryReply:
        self._note("history", address, limit)
        id = next((row.conversation for row in self.rows if row.name == address), 0)
        if not id:
            return HistoryReply(0, [], 1, 0, 0, 0)
        said = [Message(1, "budi", "earlier", NOON, bytes(16))]
        return HistoryReply(id, said, 1, 1, 1, 1)

    async def read(self, target: str | int, seq: int | None = None) -> ReadReply:
        self._note("read", target, seq)
        return ReadReply(1, 1, 0)

    async def typing(self, to: str) -> None:
        self._note("typing", to)

    async def send(self, to: str, body: str, *, id: bytes) -> SendReply:
        self.ids.append(id)
        await self.gate.wait()
        self._note("send", to, body)
        return SendReply(1, 2, NOON, False)

    async def online(self) -> list[str]:
        self._note("online")
        return ["ani", "dewi"]

    async def realms(self) -> list[RealmInfo]:
        self._note("realms")
        return [RealmInfo("b", "paired", 0, 0), RealmInfo("cabang", "paired", NOON, 3)]

    async def groups(self) -> list[GroupInfo]:
        self._note("groups")
        return [GroupInfo("ops", 3, True, True), GroupInfo("lab", 1, False, False)]

    async def join_group(self, name: str, password: str = "") -> None:
        self._note("join_group", name, password)

    async def create_group(self, name: str, password: str = "") -> None:
        self._note("create_group", name, password)

    async def leave_group(self, name: str) -> None:
        self._note("leave_group", name)

    async def remove_member(self, group: str, user: str) -> None:
        self._note("remove_member", group, user)

    async def group_members(self, name: str) -> list[MemberInfo]:
        self._note("group_members", name)
        return [MemberInfo("budi", True, True, NOON), MemberInfo("ani", False, False, NOON)]


class Notebook:
    """A front that remembers what it was told. ``answers`` are given to questions in turn."""

    seen = True

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.complaints: list[tuple[str, int]] = []
        self.questions: list[str] = []
        self.answers: list[str | None] = []
        self.while_asking: Callable[[], None] = lambda: None

    def show(self, lines: Iterable[str]) -> None:
        self.shown.extend(lines)

    def complain(self, sentence: str, code: int) -> None:
        self.complaints.append((sentence, code))

    async def ask_password(self, question: str) -> str | None:
        self.questions.append(question)
        self.while_asking()
        return self.answers.pop(0)

    def changed(self) -> None:
        pass


async def seated(address: str = "budi") -> tuple[PretendedChat, Notebook, Desk]:
    """Ani at a desk, a conversation open."""
    chat, front = PretendedChat(), Notebook()
    desk = Desk(chat.chat, Room("ani"), front)
    await desk.begin(address)
    chat.calls.clear()
    front.shown.clear()
    return chat, front, desk


async def until(holds: Callable[[], object]) -> None:
    """Wait for something to hold."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)
