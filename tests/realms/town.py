"""Two and more installations in one process: each a house with its real store, its users and its workers.

No socket and no process: time is told, lines are imaginary (``network``), and a user's command is done in
the moment in which it is asked. Ani lives in a, Budi in b, Citra in c.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol import backend
from protocol.addresses import TopicKind, new_topic
from protocol.backend import Call
from protocol.commands import COMMANDS, read
from protocol.envelope import pack_body, unpack_body, unpack_event
from protocol.errors import OK, failure
from services import auth, file, group, messaging
from services.batch import Done, Engine
from services.realm.asked import ASKED
from services.realm.groups import parting
from services.realm.house import House
from services.realm.line import Times
from services.realm.parts import PARTS
from services.realm.passed import PASSED
from services.storage import SQLITE_FILE, groups, open_store, realms, sessions, users
from services.storage.migrate import migrate
from services.storage.realms import State
from tests.realms.disk import BEGUN, Disk, blank
from tests.realms.network import ImaginaryPorts, Network

TIMES = Times(answer=10.0, quiet=5.0, pause_most=30.0)
CHEAP: dict[str, Any] = {"password_memory_kib": 8, "password_passes": 1}
SERVICES = (auth.SERVICE, messaging.SERVICE, group.SERVICE, file.SERVICE)
STEP = 0.0005
"""Seconds that a turn takes at least."""


class Said(NamedTuple):
    """An event that a realm published."""

    topic: bytes
    kind: str
    body: dict[str, Any]


class Person(NamedTuple):
    """Somebody logged in, as the broker stamps them, and their own topic."""

    name: str
    user_id: int
    session: int
    topic: bytes


class Realm:
    """One installation. ``house`` is None while its realm process is dead; everything else lives on."""

    def __init__(self, town: Town, name: str, settings: Settings) -> None:
        self.town = town
        self.name = name
        self.key = hashlib.sha256(name.encode()).digest()
        self.settings = settings
        self.store = Disk(open_store(settings))
        migrate(self.store, BEGUN)
        self.log = ServerLog(LogFile(settings.home / "log", 1 << 24, 1), "realm")
        self.events: list[Said] = []
        self.people: dict[str, Person] = {}
        self.house: House | None = None
        self._dies = False
        self._engines = self._fresh()
        self._starts = 0
        self._ports = ImaginaryPorts(town, self)

    # --- the realm process ----------------------------------------------------------------------

    def start(self) -> None:
        """Begin a life of the realm process, with an empty memory."""
        self._starts += 1
        self._dies = False
        self._ports = ImaginaryPorts(self.town, self)
        self.house = House(
            self.settings,
            self.store,
            self.log,
            self._ports,
            self._fresh(),
            asked=ASKED,
            passed=PASSED,
            parts=PARTS,
            rng=self.town.rng,
            start=self._starts,
            times=TIMES,
            part_from=parting.part,
        )
        self.house.begin(self.town.network.now, self.town.wall)

    def kill(self) -> None:
        """kill -9 of the realm process."""
        self.house = None

    def die_before_answering(self) -> None:
        """kill -9 between the commit of what is asked next, other than hello, and the reply to it."""
        self._dies = True

    def spare(self) -> None:
        """Not, after all."""
        self._dies = False

    def dies_before_answering(self) -> bool:
        """Whether that is now."""
        if self._dies and not self.greeting:
            self.kill()
            return True
        return False

    greeting = False

    def asked(self, key: bytes, route: Any, frame: bytes) -> None:
        """A request has arrived. Whose key is not known was refused before."""
        if self.house is not None and key in self._ports.admitted:
            self.greeting = b"\xa5hello" in frame[:20]
            self.house.asked(key, route, frame)

    def look(self) -> None:
        """The realm process takes notice of who its peers are now."""
        assert self.house is not None
        self.house.look()

    def turn(self) -> None:
        """A turn of the realm process; what came of it goes to the broker."""
        if self.house is None:
            return
        self.house.turn()
        done, self.house.done = self.house.done, Done()
        self._publish(done)

    def _fresh(self) -> dict[str, Engine]:
        return {
            each.name: Engine(each, self.store, self.settings, self.log, clock=lambda: 0) for each in SERVICES
        }

    def _publish(self, done: Done) -> None:
        """As the broker would: events to who listens, and a word to the realm process."""
        for frame in done.events:
            event = unpack_event(frame)
            self.events.append(Said(event.topic, event.kind, unpack_body(event.body)))
        for effect in done.effects:
            if effect[:2] == (backend.TELL, "realm") and self.house is not None:
                self.house.told(effect[2])

    # --- people ---------------------------------------------------------------------------------

    def person(self, name: str) -> Person:
        """Someone new, logged in."""
        topic = new_topic(TopicKind.USER)
        with self.store.write() as tx:
            user = users.add(tx, name, "", topic, self.town.wall)
            assert user is not None
            groups.join_broadcast(tx, user, self.town.wall)
            session = sessions.add(tx, user, uuid.uuid4().bytes, "", self.town.wall)
        self.people[name] = Person(name, user, session, topic)
        return self.people[name]

    def call(self, who: str, command: str, /, **fields: Any) -> Call:
        """A call as the broker stamps it."""
        person = self.people[who]
        return Call(1, command, person.user_id, person.name, person.session, False, pack_body(fields))

    def do(self, who: str, command: str, /, **fields: Any) -> dict[str, Any]:
        """One command of a user; what has to ask another realm waits for it. Raises its refusal."""
        call = self.call(who, command, **fields)
        ((status, body),) = self.take([call])
        if status == backend.ELSEWHERE:
            status, body = self._passed_on(call)
        if status != OK:
            raise failure(status, unpack_body(body))
        return unpack_body(body)

    def take(self, calls: Sequence[Call]) -> list[tuple[str, bytes]]:
        """A batch of users' commands of one service; (status, body) of each."""
        engine = self._engines[COMMANDS[calls[0].command].service]
        replies: dict[int, tuple[str, bytes]] = {}
        done = engine.take([each._replace(handle=place) for place, each in enumerate(calls)], self.town.wall)
        while True:
            replies.update({handle: (status, body) for handle, status, body in done.replies})
            self._publish(done)
            if not engine.waiting:
                break
            done = engine.step(self.town.wall)
        return [replies[place] for place in range(len(calls))]

    def _passed_on(self, call: Call) -> tuple[str, bytes]:
        found: list[tuple[str, bytes]] = []
        assert self.house is not None
        self.house.begin(self.town.network.now, self.town.wall)
        self.house.pass_on(
            call, read(COMMANDS[call.command], call.body), lambda *answer: found.append(answer)
        )
        self.town.until(lambda: bool(found))
        return found[0]

    def say(self, who: str, to: str, body: str = "halo", id: bytes | None = None) -> dict[str, Any]:
        """Send one message."""
        return self.do(who, "message.send", to=to, body=body, id=id or uuid.uuid4().bytes)

    def say_many(self, who: str, to: str, bodies: Sequence[str]) -> None:
        """Send many at once, to somebody who has been written to before."""
        calls = [self.call(who, "message.send", to=to, body=body, id=uuid.uuid4().bytes) for body in bodies]
        for status, answer in self.take(calls):
            assert status == OK, (status, unpack_body(answer))

    # --- looking --------------------------------------------------------------------------------

    def history(self, who: str, address: str) -> list[str]:
        """The texts of a conversation, in order, as one of its members reads them."""
        return [message["body"] for message in self.messages(who, address)]

    def messages(self, who: str, address: str) -> list[dict[str, Any]]:
        """The same as whole messages."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.do(who, "message.history", **{"with": address, "after": len(found), "limit": 1000})
            found += page["messages"]
            if len(found) >= page["last_seq"]:
                return found

    def heard(self, who: str, kind: str) -> list[dict[str, Any]]:
        """Everything that was ever said on somebody's own topic."""
        topic = self.people[who].topic
        return [event.body for event in self.events if event.topic == topic and event.kind == kind]

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A look into the store."""
        with self.store.read() as tx:
            found: list[tuple[Any, ...]] = tx.rows(sql, parameters)
        return found

    def row_of(self, other: str) -> realms.Realm:
        """What is known here of another realm."""
        with self.store.read() as tx:
            found = realms.named(tx, other)
        assert found is not None
        return found

    def waiting(self) -> int:
        """What waits for other realms, all together."""
        return int(self.rows("select coalesce(sum(waiting), 0) from realms")[0][0])

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log about this."""
        lines = (self.settings.home / "log" / "server.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line.get("event") == event]


class Town:
    """Realms by name, and the time that passes for all of them."""

    def __init__(
        self,
        folder: Path,
        names: Sequence[str] = ("a", "b"),
        *,
        blanks: Path | None = None,
        databases: Mapping[str, str] | None = None,
        seed: int = 1,
        **settings: Any,
    ) -> None:
        self.rng = random.Random(seed)
        self.network = Network(self.rng)
        self._realms: dict[str, Realm] = {}
        for name in names:
            home = folder / name
            database = (databases or {}).get(name, "")
            if blanks is not None and not database:
                home.mkdir()
                shutil.copy(blank(blanks), home / SQLITE_FILE)
            self._realms[name] = Realm(
                self, name, Settings(home=home, realm=name, database=database, **CHEAP, **settings)
            )
        for one in names:
            for other in names:
                if one < other:
                    self.pair(one, other)
        for realm in self._realms.values():
            realm.start()
        for name, who in zip(names, ("ani", "budi", "citra"), strict=False):
            self[name].person(who)

    def __getitem__(self, name: str) -> Realm:
        return self._realms[name]

    @property
    def wall(self) -> int:
        """Microseconds since the epoch."""
        return BEGUN + int(self.network.now * 1_000_000)

    def pair(self, one: str, other: str) -> None:
        """Make two realms peers of each other."""
        for here, there in ((one, other), (other, one)):
            with self[here].store.write() as tx:
                realms.pair(tx, there, self[there].key, f"{there}:1", self.wall)

    def set_state(self, here: str, there: str, state: State) -> None:
        """What an operator says to their own server."""
        number = self[here].row_of(there).id
        with self[here].store.write() as tx:
            realms.set_state(tx, number, state)

    # --- time -----------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.network.now + seconds
        while self.network.now < end:
            self.step(end)

    def sleep(self, seconds: float) -> None:
        """Time passes, and nobody has a turn."""
        self.network.now += seconds

    def until(self, done: Callable[[], bool], seconds: float = 300.0) -> None:
        """Let time pass until something is so."""
        end = self.network.now + seconds
        while not done():
            assert self.network.now < end, "this never came about"
            self.step(end)

    def settle(self, seconds: float = 300.0) -> None:
        """Let time pass until nothing waits for any realm."""
        self.until(lambda: not any(realm.waiting() for realm in self._realms.values()), seconds)

    def step(self, end: float) -> None:
        """On to the next moment in which anything happens, and a turn for everybody."""
        due = [realm.house.due() for realm in self._realms.values() if realm.house is not None]
        moment = min([end, self.network.next_at(), *due])
        self.network.now = max(moment, self.network.now + STEP)
        for realm in self._realms.values():
            if realm.house is not None:
                realm.house.begin(self.network.now, self.wall)
        self.network.arrive()
        for realm in self._realms.values():
            realm.turn()

    def close(self) -> None:
        """Let go of all stores."""
        for realm in self._realms.values():
            realm.store.close()
