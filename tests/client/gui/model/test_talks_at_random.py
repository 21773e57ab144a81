"""Counts after a random life: messages late, hints lost, lists at any moment; in the end the server's.

The library hands out each message once and in order, however late; a list may be older or newer than what was
heard. That is all that ``talks`` may rely on.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from client.chat import Event
from client.gui.model.model import Model
from client.inbox import Status
from protocol.errors import NotFound
from protocol.events import MessageEvent
from tests.client.gui.model.scene import Scene, settle

STEPS = 150


class Mail:
    """What the server has told a window and the window has not heard. Hints may be lost."""

    def __init__(self, model: Model, rng: random.Random) -> None:
        self._model = model
        self._rng = rng
        self._waiting: list[Event] = []
        self.down = False

    def push(self, event: Event) -> None:
        if isinstance(event, MessageEvent) or not (self.down or self._rng.random() < 0.1):
            self._waiting.append(event)

    def bring(self, most: int) -> None:
        if not self.down:
            for event in self._waiting[:most]:
                self._model.hear(event)
            del self._waiting[:most]

    def turn(self, down: bool) -> None:
        """The line breaks, or is mended. What was said meanwhile comes then."""
        self.down = down
        self._model.hear(Status(not down, "Away." if down else ""))


@pytest.mark.parametrize("seed", range(25))
async def test_counts_are_the_servers_in_the_end(scene: Scene, seed: int) -> None:
    rng = random.Random(seed)
    scene.server.group("team", "ani", "budi", "citra")
    scene.server.group("crew", "ani", "dewi")
    model = await scene.enter("ani")
    mail = Mail(model, rng)
    scene.server.chats[0].push = mail.push  # type: ignore[method-assign]
    for _ in range(STEPS):
        await _step(scene, model, mail, rng)
    mail.turn(down=True)
    mail.turn(down=False)
    await settle()
    mail.bring(STEPS * 2)
    await settle()
    rows = {row.conversation: row for row in await model.chat.conversations()}
    talks = {talk.id: talk for talk in model.talks.rows}
    assert talks.keys() == rows.keys()
    for number, row in rows.items():
        talk, messages = talks[number], scene.server.places[number].messages
        assert (talk.name, talk.last_seq, talk.unread, talk.read_seq) == (
            row.name,
            row.last_seq,
            row.unread,
            row.read_seq,
        )
        assert talk.excerpt == (messages[-1].body if messages else "")


async def _step(scene: Scene, model: Model, mail: Mail, rng: random.Random) -> None:
    server, kind = scene.server, rng.randrange(8)
    if kind <= 2:
        sender, to = rng.choice([("budi", "ani"), ("citra", "#team"), ("dewi", "#crew"), ("budi", "*")])
        if to != "#crew" or "ani" in server.group_named("crew").users:
            server.say(sender, to, f"{rng.random()}")
    elif kind == 3:
        server.say("ani", rng.choice(["budi", "#team"]), f"{rng.random()}")
    elif kind == 4:
        mail.bring(rng.randrange(6))
    elif kind == 5 and model.talks.rows:
        await _read(model, rng)
    elif kind == 6:
        mail.turn(down=not mail.down)
        mail.bring(rng.randrange(4))
    else:
        with contextlib.suppress(NotFound):  # we were out already
            await (model.chat.leave_group if rng.random() < 0.5 else model.chat.join_group)("crew")
    for _ in range(rng.randrange(3)):
        await asyncio.sleep(0)


async def _read(model: Model, rng: random.Random) -> None:
    """Here, or on another device of ours."""
    talk = rng.choice(model.talks.rows)
    seq = rng.randint(0, talk.last_seq)
    if rng.random() < 0.5 and seq:
        model.talks.read(talk.id, seq)
    with contextlib.suppress(NotFound):  # left, and we have not heard of it
        await model.chat.read(talk.id, seq)
