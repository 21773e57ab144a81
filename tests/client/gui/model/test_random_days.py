"""Random days in a room: people write, the line breaks, answers are lost, windows are closed and opened.

Whatever happens, a message is stored once, in the order in which it was typed, and stands in the rows once,
in the order of the server. Time is the loop's own and jumps to whatever is due next, so a day takes moments.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import pytest

from client.errors import Offline, Timeout
from client.gui.model.keeping import Forgetful
from client.gui.model.model import Model
from client.gui.model.pages import KEPT
from client.gui.model.room import Room
from client.inbox import Event, SetBack, Status
from protocol.errors import Busy
from protocol.events import MessageEvent
from tests.client.gui.fake_chat import SERVER, FakeServer
from tests.client.gui.fake_server import Place
from tests.client.gui.model.rooms import fill, said

STEPS: Final = 120
DAYS: Final = 12


class Leap(asyncio.SelectorEventLoop):
    """A loop whose clock goes on to the next thing that is due."""

    _now = 1_000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class Wire:
    """What a chat hears: nothing while the line is down, and then the messages that it missed."""

    def __init__(self, push: Callable[[Event], None]) -> None:
        self._push = push
        self._missed: list[Event] | None = None

    def push(self, event: Event) -> None:
        if self._missed is None:
            self._push(event)
        elif isinstance(event, MessageEvent):
            self._missed.append(event)

    def breaks(self) -> None:
        if self._missed is None:
            self._push(Status(False, "gone"))
            self._missed = []

    def is_back(self) -> None:
        missed, self._missed = self._missed, None
        if missed is not None:
            self._push(Status(True))
            for event in missed:
                self._push(event)


class Day:
    """One window after the other of ani's in one browser, in which #team is open."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.server = FakeServer()
        self.server.add("ani", "budi")
        self.place: Place = self.server.group("team", "ani", "budi")
        fill(self.server, self.place, self.chance.choice([0, 3, 49, 50, 51, 700]))
        self.place.read["ani"] = self.chance.randrange(len(self.place.messages) + 1)
        self.keeping = Forgetful()
        self.model: Model
        self.wire: Wire
        self.typed: list[str] = []
        self.lost = False
        """Whether the server was set back, and some of what was typed is gone there."""

    # --- what may happen ------------------------------------------------------------------------

    async def begin(self) -> None:
        self.model = Model(self.keeping, server=SERVER, chats=self.server.connect)
        await self.model.start()
        if not self.model.user:
            assert await self.model.entry.login("ani", "secret", remember=True)
        chat = self.server.chats[-1]
        self.wire = Wire(chat.push)
        chat.push = self.wire.push  # type: ignore[method-assign]
        await self.model.open("#team")

    @property
    def room(self) -> Room:
        assert self.model.room is not None
        return self.model.room

    async def says(self) -> None:
        text = f"ani {len(self.typed)}"
        if self.room.say(text):
            self.typed.append(text)

    async def hears(self) -> None:
        for _ in range(self.chance.choice([1, 1, 2, 5, 60, 250])):
            self.server.say("budi", "#team", f"budi {len(self.place.messages)}")

    async def breaks(self) -> None:
        self.server.away = True
        self.wire.breaks()

    async def is_back(self) -> None:
        self.server.away = False
        self.wire.is_back()

    async def loses_answers(self) -> None:
        self.server.fail("send", *self.chance.choices([Timeout("?"), Offline("?"), Busy("?")], k=2))
        self.server.fail("history", *self.chance.choices([Timeout("?"), Busy("?")], k=1))

    async def stores_without_an_answer(self) -> None:
        waiting = self.model.outbox.to("#team")
        if waiting and not self.server.stored(waiting[0].id):
            self.server.store("ani", "#team", waiting[0].text, waiting[0].id)

    async def scrolls(self) -> None:
        room = self.room
        room.follow(self.chance.random() < 0.4)
        if room.pages:
            first = self.chance.randrange(len(room.pages))
            room.near(first, first + self.chance.randrange(3))

    async def scrolls_up(self) -> None:
        self.room.follow(False)
        await self.room.older()

    async def goes_to_the_newest(self) -> None:
        self.room.to_newest()

    async def opens_it_again(self) -> None:
        self.model.leave_room()
        await self.is_back()
        await self.model.open("#team")

    async def opens_another_window(self) -> None:
        await self.model.close()
        self.server.away = False
        await self.begin()

    async def is_set_back(self) -> None:
        """The server was restored from an older copy; whoever listens is told so, and hears what follows."""
        heard = len(self.place.messages)
        if heard < 20 or self.chance.random() < 0.7:
            return
        await self.is_back()
        await asyncio.sleep(5)
        self.lost = True
        last = heard - self.chance.choice([1, 5, 300])
        del self.place.messages[max(last, 0) :]
        for user in self.place.read:
            self.place.read[user] = min(self.place.read[user], len(self.place.messages))
        self.server.tell(SetBack(self.place.id, "#team", heard, len(self.place.messages)), "ani")

    async def step(self) -> None:
        often = [self.says, self.hears, self.scrolls, self.scrolls_up]
        seldom = [self.breaks, self.is_back, self.is_back, self.loses_answers, self.stores_without_an_answer]
        rarely = [self.goes_to_the_newest, self.opens_it_again, self.opens_another_window, self.is_set_back]
        (what,) = self.chance.choices([*often, *seldom, *rarely], [4] * 4 + [2] * 5 + [1] * 4)
        await what()
        await asyncio.sleep(self.chance.choice([0, 0, 0.05, 0.4, 3, 30]))

    # --- what holds -----------------------------------------------------------------------------

    def check(self) -> None:
        """At any time: rows are the server's messages, in order, each once; no typed one is there twice."""
        room = self.room
        assert sum(page.rows is not None for page in room.pages) <= KEPT + 2
        for page, following in zip(room.pages, room.pages[1:], strict=False):
            assert (page.last + 1, page.number + 1) == (following.first, following.number)
        rows = said(room)
        numbers = [row.seq for row in rows if row.seq]
        assert numbers == sorted(set(numbers))
        texts = [row.body for row in rows if row.own]
        assert len(texts) == len(set(texts))
        assert [row.id for row in rows].count(b"") == 0

    def same(self) -> None:
        """When all is calm: what is shown is what the server has."""
        by_seq = {message.seq: message.body for message in self.place.messages}
        for row in said(self.room):
            assert row.seq and by_seq[row.seq] == row.body

    async def end(self) -> None:
        await self.is_back()
        await asyncio.sleep(120)
        room = self.room
        room.to_newest()
        await asyncio.sleep(120)
        assert not room.loading and not room.waiting and not room.held and not self.model.outbox.parcels
        self.same()
        seen: list[int] = []
        while not room.at_start:
            await room.older()
        for at in range(len(room.pages)):
            room.near(at, at)
            await asyncio.sleep(1)
            page = room.pages[at]
            seen += [row.seq for row in said(room) if page.first <= row.seq <= page.last]
        assert seen == list(range(1, len(self.place.messages) + 1))
        self.same()
        ours = [message.body for message in self.place.messages if message.body.startswith("ani")]
        if self.lost:
            assert len(ours) == len(set(ours)) and set(ours) <= set(self.typed)
        else:
            assert ours == self.typed
        talk = self.model.talks.named("#team")
        assert talk is not None and talk.last_seq == len(self.place.messages)


async def a_day(seed: int) -> None:
    day = Day(seed)
    await day.begin()
    try:
        for _ in range(STEPS):
            await day.step()
            day.check()
        await day.end()
    finally:
        await day.model.close()


@pytest.mark.parametrize("seed", range(DAYS))
def test_nothing_is_doubled_lost_or_out_of_order(seed: int) -> None:
    with asyncio.Runner(loop_factory=Leap) as runner:
        runner.run(asyncio.wait_for(a_day(seed), 10_000_000))
