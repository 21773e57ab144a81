"""Two real servers, paired as an operator does it, and people on both sides at every kind of door.

Belongs here: that the doors meet. What is lost, doubled or refused between realms is tried without processes.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from benchmarks.own_server import ROOT, OwnServer
from client import Chat, MessageEvent, ReadEvent
from tests.gateway.conftest import PASSWORD, Town
from tests.gateway.json_peer import JsonPeer
from tests.system.cli.person import Person
from tests.system.pesan import PESAN
from tests.system.screen import Seat

T = TypeVar("T")

SETTINGS = {
    **{"password_memory_kib": 8, "password_passes": 1},
    **{"realm_answer_timeout": 1.0, "realm_quiet": 0.5, "realm_pause_most": 1.0},
}
PATIENCE = 30.0


def operator(server: OwnServer, *words: str) -> str:
    """What ``pesan words…`` prints for who runs a server."""
    done = subprocess.run(
        [PESAN, *words], env=server.environment, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


async def until(found: Callable[[], T]) -> T:
    """What is found, once it is something. Meanwhile who listens in this process stays online."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.05)
    return result


@pytest.fixture
def realms() -> Iterator[tuple[OwnServer, OwnServer]]:
    """``a``, which has the older protocols too, and ``b``: paired."""
    with ExitStack() as exits:
        a, b = (
            exits.enter_context(
                OwnServer(
                    settings=SETTINGS, realm=True, gateway=name == "a", environment={"PESAN_REALM": name}
                )
            )
            for name in "ab"
        )
        operator(b, "realm", "join", operator(a, "realm", "invite"))
        yield a, b


