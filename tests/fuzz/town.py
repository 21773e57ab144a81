"""A small town on a store of its own: three people with sessions, two groups, messages, files, four engines.

Belongs here: making it, and what must hold for whatever came of a batch. What is asked in it is drawn
by the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol import backend
from protocol.backend import OPEN, Call
from protocol.commands import COMMANDS, Body, convert
from protocol.envelope import pack_body, unpack_body, unpack_event
from protocol.errors import FAILURES, OK
from protocol.events import EVENTS
from services import auth, file, group, messaging
from services.batch import Done, Engine
from services.loop import frames
from services.storage import blobs, copies, foreigners, groups, open_store, realms
from services.storage.migrate import migrate
from tests.fuzz.strategies import IDS

SERVICES: Final = {each.SERVICE.name: each.SERVICE for each in (auth, file, group, messaging)}
PASSWORD: Final = "correct horse"
NOW: Final = 1_700_000_000_000_000
STRANGER: Final = (999, "stranger", 999)
NOBODY: Final = (0, "", 0)


EFFECTS: Final[dict[str, Callable[[Sequence[Any]], Any]]] = {
    backend.OPEN: backend.read_open,
    backend.CLOSE: backend.read_close,
    backend.TELL: backend.read_telling,
}


class Ear(ServerLog):
    """A log that remembers what it was told to be a fault of ours."""

    def __init__(self, home: Path) -> None:
        super().__init__(LogFile(home / "log", 1 << 24, 1), "fuzz")
        self.faults: list[str] = []

    def fault(self, service: str, where: str, error: BaseException) -> None:
        """A mistake of ours, with its text: here nobody's secrets are at stake."""
        self.faults.append(f"{where}: {error!r}")

    def warning(self, event: str, **fields: Any) -> None:
        """A store that fails over what it was asked is a fault as well."""
        self.faults.append(f"{event}: {fields}")


