"""Ani's session behind an imagined gateway: she is in the realm ``here``, and talks to people of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gateway.visitor import Visitor
from protocol.commands import ConversationInfo, FoundReply, HelloReply, HistoryReply, Message, SendReply
from protocol.errors import Forbidden, NotFound
from tests.gateway.imagined import Imagined, System

NOON = 1_700_000_000_000_000
PAIRED = ("b", "c")
ROWS = {
    1: ("direct", "budi@b", ["budi@b", "ani"]),
    2: ("group", "#team@b", ["budi@b", "citra@c", "ani", "dewi"]),
    3: ("direct", "dewi", ["dewi"]),
}


class Abroad(System):
    """Ani's session, in the realm ``here``: she talks with budi@b and dewi, and is in #team@b."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.fails: Exception | None = None

    async def hello(self) -> HelloReply:
        return HelloReply("0", 1, "here", 1, 2, 0, [], {})

    async def find(self, name: str) -> FoundReply:
        return FoundReply(found=name == "dewi", group=False)

    async def send(self, to: str, body: str) -> SendReply:
        self._note(f"send {to} {body}")
        return SendReply(1, 3, NOON, False)

    async def join_group(self, name: str, password: str = "") -> None:
        self._note(f"join {name}")

    async def leave_group(self, name: str) -> None:
        self._note(f"leave {name}")

    async def messages(self, target: int, after: int) -> AsyncIterator[Message]:
        for message in (await self.history(target)).messages:
            yield message

    async def conversations(self) -> list[ConversationInfo]:
        return [
            ConversationInfo(number, kind, name, b"", len(said), 0, 1, NOON + number)
            for number, (kind, name, said) in ROWS.items()
        ]

    async def history(
        self, target: int | str, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> HistoryReply:
        names = {name: number for number, (_, name, _) in ROWS.items()}
        number = target if isinstance(target, int) else names.get(target, 0)
        realm = str(target).partition("@")[2]
        if not number and realm in PAIRED:
            if str(target).startswith("#"):
                raise Forbidden(f"You are not a member of {target}.")
            return HistoryReply(0, [], 1, 0, 0, 0)  # somebody whom nobody here has met, if there is one
        if not number:
            raise NotFound(f"There is no {target}.")
        senders = ROWS[number][2]
        said = [Message(seq, sender, "hi", NOON, b"") for seq, sender in enumerate(senders, 1)]
        return HistoryReply(number, said, 1, len(said), len(said), 0)

    async def read(self, conversation: int, seq: int) -> None:
        self._note(f"read {conversation}")

    def _note(self, done: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.log.append(done)


class Here(Imagined):
    """A gateway behind which ani's session is."""

    def system(self, visitor: Visitor) -> Any:
        return Abroad(visitor.address)