class Listener:
    """Somebody's program, which writes down what it hears until it is asked."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self._events = chat.events()

    async def hears(self, kind: type[T]) -> T:
        """The next event of this kind."""
        async with asyncio.timeout(PATIENCE):
            async for event in self._events:
                if isinstance(event, kind):
                    return event
        raise AssertionError("the events ended")

    async def heard(self, count: int) -> list[tuple[int, str, str]]:
        """So many messages of others: (seq, sender, text)."""
        found: list[tuple[int, str, str]] = []
        while len(found) < count:
            event = await self.hears(MessageEvent)
            if event.sender != self.chat.user:
                found.append((event.seq, event.sender, event.body))
        return found


async def test_people_of_two_realms_meet_at_every_door(
    realms: tuple[OwnServer, OwnServer], tmp_path: Path
) -> None:
    a, b = realms
    ani = Person(tmp_path, a.connection, "ani").register("ani")
    async with Chat.connect(b.connection) as stranger:
        await stranger.register("budi", PASSWORD)
    async with Chat.connect(b.connection, username="budi", password=PASSWORD) as chat:
        budi = Listener(chat)
        await chat.listen()
        await _directly(a, ani, budi)
        await _in_a_group(a, ani, budi)
        await _at_a_terminal(ani, budi)
        await _while_one_is_away(b, ani, budi)


async def _directly(a: OwnServer, ani: Person, budi: Listener) -> None:
    """The shell, the library and the json dialect in one conversation."""
    assert ani.says("send", "BUDI@b", "from the shell", "--wait") == ""
    with JsonPeer(Town(a)) as citra:
        citra.enters("citra")
        citra.done("sendprivate budi@b from json")
        assert citra.refused("sendprivate eka@b hi") == "User Tidak Ditemukan"
        assert await budi.heard(2) == [(1, "ani@a", "from the shell"), (1, "citra@a", "from json")]
        await budi.chat.send("citra@a", "to json")
        await budi.chat.send("ani@a", "to the shell")

        def answered() -> list[tuple[str, str, str]]:
            shown = citra.done("inbox")["messages"]
            return [(one["sender"], one["sender_realm"], one["receiver_realm"]) for one in shown]

        assert await until(answered) == [("budi", "b", "a")]
        both = citra.done("inbox budi@b")["messages"]
        assert [(one["sender"], one["sender_realm"]) for one in both] == [("citra", "a"), ("budi", "b")]
    assert (await budi.hears(ReadEvent)).user == "citra@a"
    await budi.chat.read("ani@a")
    inbox = await until(lambda: ani.says("inbox"))
    assert "budi@b (1 unread)" in inbox and "budi@b: to the shell" in inbox

    def read() -> bool:
        return bool(ani.tells("history", "budi@b")[0]["delivery"] == "read")

    assert await until(read)
    assert await until(lambda: ani.says("user", "budi@b") == "budi@b online\n")
    unknown = ani.run("send", "eka@b", "hi")
    assert unknown.returncode == 4 and "There is no user eka@b" in unknown.stderr


async def _in_a_group(a: OwnServer, ani: Person, budi: Listener) -> None:
    """A group of b: joined, written in and read from a."""
    await budi.chat.create_group("team")
    await budi.chat.send("#team", "before")
    assert ani.tells("group", "join", "team@b")[0]["last_seq"] == 1
    sent = ani.tells("send", "#team@b", "from a")[0]
    assert (sent["seq"], sent["queued"]) == (0, True)
    assert await budi.heard(1) == [(2, "ani@a", "from a")]
    await budi.chat.send("#team", "from b")

    def shown() -> list[tuple[int, str, str]]:
        rows = ani.tells("history", "#team@b")
        return [(row["seq"], row["from"], row["body"]) for row in rows] if len(rows) == 3 else []

    found = await until(shown)
    assert found == [(1, "budi@b", "before"), (2, "ani", "from a"), (3, "budi@b", "from b")]
    members = ani.tells("group", "members", "team@b")
    assert {row["user"] for row in members} == {"ani", "budi@b"}
    assert "#team@b: complete 1..3" in ani.says("verify", "#team@b")


async def _at_a_terminal(ani: Person, budi: Listener) -> None:
    """The bar of pesan chat follows a message; Tab knows the realm; a post stands on the screen once."""
    seat = Seat([PESAN, "chat", "budi@b"], {**ani.environment, "LC_ALL": "C.UTF-8"}, ani.folder)

    def tabbed() -> bool:
        seat.types("\t")
        return seat.screen.cursor_line.endswith("dewi@b")

    try:
        seat.sees(lambda: seat.screen.cursor_line == "budi@b>", "a prompt")
        seat.enters("do you see this?")
        seat.sees(lambda: "| delivered |" in seat.screen.lines[-1], "delivered")
        await budi.heard(1)
        await budi.chat.read("ani@a")
        seat.sees(lambda: "| read |" in seat.screen.lines[-1], "read")
        seat.types("/to dewi@")
        seat.sees(tabbed, "a realm")
        seat.types("\x03")
        seat.enters("/to #team@b")
        seat.sees(lambda: seat.screen.cursor_line == "#team@b>", "the group")
        seat.enters("said once")
        assert (await budi.heard(1))[0][1:] == ("ani@a", "said once")
        await budi.chat.send("#team", "heard it")
        seat.sees("budi@b: heard it")
        assert [line for line in seat.screen.lines if line.endswith("said once")] == ["#team@b> said once"]
        assert "waiting" not in seat.screen.lines[-1]
        seat.enters("/quit")
        assert seat.ends() == 0
    finally:
        seat.leaves()


async def _while_one_is_away(b: OwnServer, ani: Person, budi: Listener) -> None:
    """What is said while b's door is shut is said to wait, and arrives in order when it opens."""
    b.kill("realm.1")

    def queued() -> str:
        return ani.run("send", "budi@b", "late").stderr

    said = await until(queued)
    assert said.startswith("queued: realm b has been away since ")
    with ani.begin("tail", "--events", "budi@b") as tail:
        tail.mutters("listening")
        ani.says("send", "budi@b", "-", stdin="".join(f"late {number}\n" for number in range(5)))
        post = ani.run("send", "#team@b", "late too")
        assert (post.returncode, post.stderr[:15]) == (0, "queued: realm b")
        b.start_worker("realm")
        texts: list[str] = []
        while not {"late 4", "late too"} <= set(texts):
            texts += [text for _, _, text in await budi.heard(1)]
        direct = [text for text in texts if text.startswith("late ") and text != "late too"]
        assert direct == [f"late {number}" for number in range(5)]
        tail.prints(lambda lines: any(line.startswith("-- delivered to budi@b") for line in lines))