class Town:
    """``callers``: (user_id, name, session) as a broker would stamp them, and some that it never would."""

    def __init__(self, home: Path, database: str = "") -> None:
        plain = Settings(home=home, realm="here", database=database, group_max_members=4, sessions_per_user=4)
        self.settings = msgspec.structs.replace(plain, password_memory_kib=8, password_passes=1)
        if database:
            _empty(database)
        self.store = open_store(self.settings)
        migrate(self.store, NOW)
        self.log = Ear(home)
        self.engines = {
            name: Engine(service, self.store, self.settings, self.log, clock=lambda: 0)
            for name, service in SERVICES.items()
        }
        self.now = NOW
        people = {name: self._moves_in(name) for name in ("ani", "budi", "citra", "dewi")}
        self.dewi = people.pop("dewi")
        ani, budi, citra = people.values()
        ghost = (ani[0], ani[1], budi[2])
        self.callers = [ani, ani, budi, citra, NOBODY, STRANGER, ghost, self._abroad(ani[0])]
        for who, command, fields in (
            (ani, "group.create", {"group": "ops"}),
            (budi, "group.join", {"group": "ops"}),
            (budi, "group.create", {"group": "locked", "password": PASSWORD}),
            (ani, "message.send", {"to": "budi", "body": "halo", "id": IDS[0]}),
            (budi, "message.send", {"to": "#ops", "body": "halo", "id": IDS[1]}),
            (ani, "message.broadcast", {"body": "halo", "id": IDS[1]}),
            (ani, "file.mkdir", {"path": "ani"}),
            (ani, "file.begin", {"to": "#ops", "name": "a", "size": 0, "id": IDS[2]}),
            (ani, "file.begin", {"path": "ani/ops", "size": 0, "id": IDS[3]}),
            (budi, "file.begin", {"to": "ani", "name": "a", "size": 0, "id": IDS[2]}),
            (budi, "file.begin", {"path": "budi", "size": 9, "id": IDS[3]}),
        ):
            self.do(who, command, **fields)
        self._seal_the_empty()
        self.do(ani, "file.finish", upload=IDS[2])
        self.do(ani, "file.finish", upload=IDS[3])
        self.do(citra, "auth.logout")

    def close(self) -> None:
        """Close the store and the log."""
        self.store.close()
        self.log.close()

    def _moves_in(self, name: str) -> tuple[int, str, int]:
        self.do(NOBODY, "auth.register", username=name, password=PASSWORD)
        done = self.run("auth", [self.call(NOBODY, "auth.login", username=name, password=PASSWORD)])
        [(_, _, session, user_id, user)] = [effect for effect in done.effects if effect[0] == OPEN]
        return user_id, user, session

    def _abroad(self, ani: int) -> tuple[int, str, int]:
        """Another realm, b, with a group that ani is in; who lives there, as the realm process stamps it."""
        with self.store.write() as tx:
            realm = realms.pair(tx, "b", b"b" * 32, "b:1", self.now)
            budi = foreigners.met(tx, "budi", "b", self.now)
            copies.add(tx, "ops", "b", realm, 0, self.now)
            copy = copies.named(tx, "ops", "b")
            assert copy is not None
            groups.add_member(tx, copy.conversation, ani, self.now)
        return budi.id, budi.name, 0

    def _seal_the_empty(self) -> None:
        """What the bulk socket would do with uploads of nothing."""
        empty = sha256(b"").digest()
        with self.store.write() as tx:
            blobs.expect(tx, empty, 0, self.now)
            blobs.arrived(tx, empty, self.now)
            tx.run("update uploads set sha256 = $1, type = 'text/plain' where size = 0", (empty,))

    # --- doing ----------------------------------------------------------------------------------

    def call(self, who: tuple[int, str, int], command: str, /, **fields: Any) -> Call:
        """A call as the broker stamps it."""
        return Call(0, command, who[0], who[1], who[2], False, pack_body(fields))

    def do(self, who: tuple[int, str, int], command: str, /, **fields: Any) -> None:
        """One command that must succeed."""
        done = self.run(COMMANDS[command].service, [self.call(who, command, **fields)])
        assert done.replies[0][1] == OK, (command, done.replies)

    def run(self, service: str, calls: list[Call]) -> Done:
        """A batch, to its end: everything that came of it, as it arrives at the broker."""
        engine = self.engines[service]
        self.now += 1_000_000
        whole = Done()
        done = engine.take([call._replace(handle=place) for place, call in enumerate(calls)], self.now)
        for _ in range(2 * len(calls) + 2):
            for frame in frames(done):
                _, *fields = backend.unpack(frame)
                replies, events, effects = backend.read_done(fields)
                whole.replies += replies
                whole.events += events
                whole.effects += effects
            if not engine.waiting:
                return whole
            done = engine.step(self.now)
        raise AssertionError("a batch without an end")

    # --- what must hold -------------------------------------------------------------------------

    def sound(self, calls: list[Call], done: Done) -> list[str]:
        """Whatever was asked: one answer each, of the closed list, no fault, events that can be read.

        Returns the statuses in the order of the calls.
        """
        assert not self.log.faults, self.log.faults
        assert sorted(handle for handle, _, _ in done.replies) == list(range(len(calls)))
        replies = sorted(done.replies)
        for (_, status, body), call in zip(replies, calls, strict=True):
            _answer(call, status, body)
        for frame in done.events:
            heard = unpack_event(frame)
            assert len(heard.topic) == 16 and heard.topic[:1] in (b"u", b"c")
            assert type(convert(unpack_body(heard.body), EVENTS[heard.kind])) is EVENTS[heard.kind]
        for kind, *fields in done.effects:
            EFFECTS[kind](fields)
        return [status for _, status, _ in replies]


def _answer(call: Call, status: str, body: bytes) -> None:
    fields = unpack_body(body)
    if status != OK:
        if status == backend.ELSEWHERE:
            assert "@" in repr(unpack_body(call.body)), "what names another realm"
            return
        assert status in FAILURES and status not in ("internal", "unavailable"), (call, status, fields)
        assert fields["message"].endswith("."), (call, fields)
        return
    reply: type[Body] = COMMANDS[call.command].reply
    assert type(convert(fields, reply)) is reply


def _empty(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("select current_schema()").fetchone()
        assert row is not None
        connection.execute(f"drop schema {row[0]} cascade".encode())
        connection.execute(f"create schema {row[0]}".encode())
