"""A house of services without sockets: commands go in as packed bodies, and what came of each is looked at.

It does what a worker does for one command at a time: decode, the steps of a slow handler, one
transaction, and nothing said when the handler refused. The clock moves a second per command.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from config.settings import Settings
from protocol.backend import CLOSE, OPEN, Call
from protocol.commands import COMMANDS, Body, body_of, read
from protocol.envelope import pack_body, unpack_body, unpack_event
from protocol.errors import Failure
from services import auth, file, group
from services.context import Apart, Context, Handler, Ready, Service, Slow, Together
from services.storage.engine import Store

SERVICES: dict[str, Service] = {each.SERVICE.name: each.SERVICE for each in (auth, file, group)}
PASSWORD = "correct horse"
SECOND = 1_000_000


class Said(NamedTuple):
    """One event as a subscriber of ``topic`` hears it."""

    topic: bytes
    kind: str
    body: dict[str, Any]


class Person(NamedTuple):
    """Someone logged in: the stamp that a broker would put on their calls, and what login told them."""

    name: str
    user_id: int
    session: int
    token: bytes
    topic: bytes


def _handle(handler: Handler, call: Call, request: Any, context: Context) -> Body:
    return handler(context, call, request)


def _finish(slow: Slow, call: Call, request: Any, result: Any, context: Context) -> Body | Failure:
    return slow.finish(context, call, request, result)


def _nothing() -> None:
    """Between the steps of a slow command, as a rule."""


NOBODY = Person("", 0, 0, b"", b"")


class House:
    """``events`` and ``effects`` are those of the last command."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.now = 1_700_000_000 * SECOND
        self.events: list[Said] = []
        self.effects: list[tuple[Any, ...]] = []
        self.address = ""
        """Where the next commands come from; the broker says it of logins and the like."""
        self.gateway = False
        """Whether the next commands come through a gateway."""
        self.between: Callable[[], object] = _nothing
        """What happens, once, after ``before`` of the next slow command."""
        self._cache: dict[str, Any] = {}

    def set(self, **fields: Any) -> None:
        """Start over with other settings."""
        self.settings = msgspec.structs.replace(self.settings, **fields)

    def do(self, command: str, who: Person = NOBODY, /, **fields: Any) -> dict[str, Any]:
        """The reply's body; raises the refusal."""
        self.events, self.effects = [], []
        self.now += SECOND
        row = COMMANDS[command]
        body = pack_body(fields)
        call = Call(1, command, who.user_id, who.name, who.session, False, body, self.address, self.gateway)
        handler = SERVICES[row.service].handlers[command]
        assert not isinstance(handler, Together)
        request = read(row, body)
        answer: Callable[[Context], Body | Failure]
        if isinstance(handler, Slow):
            with self.store.read() as tx:
                prepared = handler.before(self._context(tx), call, request)
            between, self.between = self.between, _nothing
            between()
            result = prepared.result if isinstance(prepared, Ready) else handler.work(self.settings, prepared)
            answer = partial(_finish, handler, call, request, result)
        else:
            answer = partial(
                _handle, handler.handle if isinstance(handler, Apart) else handler, call, request
            )
        with self.store.write() if row.writes else self.store.read() as tx:
            context = self._context(tx)
            reply = answer(context)
        self._heard(context)
        if isinstance(reply, Failure):
            raise reply
        assert type(reply) is row.reply
        return unpack_body(pack_body(body_of(reply)))

    def tick(self, service: str, seconds: float = 0) -> None:
        """Let time pass, and let the service do what it does by itself."""
        self.now += int(seconds * SECOND)
        tick = SERVICES[service].tick
        assert tick is not None
        with self.store.write() if tick.writes else self.store.read() as tx:
            context = self._context(tx)
            tick.handle(context)
        self._heard(context)

    def _context(self, tx: Any) -> Context:
        return Context(tx, self.now, self.settings, self._cache)

    def _heard(self, context: Context) -> None:
        self.effects = context.effects
        for frame in context.events:
            event = unpack_event(frame)
            self.events.append(Said(event.topic, event.kind, unpack_body(event.body)))

    # --- people ---------------------------------------------------------------------------------

    def register(self, *names: str) -> None:
        """Accounts whose password is PASSWORD."""
        for name in names:
            self.do("auth.register", username=name, password=PASSWORD)

    def login(self, name: str, device: str = "", password: str = PASSWORD) -> Person:
        """Another device of someone who has an account."""
        reply = self.do("auth.login", username=name, password=password, device=device)
        opened = [effect for effect in self.effects if effect[0] == OPEN]
        [(_, token, session, user_id, user)] = opened
        assert (token, session, user) == (reply["token"], reply["session"], reply["user"])
        return Person(user, user_id, session, token, reply["topic"])

    def person(self, name: str) -> Person:
        """Someone new, logged in."""
        self.register(name)
        return self.login(name)

    def people(self, *names: str) -> list[Person]:
        """Several new ones, logged in."""
        return [self.person(name) for name in names]

    # --- what was said --------------------------------------------------------------------------

    def on(self, topic: bytes) -> list[tuple[str, dict[str, Any]]]:
        """What the last command said on a topic."""
        return [(event.kind, event.body) for event in self.events if event.topic == topic]

    @property
    def closed(self) -> list[int]:
        """Sessions that the last command told the broker to forget."""
        return [effect[1] for effect in self.effects if effect[0] == CLOSE]

    def row(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        """A look into the store."""
        with self.store.read() as tx:
            return tx.row(sql, parameters)

    def topic_of(self, conversation: int) -> bytes:
        """The conversation's topic in force."""
        row = self.row("select topic from conversations where id = $1", conversation)
        assert row is not None
        return bytes(row[0])

    def user_topic(self, who: Person) -> bytes:
        """The user's topic in force."""
        return bytes(self.do("user.whoami", who)["topic"])

    def everyone(self) -> int:
        """The conversation that everyone is in."""
        row = self.row("select id from conversations where kind = 'broadcast'")
        assert row is not None
        return int(row[0])

    def report(self, broker: bytes = b"broker", **fields: Any) -> None:
        """A broker's report of presence."""
        self.do("presence.report", broker=broker, **fields)
