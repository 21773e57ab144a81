"""The house: what all parts of the realm service share. Peers, the store, the engines of the other services.

Belongs here: who our peers are and which line leads to each, transactions with what is to be published after
them, commands carried out for foreigners. Not here: sockets (``ports``), turns (``loop``), what is said (the
parts, one file a noun, named in the tables of ``asked``, ``passed`` and ``parts``).

Like the loop of any worker it is told the time, and has no socket of its own, so that several houses run
together in one process on imaginary lines.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

from config.log import ServerLog
from config.settings import Settings
from protocol import realms as language
from protocol.backend import Call, call
from protocol.body import Body
from protocol.commands import COMMANDS
from protocol.envelope import pack_body
from protocol.errors import OK, Failure, Internal, Unavailable
from services import hints
from services.batch import Done, Engine
from services.context import Context, pack_struct
from services.realm.depot import Depot
from services.realm.gate import Gate
from services.realm.line import Dial, Times
from services.realm.peer import Hinted as Hinted
from services.realm.peer import Part as Part
from services.realm.peer import Peer as Peer
from services.storage import outbox, realms
from services.storage.engine import Store, StoreUnavailable
from services.storage.realms import Realm, State

LOOK: Final = 0.5
"""Seconds between two looks at who our peers are, and at what waits for them."""

TELLS_FOR: Final = 600_000_000
"""Microseconds after the end of an invitation in which who shows it still hears that it is over."""

Reply = Callable[[str, bytes], None]
"""Answers a request, now or later: status and packed body."""


class Ports(Protocol):
    """What a house needs of its sockets."""

    def dial(self, realm: Realm) -> Dial:
        """A connection to a realm, at its address, by its key."""

    def hang_up(self, realm: Realm) -> None:
        """Close that connection."""

    def admit(self, keys: set[bytes], strangers: bool) -> None:
        """Who may connect from now on; others are refused in the handshake."""

    def answer(self, route: Any, frame: bytes) -> None:
        """Send a reply back to where the request came from; dropped when that is gone."""


class Carried(NamedTuple):
    """A command to carry out for somebody: its name, who asks, and the packed body."""

    command: str
    user_id: int
    user: str
    body: bytes


Asked = Callable[["House", Peer, Any, Reply], None]
"""Does what a peer asks; the body is the typed struct of ``protocol.realms.ASKED``."""
Passed = Callable[["House", Call, Any, Reply], None]
"""Does what a user of ours asked and another service passed on; the body is the command's request struct."""


