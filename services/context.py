"""What a handler is given, what it may be, and the table by which a service names its handlers.

Belongs here: the types that every service shares. Does not belong here: any command's meaning, any
socket, the clock (``Context.now`` is given), the order in which a batch is run (``services.batch``).

A handler is a plain function. It returns the reply, raises ``protocol.errors.*`` to refuse, and
says what else follows by ``ctx.publish`` and ``ctx.effect``; nothing of that leaves the process
before the transaction is committed, and nothing of it leaves at all when the handler raises.
To add one: its row in ``protocol.commands``, its function, its line in the service's table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from config.settings import Settings
from protocol import backend
from protocol.backend import Call
from protocol.commands import Body
from protocol.envelope import pack_event
from protocol.errors import Busy, Failure
from protocol.events import EVENTS
from services.storage import outbox
from services.storage.engine import Duplicate, Store, StoreBusy, Transaction
from services.storage.outbox import Entry

if TYPE_CHECKING:
    from config.log import ServerLog
    from services.loop import Link, Loop
    from services.slow import Hands

Caller = Call
"""Who asks, as stamped by the broker: ``user_id`` and ``session`` are 0 without a session."""

_KINDS = {struct: kind for kind, struct in EVENTS.items()}

pack_struct = msgspec.msgpack.Encoder().encode
"""A reply's or event's struct as a packed body: the same bytes as ``pack_body(body_of(struct))``, sooner."""


RETRY_AFTER: Final = 0.05
"""Seconds. By then the change that stood in the way is visible."""


class TooHasty(Exception):
    """Raised by a handler of many calls whose hope did not hold; see ``Context.hasty``."""


class Context:
    """The transaction a handler works in, the time, and what it wants sent once that is committed.

    ``now`` is microseconds since the epoch. ``cache`` lasts as long as the process and may hold only what
    never changes once committed, or may be some seconds old; a handler that keeps something in it bounds its
    size.

    ``hasty``: the handler may hope for the usual case without a savepoint, and raise ``TooHasty`` when it
    was not; then all that the transaction did is undone and done once more, without haste.
    """

    __slots__ = ("cache", "effects", "events", "hasty", "now", "queued", "settings", "tx")

    def __init__(
        self, tx: Transaction, now: int, settings: Settings, cache: dict[str, Any], hasty: bool = False
    ) -> None:
        self.hasty = hasty
        self.tx = tx
        self.now = now
        self.settings = settings
        self.cache = cache
        self.events: list[bytes] = []
        self.effects: list[tuple[Any, ...]] = []
        self.queued: list[tuple[int, Entry]] = []

    def publish(self, topic: bytes, body: Body) -> None:
        """Publish an event on a topic, after the commit."""
        self.events.append(pack_event(topic, _KINDS[type(body)], pack_struct(body)))

    def publish_on(self, topics: Iterable[bytes], body: Body) -> None:
        """Publish the same event on several topics, after the commit."""
        packed = pack_event(b"", _KINDS[type(body)], pack_struct(body))
        self.events.extend([topic + packed for topic in topics])

    def effect(self, *effect: Any) -> None:
        """Tell the broker something after the commit: ``effect(backend.CLOSE, session)``."""
        self.effects.append(effect)

    def queue(self, realm: int, entry: Entry) -> None:
        """Put something into a realm's outbox, at the end of the transaction.

        Everybody who writes there locks the realm's row. Were that not the last of all locks, whatever else
        a batch goes on to lock would make transactions stand in a circle.
        """
        self.queued.append((realm, entry))

    def settle(self) -> None:
        """Whoever opened the transaction says that nothing else comes: fill the outboxes.

        Raises ``TooHasty`` or ``StoreBusy`` when somebody else has queued one of these posts meanwhile.
        """
        if not self.queued:
            return
        try:
            for realm in sorted({realm for realm, _ in self.queued}):
                entries = [entry for whose, entry in self.queued if whose == realm]
                outbox.add(self.tx, realm, entries, self.now)
        except Duplicate:
            raise TooHasty if self.hasty else StoreBusy("the same was queued by somebody else") from None
        self.effect(backend.TELL, backend.REALM, b"")

    def mark(self) -> tuple[int, int, int]:
        """How much has been said so far, for ``undo``."""
        return len(self.events), len(self.effects), len(self.queued)

    def undo(self, mark: tuple[int, int, int]) -> None:
        """Take back what was said since."""
        events, effects, queued = mark
        del self.events[events:], self.effects[effects:], self.queued[queued:]


Handler = Callable[[Context, Caller, Any], Body]
"""Runs inside the batch's transaction, in a savepoint of its own where the command writes."""


