"""An imaginary wire between session machines and a model server, with a clock of its own.

Frames may be lost, doubled and delayed, commands even out of order; connections break. Nothing here
sleeps: an hour takes a moment.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from client.inbox import Event, Status
from client.session import Session
from protocol.commands import COMMANDS, Body, Login, LoginReply
from protocol.events import MessageEvent
from tests.client.model import ModelServer

T = TypeVar("T")


@dataclass
class Faults:
    """Probabilities by frame, and the longest delay in seconds."""

    loss: float = 0.0
    double: float = 0.0
    delay: float = 0.001


class Client:
    """One session machine on the wire, and all that came of it."""

    def __init__(self, world: World, name: str, cursors: dict[int, int] | None = None, timeout: float = 10.0):
        self.world = world
        self.name = name
        self.session = Session(random.Random(world.rng.random()), cursors=cursors, timeout=timeout)
        self.answers: dict[int, Body | Exception] = {}
        self.answered_at: dict[int, float] = {}
        self.events: list[Event] = []
        self.sent_frames = 0
        self.round = 0
        """Which connection this is: a frame of an earlier one arrives nowhere."""
        self._handle = 0
        self._subscriptions_at = 0.0
        self._events_at = 0.0

    # --- as a program ---------------------------------------------------------------------------

    def ask(self, command: str, body: Body | None = None) -> int:
        self._handle += 1
        body = body if body is not None else COMMANDS[command].request()
        self.session.request(self.world.now, self._handle, command, body)
        self.carry_out()
        return self._handle

    def send(self, to: str, text: str, id: bytes | None = None) -> int:
        self._handle += 1
        self.session.send(self.world.now, self._handle, to, text, id or self.world.rng.randbytes(16))
        self.carry_out()
        return self._handle

    def listen(self) -> int:
        self._handle += 1
        self.session.listen(self.world.now, self._handle)
        self.carry_out()
        return self._handle

    def login(self) -> Client:
        handle = self.ask("auth.login", Login(self.name, "correct horse"))
        answer = self.world.until(lambda: self.answers.get(handle))
        assert isinstance(answer, LoginReply)
        return self

    def messages(self) -> list[str]:
        """Texts of the messages heard."""
        return [event.body for event in self.events if isinstance(event, MessageEvent)]

    def statuses(self) -> list[bool]:
        return [event.connected for event in self.events if isinstance(event, Status)]

    # --- as a shell -----------------------------------------------------------------------------

    def connect(self) -> None:
        self.round += 1
        self.session.connected(self.world.now)
        self.session.events_connected(self.world.now)
        self.carry_out()

    def disconnect(self) -> None:
        self.round += 1
        self.world.server.subscriptions.pop(self.name, None)
        self.session.disconnected(self.world.now)
        self.session.events_disconnected(self.world.now)
        self.carry_out()

    def reconnect(self) -> None:
        """What libzmq does by itself: connect, and subscribe to everything again."""
        topics = sorted(self.topics)
        self.connect()
        for topic in topics:
            self._to_server_events(True, topic)

    def carry_out(self) -> None:
        session, world = self.session, self.world
        frames, session.frames = session.frames, []
        for frame in frames:
            self.sent_frames += 1
            world.carry(self, lambda frame=frame: self._to_server(frame))  # type: ignore[misc]
        changes, session.subscriptions = session.subscriptions, []
        for subscribe, topic in changes:
            (self.topics.add if subscribe else self.topics.discard)(topic)
            self._to_server_events(subscribe, topic)
        for handle, answer in session.answers:
            assert handle not in self.answers, "answered twice"
            self.answers[handle] = answer
            self.answered_at[handle] = world.now
        session.answers.clear()
        self.events += session.events
        session.events.clear()
        session.baselines.clear()
        world.at(session.wake_at(), self._wake)

    @property
    def topics(self) -> set[bytes]:
        return self.world.topics.setdefault(self.name, set())

    def _wake(self) -> None:
        if self.session.wake_at() <= self.world.now:
            self.session.wake(self.world.now)
            self.carry_out()

    def _to_server(self, frame: bytes) -> None:
        reply = self.world.server.request(frame)
        self.world.carry(self, lambda: self._from_server(reply))
        self.world.deliver_events()

    def _from_server(self, reply: bytes) -> None:
        self.session.reply(self.world.now, reply)
        self.carry_out()

    def _to_server_events(self, subscribe: bool, topic: bytes) -> None:
        """Subscriptions are never lost nor swapped: TCP, and libzmq repeats them."""
        round = self.round
        self._subscriptions_at = max(self._subscriptions_at, self.world.now + self.world.rng.random() * 0.001)

        def arrive() -> None:
            if round == self.round and self.session.events_online:
                self.world.server.subscribe(self.name, subscribe, topic)
                self.world.deliver_events()

        self.world.at(self._subscriptions_at, arrive)

    def from_events(self, frame: bytes) -> None:
        """Events may be lost, but come in order."""
        round = self.round
        self._events_at = max(self._events_at, self.world.now + self.world.delay())

        def arrive() -> None:
            if round == self.round and self.session.events_online:
                self.session.event(self.world.now, frame)
                self.carry_out()

        self.world.at(self._events_at, arrive)


class World:
    """Clients, the server, and time in seconds."""

    def __init__(self, seed: int = 0, faults: Faults | None = None) -> None:
        self.rng = random.Random(seed)
        self.now = 1000.0
        self.faults = faults or Faults()
        self.server = ModelServer(seed)
        self.clients: dict[str, Client] = {}
        self.topics: dict[str, set[bytes]] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def client(self, name: str, *, cursors: dict[int, int] | None = None, timeout: float = 10.0) -> Client:
        """A connected client that is not logged in."""
        client = self.clients[name] = Client(self, name, cursors, timeout)
        client.connect()
        return client

    def at(self, moment: float, action: Callable[[], None]) -> None:
        if moment != float("inf"):
            self._count += 1
            heapq.heappush(self._heap, (max(moment, self.now), self._count, action))

    def delay(self) -> float:
        return self.rng.random() * self.faults.delay

    def carry(self, client: Client, arrive: Callable[[], None]) -> None:
        """Take one frame of the commands socket over the wire, or not, or twice."""
        round = client.round
        copies = 0 if self.rng.random() < self.faults.loss else 1
        copies += self.rng.random() < self.faults.double
        for _ in range(copies):
            self.at(
                self.now + self.delay(),
                lambda: arrive() if client.round == round and client.session.online else None,
            )

    def deliver_events(self) -> None:
        published, self.server.published = self.server.published, []
        for peer, frame in published:
            if peer not in self.clients or self.rng.random() < self.faults.loss:
                continue
            for _ in range(1 + (self.rng.random() < self.faults.double)):
                self.clients[peer].from_events(frame)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            self.now, _, action = heapq.heappop(self._heap)
            action()
        self.now = end

    def until(self, found: Callable[[], T | None], seconds: float = 600.0) -> T:
        """Let time pass until there is something to return; fails when nothing comes of it."""
        end = self.now + seconds
        while True:
            result = found()
            if result is not None and result is not False:
                return result
            assert self._heap and self._heap[0][0] <= end, "it never happened"
            self.now, _, action = heapq.heappop(self._heap)
            action()

    def restart_server(self, pause: float = 0.5) -> None:
        """The broker dies, and is back ``pause`` seconds later."""
        for client in self.clients.values():
            client.disconnect()
        self.server.restart()
        self.run(pause)
        for client in self.clients.values():
            client.reconnect()


def answer(client: Client, handle: int, seconds: float = 60.0) -> object:
    """The answer to a call, once it is there."""
    return client.world.until(lambda: client.answers.get(handle), seconds)
