"""``python -m benchmarks.crash.client FILE``: a program of some users, on the real client library.

It keeps a ledger, and nothing else: started anew after a kill, it reads there what had no answer and
sends that again first, under the same ids, and from where on to hear. Lines on stdin tell it to ``go``
and to ``stop`` writing; at the end of stdin it closes.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks import ledger
from benchmarks.ledger import Ledger, Reader
from client import Chat, ClientError, Failure, MessageEvent
from protocol.message_id import message_id

CALL_TIMEOUT = 30.0
"""Seconds that a call of the library may take in these programs."""
WINDOW = 128
"""Messages of one user without an answer; at this many they wait."""
PROBE_EVERY = 0.1
PROBES: dict[str, Callable[[Chat], Awaitable[object]]] = {
    "auth": Chat.whoami,
    "messaging": Chat.conversations,
    "group": Chat.groups,
    "file": lambda chat: chat.files.usage(),
}
"""What is asked of each service."""


class Person(Struct):
    """One user of a program. ``token`` is what a real program would keep beside its cursors."""

    name: str
    token: str
    to: str = ""
    rate: float = 0.0
    probes: bool = False


class Past(Struct):
    """What an earlier run left in the ledger, for one user."""

    cursors: dict[int, int]
    unanswered: list[tuple[str, int]]
    """Message ids in the order in which they were sent first, and tries so far."""


def body_of(user: str, identity: str) -> str:
    """A message's text follows from its id, so that the judge can tell whether it is the right one."""
    return f"{user} says {identity}"


def read_past(path: Path) -> dict[str, Past] | None:
    """What each user of this program must go on with; None: this is its first run."""
    if not path.exists():
        return None
    past: dict[str, Past] = {}
    open_calls: dict[str, dict[str, int]] = {}
    for line in Reader(path.parent, path.name).new():
        fields = line.fields
        if line.what not in (ledger.SENT, ledger.ACKED, ledger.HEARD, ledger.CURSOR):
            continue
        user = fields[0]
        mine = past.setdefault(user, Past({}, []))
        if line.what == ledger.SENT:
            open_calls.setdefault(user, {})[fields[2]] = int(fields[3])
        elif line.what == ledger.ACKED:
            open_calls[user].pop(fields[2], None)
        else:
            mine.cursors[int(fields[1])] = int(fields[2])
    for user, calls in open_calls.items():
        past[user].unanswered = list(calls.items())
    return past


class Member:
    """One user at work."""

    def __init__(self, person: Person, server: str, past: Past | None, book: Ledger) -> None:
        self.person = person
        self._unanswered = past.unanswered if past else []
        self._book = book
        self._chat = Chat.connect(
            server,
            token=bytes.fromhex(person.token),
            timeout=CALL_TIMEOUT,
            cursors=past.cursors if past else None,
        )
        self._writing = False
        self._calls: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def settled(self) -> None:
        """Wait until nothing waits for an answer."""
        while self._calls:
            await asyncio.wait(self._calls)

    async def enter(self) -> None:
        """Begin to hear."""
        await self._chat.__aenter__()
        while True:
            try:
                await self._chat.listen()
                break
            except (ClientError, Failure):
                await asyncio.sleep(0.2)
        for conversation, seq in self._chat.cursors.items():
            self._book.note(ledger.CURSOR, self.person.name, conversation, seq)
        self._tasks.append(asyncio.create_task(self._hear()))

    def go(self) -> None:
        """Begin to write: first what an earlier run left without an answer, in its order."""
        self._writing = True
        for identity, tries in self._unanswered:
            self._post(identity, tries + 1)
        if self.person.to:
            self._tasks.append(asyncio.create_task(self._write()))
        if self.person.probes:
            self._tasks.extend(asyncio.create_task(self._ask(service)) for service in PROBES)

    def stop(self) -> None:
        """Write nothing new."""
        self._writing = False

    async def close(self) -> None:
        """Leave."""
        for task in (*self._tasks, *self._calls):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._calls, return_exceptions=True)
        await self._chat.close()

    async def _hear(self) -> None:
        note, name = self._book.note, self.person.name
        async for event in self._chat.events():
            if isinstance(event, MessageEvent):
                note(ledger.HEARD, name, event.conversation, event.seq, event.id.hex(), event.sender)

    async def _write(self) -> None:
        await asyncio.sleep(random.random() / self.person.rate)
        due = time.monotonic()
        while self._writing:
            if len(self._calls) < WINDOW:
                self._post(message_id(time.time_ns() // 1_000_000).hex(), 1)
            due = max(due + 1 / self.person.rate, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _post(self, identity: str, tries: int) -> None:
        self._book.note(ledger.SENT, self.person.name, self.person.to, identity, tries)
        call = asyncio.create_task(self._send(identity, tries))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _send(self, identity: str, tries: int) -> None:
        """Call until it is stored, as a program does that wants it stored."""
        name, to = self.person.name, self.person.to
        while True:
            try:
                reply = await self._chat.send(to, body_of(name, identity), id=bytes.fromhex(identity))
            except (ClientError, Failure) as error:
                self._book.note(ledger.FAILED, name, to, identity, type(error).__name__)
            else:
                self._book.note(
                    ledger.ACKED, name, to, identity, reply.conversation, reply.seq, int(reply.duplicate)
                )
                return
            await asyncio.sleep(0.2)
            tries += 1
            self._book.note(ledger.SENT, name, to, identity, tries)

    async def _ask(self, service: str) -> None:
        """One request after the other to a service, each in its own time."""
        number = 0
        while self._writing:
            number += 1
            call = asyncio.create_task(self._probe(service, number))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await asyncio.sleep(PROBE_EVERY)

    async def _probe(self, service: str, number: int) -> None:
        name, outcome = self.person.name, "ok"
        self._book.note(ledger.ASKED, name, service, number)
        try:
            await PROBES[service](self._chat)
        except (ClientError, Failure) as error:
            outcome = type(error).__name__
        self._book.note(ledger.TOLD, name, service, number, outcome)


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def main(name: str, part: dict[str, Any]) -> None:
    """Play a part: ``server``, ``ledger`` and ``people``."""
    path = Path(part["ledger"])
    past = read_past(path)
    book = Ledger(path)
    members = [
        Member(
            Person(**person),
            part["server"],
            past.get(person["name"], Past({}, [])) if past is not None else None,
            book,
        )
        for person in part["people"]
    ]
    await asyncio.gather(*(member.enter() for member in members))
    book.note(ledger.STATE, name, "ready")
    commands = await _commands()
    while order := (await commands.readline()).decode().strip():
        for member in members:
            getattr(member, order)()
        if order == "stop":
            await asyncio.gather(*(member.settled() for member in members))
            book.note(ledger.STATE, name, "idle")
    await asyncio.gather(*(member.close() for member in members))
    book.note(ledger.STATE, name, "closed")
    book.close()


def play(file: str) -> None:
    """Play the part that a file describes."""
    part = Path(file)
    asyncio.run(main(part.stem, json.loads(part.read_text())))


if __name__ == "__main__":
    play(sys.argv[1])