Finish = Callable[[Context, Caller, Any], Body | Failure]
"""The last step of a ``Slow`` one, which may return a refusal; a handler is one, too."""


class Together(NamedTuple):
    """A handler that takes all of a batch's calls of its commands at once, in order of arrival.

    ``handle`` answers with one reply or refusal for each call, in the same order. Commands that name
    the same object are taken together.
    """

    handle: Callable[[Context, list[tuple[Caller, Any]]], list[Body | Failure]]

    def alone(self, ctx: Context, caller: Caller, command: Any) -> Body:
        """One call by itself, as a ``Handler``."""
        answer = self.handle(ctx, [(caller, command)])[0]
        if isinstance(answer, Failure):
            raise answer
        return answer


class Apart(NamedTuple):
    """A handler each call of which has a transaction of its own, for it locks more than one thing.

    Several in one transaction would lock theirs in order of arrival, and so stand in a circle with others.
    """

    handle: Handler


class Ready(NamedTuple):
    """What ``Slow.before`` returns when there is nothing to be hashed: what came of the work left out."""

    result: Any


class Slow(NamedTuple):
    """A handler with a part that takes milliseconds (hashing a password), kept out of any transaction.

    ``before(ctx, caller, command)`` reads what the work needs and writes nothing. It is asked when the call
    arrives, and again when its turn has come; what it refuses, or says to be ``Ready``, stands in no line:
    the one is answered there and then, the other goes with the batch. ``work(settings, prepared)`` has no
    transaction. ``finish(ctx, caller, command, result)`` answers, in a transaction as the command's row
    asks for; it must check again whatever may have changed since ``before``. Each of them may refuse.
    ``finish`` may also return a refusal: then what it wrote stays, as for a wrong password, which is to be
    counted. One such call is done at a time; the others do not wait for it. ``known`` says, in a read
    transaction, who need not stand in line behind strangers; it refuses nobody.
    """

    before: Callable[[Context, Caller, Any], Any]
    work: Callable[[Settings, Any], Any]
    finish: Callable[[Context, Caller, Any, Any], Body | Failure]
    known: Callable[[Context, Caller, Any], bool] | None = None

    def straight(self, ctx: Context, caller: Caller, command: Any) -> Body | Failure:
        """The whole of it, for a call that was found to need no work."""
        prepared = self.before(ctx, caller, command)
        if isinstance(prepared, Ready):
            return self.finish(ctx, caller, command, prepared.result)
        raise Busy("This was changed a moment ago; try again.", retry_after=RETRY_AFTER)

    def finisher(self, result: Any) -> Finish:
        """The last step, given what came of the work."""
        finish = self.finish
        return lambda ctx, caller, command: finish(ctx, caller, command, result)


class Tick(NamedTuple):
    """What a service does by itself every ``seconds``, in a transaction; it may publish and have effects."""

    seconds: float
    handle: Callable[[Context], None]
    writes: bool = False


class Beside(Protocol):
    """What a service's process does beside the loop, in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def lives(self, now: float) -> bool:
        """Whether it does not hang; ``now`` in seconds, monotonic."""

    def close(self) -> None:
        """End, and return when that is done."""


class Service(NamedTuple):
    """One service: its name and a handler for each command that ``protocol.commands`` gives it.

    ``services/NAME/__init__.py`` calls it ``SERVICE``. A worker refuses to start when a command has no
    handler.
    """

    name: str
    handlers: Mapping[str, Handler | Together | Slow | Apart]
    tick: Tick | None = None
    beside: Callable[[Settings], Beside] | None = None
    loop: Callable[[Settings, Store, ServerLog, str, Sequence[Link], Hands], Loop] | None = None
    """Makes a loop of the service's own, where it has more to do in a turn than a worker has."""
