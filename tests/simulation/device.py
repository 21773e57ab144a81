"""A person's program on one device: the real session machine, and what a careful program does around it.

It logs in, listens, sends and keeps a ledger. Killed, it comes back with what it had on disk: its token,
how far it had heard each conversation, and the messages that were never acknowledged.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.errors import ClientError, LoggedOut, Timeout
from client.requests import ONCE
from client.session import Session
from client.timers import NEVER
from protocol.commands import Body, Empty, HistoryReply, Login, LoginReply, SendReply
from protocol.envelope import unpack_body, unpack_request
from protocol.errors import Failure, Internal, Invalid, NotFound, Retry, TooLarge
from protocol.events import MessageEvent
from tests.simulation.line import Door, Line
from tests.simulation.network import Pipe, Weather

if TYPE_CHECKING:
    from tests.simulation.world import World

PATIENCE = 150.0
"""Seconds that a call may take. Only one that must not be done twice may end for want of time."""


@dataclass
class Letter:
    """A message in the ledger. ``state``: pending, acked or refused. ``tries``: how often it was sent."""

    to: str
    id: bytes
    body: str
    place: int
    state: str = "pending"
    tries: int = 0
    conversation: int = 0
    seq: int = 0


class Device:
    """One device of one user."""

    def __init__(self, world: World, user: str, number: int, weather: Weather) -> None:
        self.world = world
        self.user = user
        self.name = f"{user}.{number}"
        self.letters: list[Letter] = []
        self._letters: dict[bytes, Letter] = {}
        self.alive = False
        self.session: Session
        self._weather = weather
        self.life = 0
        self._token = b""
        self.heard: dict[int, int] | None = None
        """Conversation → seq up to which it was heard; None before the first listening."""
        self._handle = 0
        self._waiting: dict[int, Callable[[Body | Exception], None]] = {}
        self._entered = False
        self._address = f"127.0.0.{1 + number % 3}"

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with what is on disk."""
        rng = random.Random(self.world.rng.getrandbits(64))
        self.alive = True
        self.life += 1
        cursors = None if self.heard is None else dict(self.heard)
        self.session = Session(rng, token=self._token, timeout=PATIENCE, cursors=cursors)
        self._waiting.clear()
        self._entered = False
        self._wake_planned = NEVER
        self._topics: Counter[bytes] = Counter()
        self._commands = Line(self, self._dialled, self._commands_up, self.session.disconnected)
        self._events = Line(self, self._listening, self._events_up, self.session.events_disconnected)
        self._commands.dial()
        self._enter()

    def kill(self) -> None:
        """kill -9: what was in memory is gone."""
        if self.alive:
            self.alive = False
            self._commands.drop()
            self._events.drop()

    def enter_anew(self) -> None:
        """The program is ended and started again, and forgets its token: it logs in."""
        if self.alive:
            self._token = b""
            self.kill()
            self.world.clock.after(self.world.rng.uniform(0.0, 0.2), self.world.restart_device, self)

    def stray(self, frame: bytes) -> None:
        """A frame that no program of ours would send, over the events connection."""
        if self.alive:
            self._events.send([frame])

    def pour(self, frames: list[bytes]) -> None:
        """More frames at once over the events connection than any program of ours would send."""
        if self.alive:
            self._events.pour(frames)

    def cut(self, which: str, silent: float) -> None:
        """A connection breaks; this side learns of it ``silent`` seconds later."""
        (self._commands if which == "commands" else self._events).cut(silent)

    def broker_died(self) -> None:
        """Both connections broke."""
        for line in (self._commands, self._events):
            line.cut(self.world.rng.uniform(0.0, 0.05))

    # --- entering -------------------------------------------------------------------------------

    def _enter(self) -> None:
        """Log in, or find out that the token still holds; then listen and send what had no answer."""
        if self._token:
            self.call("user.whoami", Empty(), self._came)
        else:
            self.call("auth.login", Login(self.user, self.world.password(self.user)), self._came)

    def _came(self, answer: Body | Exception) -> None:
        if isinstance(answer, Exception):
            # A wrong password: it was changed on another device while this one was logging in.
            self._token = b""
            self.kill()
            # Somebody else may have started it by then.
            self.world.clock.after(self.world.rng.uniform(0.3, 1.0), self.world.restart_device, self)
            return
        if isinstance(answer, LoginReply):
            self._token = answer.token
        self._entered = True
        self._events.dial()
        self._listen()
        for letter in self.letters:
            if letter.state == "pending":
                self._post(letter)

    def _listen(self) -> None:
        self._handle += 1
        self._waiting[self._handle] = self._listens
        self.session.listen(self.world.clock.now, self._handle)
        self._carry_out()

    def _listens(self, answer: Body | Exception) -> None:
        if isinstance(answer, Exception):
            self._put_out(answer)

    def _put_out(self, error: Exception) -> None:
        """The session has ended: the program ends, and its user starts it again and logs in."""
        if isinstance(error, LoggedOut) and self.alive:
            self.world.counts["logged out"] += 1
            self._token = b""
            self.kill()
            # Somebody else may have started it by then.
            self.world.clock.after(self.world.rng.uniform(0.3, 1.0), self.world.restart_device, self)

    # --- doing ----------------------------------------------------------------------------------

    def call(self, command: str, body: Body, then: Callable[[Body | Exception], None] | None = None) -> None:
        """Ask something; every answer is looked at."""
        if not self.alive:
            return

        def answered(answer: Body | Exception) -> None:
            self._look(command, answer)
            if then is not None and self.alive:
                then(answer)

        self._handle += 1
        self._waiting[self._handle] = answered
        self.session.request(self.world.clock.now, self._handle, command, body)
        self._carry_out()

    def send(self, to: str, body: str) -> None:
        """Write a message into the ledger and send it, behind those before it."""
        if not self.alive:
            return
        letter = Letter(to, self.world.message_id(), body, len(self.letters))
        self.letters.append(letter)
        self._letters[letter.id] = letter
        self.world.witness.written(self, letter)
        self.world.counts["sends"] += 1
        if self._entered:
            self._post(letter)

    def _post(self, letter: Letter) -> None:
        def answered(answer: Body | Exception) -> None:
            if isinstance(answer, SendReply):
                letter.state, letter.conversation, letter.seq = "acked", answer.conversation, answer.seq
                self.world.witness.acknowledged(self, letter)
            elif isinstance(answer, LoggedOut):
                self._put_out(answer)
            else:
                self._look("message.send", answer)
                if isinstance(answer, Failure) and answer.retry is Retry.LATER:
                    self.world.violated(f"{self.name}: {letter.body!r} is given up: {answer!r}")
                letter.state = "refused"
                self.world.counts["sends refused"] += 1

        self._handle += 1
        self._waiting[self._handle] = answered
        self.session.send(self.world.clock.now, self._handle, letter.to, letter.body, letter.id)
        self._carry_out()

    def _look(self, command: str, answer: Body | Exception) -> None:
        """What no program should ever be told."""
        if isinstance(answer, LoggedOut):
            self._put_out(answer)
        elif isinstance(answer, (Internal, Invalid, TooLarge)):
            self.world.violated(f"{self.name}: {command} was answered with {answer!r}")
        elif isinstance(answer, Timeout) and command not in ONCE:
            self.world.violated(f"{self.name}: {command} was never answered")
        elif isinstance(answer, Exception) and not isinstance(answer, (Failure, ClientError)):
            self.world.violated(f"{self.name}: {command} raised {answer!r}")
        elif isinstance(answer, HistoryReply):
            self.world.witness.looked_up(self, answer)
        elif isinstance(answer, NotFound) and command == "user.whoami":
            self.world.violated(f"{self.name}: the account is gone")

    # --- what the machine decides ---------------------------------------------------------------

    def _carry_out(self) -> None:
        session = self.session
        frames, session.frames = session.frames, []
        self._count_tries(frames)
        self._commands.send(frames)
        changes, session.subscriptions = session.subscriptions, []
        for subscribe, topic in changes:
            self._subscribe(subscribe, topic)
        session.pauses.clear()
        answers, session.answers = session.answers, []
        for handle, answer in answers:
            if self.alive:
                self._waiting.pop(handle)(answer)
        if not self.alive or session is not self.session:
            return
        self._hear()
        moment = session.wake_at()
        if moment < self._wake_planned:
            self._wake_planned = moment
            self.world.clock.at(moment, self._wake, self.life)

    def _count_tries(self, frames: list[bytes]) -> None:
        for frame in frames:
            request = unpack_request(frame)
            if request.command in ("message.send", "message.broadcast"):
                self._letters[unpack_body(request.body)["id"]].tries += 1

    def _wake(self, life: int) -> None:
        if self.alive and life == self.life:
            self._wake_planned = NEVER
            self.session.wake(self.world.clock.now)
            self._carry_out()

    def _hear(self) -> None:
        session = self.session
        if session.baselines and self.heard is None:
            self.heard = {}
        for conversation, seq in session.baselines:
            assert self.heard is not None
            if seq is None:
                self.heard.pop(conversation, None)
            else:
                self.world.witness.begins(self, conversation, seq)
                self.heard[conversation] = seq
        session.baselines.clear()
        events, session.events = session.events, []
        for event in events:
            if isinstance(event, MessageEvent):
                assert self.heard is not None
                self.world.witness.handed_out(self, event, self.heard.get(event.conversation))
                self.heard[event.conversation] = event.seq
        if session.over is not None:
            self._put_out(session.over)

    def _subscribe(self, subscribe: bool, topic: bytes) -> None:
        """A SUB socket tells the publisher of the first subscription to a topic and of the last's end."""
        before = self._topics[topic] > 0
        self._topics[topic] = max(0, self._topics[topic] + (1 if subscribe else -1))
        if before != (self._topics[topic] > 0):
            self._events.send([bytes([subscribe]) + topic])

    # --- connections ----------------------------------------------------------------------------

    def _dialled(self, to_us: Pipe) -> Door:
        world, broker, life = self.world, self.world.broker, self.world.broker.life
        peer = f"{self.name}/{self.life}".encode() if world.plan.chosen else world.fresh_peer()
        broker.accept_client(peer, self._address, to_us)
        return Door(
            lambda frame: broker.from_client(life, peer, self._address, frame),
            lambda: broker.lose_client(life, peer, to_us),
        )

    def _listening(self, to_us: Pipe) -> Door:
        broker, life = self.world.broker, self.world.broker.life
        connection = broker.accept_listener(to_us, lambda: self._events.hung_up(to_us))
        return Door(
            lambda frame: broker.from_listener(life, connection, frame),
            lambda: broker.lose_listener(life, connection),
        )

    def _commands_up(self, line: Line) -> None:
        self.session.connected(self.world.clock.now)

    def _events_up(self, line: Line) -> None:
        """libzmq renews every subscription by itself, in an order of its own."""
        topics = sorted(topic for topic, count in self._topics.items() if count)
        self.world.rng.shuffle(topics)
        line.send([b"\1" + topic for topic in topics])
        self.session.events_connected(self.world.clock.now)

    def received(self, line: Line, frame: bytes) -> None:
        """A frame came in over one of the lines."""
        if not self.alive:
            return
        if line is self._commands:
            self.session.reply(self.world.clock.now, frame)
        else:
            self.world.witness.overheard(self, frame)
            self.session.event(self.world.clock.now, frame)
        self._carry_out()

    def changed(self) -> None:
        """A line came up or went down."""
        if self.alive:
            self._carry_out()

    @property
    def waiting(self) -> int:
        """Calls without an answer."""
        return len(self._waiting) if self.alive else 0

    @property
    def topics(self) -> set[bytes]:
        """What is subscribed to."""
        return {topic for topic, count in self._topics.items() if count}

    @property
    def weather(self) -> Weather:
        """Of this device's connections."""
        return self._weather