class House:
    """One realm process without its sockets. ``start``: a number that no earlier process of ours had."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        log: ServerLog,
        ports: Ports,
        engines: Mapping[str, Engine],
        *,
        asked: Mapping[str, Asked],
        passed: Mapping[str, Passed],
        parts: Sequence[Callable[[House, Peer], Part]],
        rng: random.Random,
        start: int,
        times: Times,
        part_from: Callable[[House, Realm], bool] = lambda house, realm: True,
    ) -> None:
        self.settings = settings
        self.store = store
        self.log = log
        self.ports = ports
        self.engines = engines
        self.asked_table = asked
        self.passed_table = passed
        self.parts = parts
        self.rng = rng
        self.start = start
        self.times = times
        self._part_from = part_from
        self._parted: set[str] = set()
        """Realms that we are paired with no longer, from which nothing is left to part."""
        self.now = 0.0
        """Seconds, monotonic."""
        self.wall = 0
        """Microseconds since the epoch."""
        self.address = settings.realm_address
        """Where other realms reach us: host:port."""
        self.peers: dict[str, Peer] = {}
        self._by_key: dict[bytes, Peer] = {}
        self.done = Done()
        """What is to go to the broker at the end of this turn; all of it is committed."""
        self._handle = 0
        self._carried: dict[int, Reply] = {}
        self._stirred = True
        self._next_look = 0.0
        self._waits: set[int] | None = None
        self._cache: dict[str, Any] = {}
        self.key = b""
        """Our own CURVE key, 32 bytes, where anybody might ask to be paired."""
        self.gate = Gate(settings, log)
        self.depot = Depot(settings, store, lambda: self.wall)
        """The bytes of files."""

    # --- for the parts --------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator[Context]:
        """A write transaction; what it publishes leaves after the commit. Raises ``StoreUnavailable``."""
        with self.store.write() as tx:
            ctx = Context(tx, self.wall, self.settings, self._cache)
            yield ctx
            ctx.settle()
        self.done.events += ctx.events
        self.done.effects += ctx.effects

    @contextmanager
    def read(self) -> Iterator[Context]:
        """The same for what only looks, and publishes."""
        with self.store.read() as tx:
            ctx = Context(tx, self.wall, self.settings, self._cache)
            yield ctx
        self.done.events += ctx.events
        self.done.effects += ctx.effects

    def carry(self, calls: Sequence[Carried], replies: Sequence[Reply]) -> None:
        """Have commands of one service carried out by its handlers, together where they can be.

        Each reply is told its status and packed body: in this moment, or later where passwords are hashed.
        Whatever counts by address counts by realm.
        """
        if not calls:
            return
        service = COMMANDS[calls[0].command].service
        batch = []
        for (command, user_id, user, body), reply in zip(calls, replies, strict=True):
            self._handle += 1
            self._carried[self._handle] = reply
            realm = user.partition("@")[2]
            batch.append(call((self._handle, command, user_id, user, 0, False, body, realm, False)))
        self._spread(self.engines[service].take(batch, self.wall))

    def carry_as_asked(self, asked: Call, reply: Reply) -> None:
        """The same for a user of ours, whose call was passed on and is now to be done after all."""
        self._handle += 1
        self._carried[self._handle] = reply
        service = COMMANDS[asked.command].service
        self._spread(self.engines[service].take([asked._replace(handle=self._handle)], self.wall))

    def _spread(self, done: Done) -> None:
        self.done.events += done.events
        self.done.effects += done.effects
        self.done.actions += done.actions
        for handle, status, body in done.replies:
            self._carried.pop(handle)(status, body)

    def stir(self) -> None:
        """There may be something to do for any peer."""
        self._waits = None
        self._stirred = True

    def waits(self) -> set[int]:
        """Numbers of the realms for which something waits: one look a turn, however many peers ask."""
        if self._waits is None:
            with self.store.read() as tx:
                self._waits = outbox.waited_for(tx)
        return self._waits

    def hello(self) -> Body:
        """What we say first."""
        return language.Hello(self.settings.realm, self.start, self.wall, self.address)

    # --- from the loop --------------------------------------------------------------------------

    def begin(self, now: float, wall: int) -> None:
        """A turn begins."""
        self.now, self.wall = now, wall
        self._waits = None
        if now >= self._next_look:
            self.look()

    def look(self) -> None:
        """Who are our peers? Those that are new are dialled, those that went are hung up on."""
        self._next_look = self.now + LOOK
        self._stirred = True
        try:
            with self.store.read() as tx:
                known = realms.every(tx)
                invited = realms.invites_since(tx, self.wall - TELLS_FOR) > 0
        except StoreUnavailable as error:
            self.log.warning("peers not read", reason=str(error))
            return
        self.gate.tell()
        self.gate.look(known)
        rows = {row.name: row for row in known if row.state == State.PAIRED}
        for name, peer in list(self.peers.items()):
            row = rows.get(name)
            if row is None or _another(row, peer.realm):
                self._leave(peer)
            else:
                peer.realm = row
        for name, row in rows.items():
            if name not in self.peers:
                self.peers[name] = self._by_key[row.key] = Peer(self, row, self.ports.dial(row))
        self.ports.admit(set(self._by_key), invited)
        self._part([row for row in known if row.state != State.PAIRED])

    def _part(self, gone: Sequence[Realm]) -> None:
        """What realms that we are paired with no longer have here comes to an end, a bit at a time."""
        self._parted &= {row.name for row in gone}
        for row in gone:
            if row.name not in self._parted:
                try:
                    if self._part_from(self, row):
                        self._parted.add(row.name)
                except StoreUnavailable as error:
                    self.log.warning("not parted", realm=row.name, reason=str(error))
                except Exception as error:
                    self.log.fault("realm", "parting", error)

    def _leave(self, peer: Peer) -> None:
        del self.peers[peer.name], self._by_key[peer.realm.key]
        peer.line.close(self.now)
        peer.tell(False)
        self.ports.hang_up(peer.realm)

    def asked(self, key: bytes, route: Any, frame: bytes) -> None:
        """A request of whoever bears this key. Raises ``ValueError`` when it is none."""
        number, kind, packed = language.unpack(frame)

        def reply(status: str, body: bytes) -> None:
            self.ports.answer(route, language.pack(number, status, body))

        try:
            body = self.gate.read(self.now, key, kind, packed)
            peer = self._by_key.get(key)
            if kind == "pair":
                self.pair(key, body, reply)
            elif peer is None:
                raise self.gate.refusal(key)
            else:
                self.asked_table[kind](self, peer, body, reply)
        except Failure as failure:
            self.gate.count(self.gate.name_of(key), failure.code)
            refuse(reply, failure)
        except StoreUnavailable as error:
            self.log.warning("store unavailable", kind=kind, reason=str(error))
            reply("unavailable", pack_body({"message": "The store is not available.", "retry_after": 0.5}))
        except Exception as error:
            self.log.fault("realm", kind, error)
            refuse(reply, Internal("A fault of this realm's; its log says more."))

    def pair(self, key: bytes, body: Any, reply: Reply) -> None:
        """Somebody shows an invitation."""
        self.asked_table["pair"](self, key, body, reply)  # type: ignore[arg-type]

    def told(self, payload: bytes) -> None:
        """What a handler of another service told us: that there is something in an outbox, or a hint."""
        self.stir()
        try:
            hint = hints.unpack(payload)
        except ValueError:
            self.log.warning("not a hint", bytes=len(payload))
            return
        if hint is not None:
            self.hint(hint)

    def hint(self, hint: hints.Hint) -> None:
        """Have every peer's parts know who of ours comes, goes or types."""
        for peer in self.peers.values():
            for part in peer.parts:
                if isinstance(part, Hinted):
                    part.hinted(hint)
        self.stir()

    def answered(self, peer: Peer, frame: bytes) -> None:
        """A reply on the line to this peer."""
        try:
            peer.line.received(self.now, frame)
        except ValueError:
            self.log.warning("not a message", realm=peer.name)
        except StoreUnavailable as error:
            self.log.warning("store unavailable", realm=peer.name, reason=str(error))
        except Exception as error:
            self.log.fault("realm", "answer", error)

    def pass_on(self, asked: Call, request: Any, reply: Reply) -> None:
        """What a user of ours asked, and a service could not answer by itself."""
        try:
            self.passed_table[asked.command](self, asked, request, reply)
        except Failure as failure:
            refuse(reply, failure)
        except StoreUnavailable as error:
            self.log.warning("store unavailable", command=asked.command, reason=str(error))
            refuse(reply, Unavailable("The database cannot do this at present; try again.", retry_after=0.5))
        except Exception as error:
            self.log.fault("realm", asked.command, error)
            refuse(reply, Internal("A fault of this server's; its log says more."))

    def broken(self, peer: Peer, trouble: str) -> None:
        """The connection to this peer has ended; ``trouble`` says why, in a sentence."""
        with self._guarded(peer, "line"):
            peer.line.broken(self.now, trouble)

    def turn(self) -> None:
        """Everything that may be done now: time, slow calls, and each part in its turn."""
        for engine in self.engines.values():
            if engine.ready:
                self._spread(engine.step(self.wall))
        self.depot.finish(self.now)
        for peer in list(self.peers.values()):
            with self._guarded(peer, "line"):
                peer.line.tick(self.now)
        if not self._stirred:
            return
        self._stirred = False
        for peer in list(self.peers.values()):
            for part in peer.parts:
                with self._guarded(peer, type(part).__name__):
                    part.turn()

    @contextmanager
    def _guarded(self, peer: Peer, where: str) -> Iterator[None]:
        """One part's trouble is no other's, and one peer's is no other's."""
        try:
            yield
        except StoreUnavailable as error:
            self.log.warning("store unavailable", realm=peer.name, reason=str(error))
        except Exception as error:
            self.log.fault("realm", where, error)

    def due(self) -> float:
        """When the next turn is due, at the latest."""
        if self._stirred or any(engine.ready for engine in self.engines.values()):
            return self.now
        return min([self._next_look, *(peer.line.due() for peer in self.peers.values())])

    def close(self) -> None:
        """Hang up on everybody."""
        for peer in list(self.peers.values()):
            self._leave(peer)
        self.depot.close()


def refuse(reply: Reply, failure: Failure) -> None:
    """Answer with a refusal."""
    reply(failure.code, pack_body(failure.body()))


def grant(reply: Reply, body: Body) -> None:
    """Answer with a body."""
    reply(OK, pack_struct(body))


def _another(row: Realm, known: Realm) -> bool:
    """Whether this is to be dialled anew: elsewhere, by another key, or because it was paired once more."""
    return (row.key, row.address, row.paired_at) != (known.key, known.address, known.paired_at)
