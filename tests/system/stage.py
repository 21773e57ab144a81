"""Plays: tests of the whole system written as sentences, one step a line.

    ani says "hello" to budi
    budi hears "hello" from ani

Each actor is a ``client.Chat`` on a real server. ``budi's phone`` is another session of budi's.
``STEPS`` is the whole language; a sentence that fits no step fails the play. A step may end with
``, but: CODE`` when the server is expected to refuse it with that code.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from benchmarks.own_server import OwnServer
from client import Chat, Failure, LoggedOut, MessageEvent
from protocol.events import MembershipEvent, PresenceEvent, ReadEvent, TypingEvent

PASSWORD = "password of {}"
PATIENCE = 20.0
"""Seconds within which what must be heard is heard."""
SILENCE = 0.4
"""Seconds of hearing nothing that count as hearing nothing."""

Step = Callable[..., Awaitable[None]]
STEPS: list[tuple[re.Pattern[str], Step]] = []


def step(sentence: str) -> Callable[[Step], Step]:
    """Register a step. ``NAME`` stands for an actor, ``WORD`` for a word, ``TEXT`` for quoted text."""
    pattern = sentence.replace("NAME", r"([a-z]+(?:'s [a-z]+)?)").replace("WORD", r"(\S+)")
    pattern = pattern.replace("TEXT", r'"([^"]*)"')

    def register(function: Step) -> Step:
        STEPS.append((re.compile(pattern), function))
        return function

    return register


class Actor:
    """One session and what it has heard so far."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.heard: list[Any] = []
        self.ended = False
        self._news = asyncio.Condition()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async for event in self.chat.events():
                async with self._news:
                    self.heard.append(event)
                    self._news.notify_all()
        except LoggedOut:
            self.ended = True

    async def hears(self, what: Callable[[Any], bool]) -> None:
        """Wait for an event, and strike it from what was heard."""

        def found() -> bool:
            return any(what(event) for event in self.heard)

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(found), PATIENCE)
            except TimeoutError:
                raise AssertionError(f"not heard; but: {self.heard}") from None
            self.heard.remove(next(event for event in self.heard if what(event)))

    async def close(self) -> None:
        """Leave the stage."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self.chat.close()


class Stage:
    """Runs plays against one server."""

    def __init__(self, server: OwnServer) -> None:
        self.server = server
        self.actors: dict[str, Actor] = {}
        self._exits = AsyncExitStack()

    async def play(self, script: str) -> None:
        """Run every line; raises ``AssertionError`` with the line that failed."""
        async with self._exits:
            for number, line in enumerate(script.splitlines(), 1):
                sentence = line.strip().rstrip(".")
                if sentence and not sentence.startswith("#"):
                    await self._line(number, sentence)

    async def _line(self, number: int, sentence: str) -> None:
        sentence, _, expected = sentence.partition(", but: ")
        for pattern, function in STEPS:
            match = pattern.fullmatch(sentence)
            if match is None:
                continue
            try:
                await asyncio.wait_for(function(self, *match.groups()), 3 * PATIENCE)
                refused, why = "", {}
            except Failure as error:
                refused, why = error.code, error.body()
            except AssertionError as error:
                raise AssertionError(f"line {number}: {sentence}\n{error}") from None
            assert refused == expected, f"line {number}: {sentence}: refused with {refused!r} {why}"
            return
        raise AssertionError(f"line {number}: no step fits: {sentence}")

    async def enter(self, name: str, password: str = "") -> None:
        """Log an actor in; returns when they are listening."""
        user = name.partition("'s ")[0]
        chat = Chat.connect(
            self.server.connection, username=user, password=password or PASSWORD.format(user), device=name
        )
        await self._exits.enter_async_context(chat)
        await chat.listen()
        actor = self.actors[name] = Actor(chat)
        self._exits.push_async_callback(actor.close)

    def chat(self, name: str) -> Chat:
        """The chat of an actor on stage."""
        return self.actors[name].chat


@step("NAME comes")
async def comes(stage: Stage, name: str) -> None:
    async with Chat.connect(stage.server.connection) as chat:
        await chat.register(name, PASSWORD.format(name))
    await stage.enter(name)


@step("NAME logs in")
async def logs_in(stage: Stage, name: str) -> None:
    await stage.enter(name)


@step("NAME logs in with TEXT")
async def logs_in_with(stage: Stage, name: str, password: str) -> None:
    await stage.enter(name, password)


@step("NAME leaves the stage")
async def leaves(stage: Stage, name: str) -> None:
    await stage.actors.pop(name).close()


@step("NAME logs out")
async def logs_out(stage: Stage, name: str) -> None:
    await stage.chat(name).logout()


@step("NAME says TEXT to WORD")
async def says(stage: Stage, name: str, text: str, to: str) -> None:
    await stage.chat(name).send(to, text)


@step("NAME says (\\d+) things to WORD")
async def says_many(stage: Stage, name: str, count: str, to: str) -> None:
    chat = stage.chat(name)
    await asyncio.gather(*(chat.send(to, f"{number} from {name}") for number in range(int(count))))


@step("NAME hears TEXT from NAME")
async def hears(stage: Stage, name: str, text: str, sender: str) -> None:
    await stage.actors[name].hears(
        lambda event: isinstance(event, MessageEvent) and (event.body, event.sender) == (text, sender)
    )


@step("NAME hears (\\d+) things from NAME in order")
async def hears_many(stage: Stage, name: str, count: str, sender: str) -> None:
    actor = stage.actors[name]

    def bodies() -> list[str]:
        return [e.body for e in actor.heard if isinstance(e, MessageEvent) and e.sender == sender]

    for _ in range(int(PATIENCE * 20)):
        if len(bodies()) >= int(count):
            break
        await asyncio.sleep(0.05)
    assert bodies() == [f"{number} from {sender}" for number in range(int(count))]
    actor.heard = [event for event in actor.heard if not isinstance(event, MessageEvent)]


@step("NAME hears that NAME has read (\\d+)")
async def hears_read(stage: Stage, name: str, reader: str, seq: str) -> None:
    await stage.actors[name].hears(
        lambda event: isinstance(event, ReadEvent) and (event.user, event.seq) == (reader, int(seq))
    )


@step("NAME hears that NAME is typing")
async def hears_typing(stage: Stage, name: str, typist: str) -> None:
    await stage.actors[name].hears(lambda event: isinstance(event, TypingEvent) and event.user == typist)


@step("NAME hears that NAME (joined|left|removed)")
async def hears_membership(stage: Stage, name: str, user: str, change: str) -> None:
    await stage.actors[name].hears(
        lambda event: isinstance(event, MembershipEvent) and (event.user, event.change) == (user, change)
    )


@step("NAME hears that NAME is (online|offline)")
async def hears_presence(stage: Stage, name: str, user: str, state: str) -> None:
    await stage.actors[name].hears(
        lambda event: (
            isinstance(event, PresenceEvent) and (event.user, event.online) == (user, state == "online")
        )
    )


@step("NAME hears no more messages")
async def hears_nothing(stage: Stage, name: str) -> None:
    await asyncio.sleep(SILENCE)
    messages = [event for event in stage.actors[name].heard if isinstance(event, MessageEvent)]
    assert not messages, messages


@step("a moment passes")
async def moment(stage: Stage) -> None:
    """Events are hints: who has not yet fetched a topic that was just replaced misses what is said on it."""
    await asyncio.sleep(SILENCE)


@step("NAME is logged out")
async def is_logged_out(stage: Stage, name: str) -> None:
    try:
        await stage.chat(name).whoami()
    except LoggedOut:
        return
    raise AssertionError("still logged in")


@step("NAME types to WORD")
async def types(stage: Stage, name: str, to: str) -> None:
    await stage.chat(name).typing(to)


@step("NAME reads WORD")
async def reads(stage: Stage, name: str, target: str) -> None:
    await stage.chat(name).read(target)


@step("NAME reads WORD up to (\\d+)")
async def reads_up_to(stage: Stage, name: str, target: str, seq: str) -> None:
    await stage.chat(name).read(target, int(seq))


@step("NAME has (\\d+) unread in WORD")
async def has_unread(stage: Stage, name: str, count: str, target: str) -> None:
    listed = {one.name: one for one in await stage.chat(name).conversations()}
    assert listed[target].unread == int(count), listed[target]


@step("NAME finds TEXT in WORD")
async def finds(stage: Stage, name: str, text: str, target: str) -> None:
    bodies = [message.body async for message in stage.chat(name).messages(target)]
    assert bodies == [one for one in text.split(" / ") if one], bodies


@step("NAME creates WORD")
async def creates(stage: Stage, name: str, group: str) -> None:
    await stage.chat(name).create_group(group)


@step("NAME creates WORD with TEXT")
async def creates_with(stage: Stage, name: str, group: str, password: str) -> None:
    await stage.chat(name).create_group(group, password)


@step("NAME joins WORD")
async def joins(stage: Stage, name: str, group: str) -> None:
    await stage.chat(name).join_group(group)


@step("NAME joins WORD with TEXT")
async def joins_with(stage: Stage, name: str, group: str, password: str) -> None:
    await stage.chat(name).join_group(group, password)


@step("NAME leaves WORD")
async def leaves_group(stage: Stage, name: str, group: str) -> None:
    await stage.chat(name).leave_group(group)


@step("NAME removes NAME from WORD")
async def removes(stage: Stage, name: str, user: str, group: str) -> None:
    await stage.chat(name).remove_member(group, user)


@step("the members of WORD are TEXT for NAME")
async def members(stage: Stage, group: str, names: str, name: str) -> None:
    listed = [member.user for member in await stage.chat(name).group_members(group)]
    assert listed == names.split(), listed


@step("NAME sees TEXT online")
async def sees_online(stage: Stage, name: str, names: str) -> None:
    online: list[str] = []
    for _ in range(int(PATIENCE * 10)):
        online = await stage.chat(name).online()
        if online == names.split():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(online)


@step("NAME revokes NAME")
async def revokes(stage: Stage, name: str, other: str) -> None:
    session = next(one for one in await stage.chat(name).sessions() if one.device == other)
    await stage.chat(name).revoke(session.session)


@step("NAME changes the password to TEXT")
async def changes_password(stage: Stage, name: str, password: str) -> None:
    await stage.chat(name).change_password(PASSWORD.format(name.partition("'s ")[0]), password)


@step("the broker is killed and comes back")
async def broker_restarts(stage: Stage) -> None:
    stage.server.kill("broker")
    await asyncio.to_thread(stage.server.start_broker)


@step("the WORD worker is killed and comes back")
async def worker_restarts(stage: Stage, service: str) -> None:
    stage.server.kill(f"{service}.1")
    stage.server.start_worker(service)


def scripts() -> list[Path]:
    """Every play."""
    return sorted((Path(__file__).parent / "plays").glob("*.play"))
