"""Four people and a messaging service without sockets: batches of calls in, what came of them out.

Ani, Budi, Citra and Dewi have accounts and are logged in. The clock moves a second per batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol.addresses import TopicKind, new_topic
from protocol.backend import Call
from protocol.envelope import pack_body, unpack_body, unpack_event
from protocol.errors import OK, failure
from services import messaging
from services.batch import Done, Engine
from services.context import Service
from services.storage import groups, sessions, users
from services.storage.engine import Store

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
PEOPLE = ("ani", "budi", "citra", "dewi")


class Said(NamedTuple):
    """One event as a subscriber of ``topic`` hears it."""

    topic: bytes
    kind: str
    body: dict[str, Any]


class Answer(NamedTuple):
    """One reply: its status and opened body."""

    status: str
    body: dict[str, Any]


class Person(NamedTuple):
    """A user, the stamp that a broker puts on their calls, and their own topic."""

    name: str
    user_id: int
    session: int
    topic: bytes


def send(to: str, body: str, id: bytes, **fields: Any) -> tuple[str, dict[str, Any]]:
    """A ``message.send`` for ``World.batch``."""
    return "message.send", {"to": to, "body": body, "id": id, **fields}


def message_id(number: int) -> bytes:
    """An id that says which one it is."""
    return number.to_bytes(16, "big")


class World:
    """``events`` are those of the last batch; ``people`` by name."""

    def __init__(self, settings: Settings, store: Store, service: Service = messaging.SERVICE) -> None:
        self.settings = settings
        self.store = store
        self.now = NOW
        self.events: list[Said] = []
        self.effects: list[tuple[Any, ...]] = []
        self.last = Done()
        self.log = ServerLog(LogFile(settings.home / "log", 1 << 20, 1), service.name)
        self.engine = self.another(service)
        self.people = {name: self.account(name) for name in PEOPLE}
        self._next_id = 1 << 64

    def another(self, service: Service = messaging.SERVICE) -> Engine:
        """A worker's engine beside the first one, on the same store."""
        return Engine(service, self.store, self.settings, self.log, clock=lambda: 0)

    def account(self, name: str) -> Person:
        """Someone new, logged in."""
        topic = new_topic(TopicKind.USER)
        with self.store.write() as tx:
            user = users.add(tx, name, "", topic, self.now)
            assert user is not None
            groups.join_broadcast(tx, user, self.now)
            session = sessions.add(tx, user, name.encode().ljust(16), "", self.now)
        return Person(name, user, session, topic)

    def id(self) -> bytes:
        """A fresh message id."""
        self._next_id += 1
        return message_id(self._next_id)

    # --- doing ----------------------------------------------------------------------------------

    def call(
        self, who: str, command: str, /, *, devices: Any = False, handle: Any = 0, **fields: Any
    ) -> Call:
        """A call as the broker stamps it."""
        person = self.people[who]
        return Call(handle, command, person.user_id, who, person.session, devices, pack_body(fields))

    def take(self, calls: list[Call], engine: Engine | None = None) -> list[Answer]:
        """Run one batch to its end; answers in the order of the calls."""
        engine = engine or self.engine
        self.now += SECOND
        numbered = [call._replace(handle=place) for place, call in enumerate(calls)]
        done = self.last = engine.take(numbered, self.now)
        self.events, self.effects = [], []
        replies = list(done.replies)
        self._heard(done)
        while engine.waiting:
            done = engine.step(self.now)
            replies += done.replies
            self._heard(done)
        assert sorted(handle for handle, _, _ in replies) == list(range(len(calls)))
        return [Answer(status, unpack_body(body)) for _, status, body in sorted(replies)]

    def batch(self, *calls: tuple[str, tuple[str, dict[str, Any]]]) -> list[Answer]:
        """Run ``(who, (command, fields))`` in one batch."""
        return self.take([self.call(who, command, **fields) for who, (command, fields) in calls])

    def do(self, who: str, command: str, /, *, devices: Any = False, **fields: Any) -> dict[str, Any]:
        """One command in a batch of its own; raises its refusal."""
        (answer,) = self.take([self.call(who, command, devices=devices, **fields)])
        if answer.status != OK:
            raise failure(answer.status, answer.body)
        return answer.body

    def say(self, who: str, to: str, body: str = "halo", /, **fields: Any) -> dict[str, Any]:
        """Send one message."""
        return self.do(who, "message.send", to=to, body=body, **{"id": self.id(), **fields})

    # --- groups, as their service would make them ---------------------------------------------------

    def group(self, name: str, *members: str) -> int:
        """A group; the first member is its creator."""
        with self.store.write() as tx:
            creator = self.people[members[0]].user_id
            topic = new_topic(TopicKind.CONVERSATION)
            group = groups.add(tx, name, "", creator, topic, self.now)
            assert group is not None
            for member in members:
                groups.add_member(tx, group, self.people[member].user_id, self.now)
        return group

    def leave(self, group: int, who: str) -> None:
        """Take a member out."""
        with self.store.write() as tx:
            assert groups.remove_member(tx, group, self.people[who].user_id)

    # --- looking --------------------------------------------------------------------------------

    def _heard(self, done: Done) -> None:
        self.effects += done.effects
        for frame in done.events:
            event = unpack_event(frame)
            self.events.append(Said(event.topic, event.kind, unpack_body(event.body)))

    def heard(self, who: str, kind: str) -> list[dict[str, Any]]:
        """What the last batch said on someone's own topic."""
        topic = self.people[who].topic
        return [event.body for event in self.events if event.topic == topic and event.kind == kind]

    def on(self, topic: bytes, kind: str) -> list[dict[str, Any]]:
        """What the last batch said on a topic."""
        return [event.body for event in self.events if event.topic == topic and event.kind == kind]

    def row(self, sql: str, *parameters: Any) -> tuple[Any, ...]:
        """A look into the store."""
        with self.store.read() as tx:
            row = tx.row(sql, parameters)
        assert row is not None
        return row

    def topic_of(self, conversation: int) -> bytes:
        """A conversation's topic in force."""
        return bytes(self.row("select topic from conversations where id = $1", conversation)[0])

    def stored(self) -> list[tuple[int, int, str]]:
        """Every message as (conversation, seq, body)."""
        with self.store.read() as tx:
            rows = tx.rows("select conversation_id, seq, body from messages order by 1, 2")
        return [(row[0], row[1], row[2]) for row in rows]

    def inbox(self, who: str) -> dict[str, dict[str, Any]]:
        """Someone's conversations by address."""
        reply = self.do(who, "conversation.list")
        return {each["name"]: each for each in reply["conversations"]}
