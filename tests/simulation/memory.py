"""How much the parties keep in memory, held against a number for each thing that can grow.

Here: a walk over everything that the broker, the workers' engines and the clients' sessions hold on to. What
grows and has no number in ``MOST`` is a breach too: whoever adds a table says how large it may become.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from client.outbox import WINDOW
from protocol.commands import COMMANDS, Rate
from protocol.realms import ITEMS_MAX
from services.realm.line import OPEN_MOST
from services.realm.sending import UNWRITTEN_MOST
from tests.simulation.scene import ENDED_KEPT

if TYPE_CHECKING:
    from config.settings import Settings
    from tests.simulation.world import World

CONTAINERS: Final = (dict, list, set, deque)
OURS: Final = ("broker.", "services.batch", "services.slow", "services.realm.", "client.")
LEAVES: Final = ("Flight", "Entry", "Cursor", "Bucket", "Stick")
"""Classes with many instances, which are not walked: what they hold is bounded by who holds them."""

MIXED: Final = 8
"""A container of no more than so many things may hold things of several kinds."""
NEITHER, CONTAINER, OBJECT = 1, 2, 3

_SLOTS: Final[dict[type, tuple[str, ...]]] = {}
_SORTS: Final[dict[type, int]] = {}

Most = int | Callable[["Settings"], int]

MOST: Final[dict[str, Most]] = {
    # Broker. In a run there are four people, three addresses, five workers and few connections at a time.
    "AddressBuckets._of": 4,
    "Buckets._made": len(Rate),
    "Core._flights": lambda settings: min(5 * settings.worker_capacity, 1_000),
    "Core.counts": 20,
    "Core.events": 0,
    "Core.replies": 0,
    "Core.signals": 0,
    "Peers._gateways": 0,
    "Peers._addresses": lambda settings: min(settings.connections, 60),
    "Presence._unsaid": 4,
    "Session.links": 12,
    "Session.sticks": 4,
    "Sessions._by_id": lambda settings: min(settings.sessions, 40),
    "Sessions._by_token": lambda settings: min(settings.sessions, 40),
    "Sessions._ended": ENDED_KEPT,
    "Sessions._linked_twice": 12,
    "Sessions._online": lambda settings: min(settings.sessions, 40),
    "Sessions._users": 4,
    "Sessions.changes": 4,
    "Sessions.lively": 12,
    "Subscriptions._frames": 24,
    "Subscriptions._topics": 24,
    "Subscriptions.unwanted": 0,
    "Worker.batch": lambda settings: settings.worker_capacity,
    "Worker.told": 0,
    "Workers._by_id": 20,
    "Workers._by_service": 5,
    "Workers._by_service[]": 5,
    # Workers.
    "Engine._cache": 2,
    "Engine._cache[]": 12,
    "Engine._readers": lambda settings: settings.worker_capacity,
    "Engine._rows": len(COMMANDS),
    "Part._of": lambda settings: settings.slow_queue,
    "Part._of[]": lambda settings: settings.slow_queue,
    "Part._of[][]": lambda settings: settings.slow_queue,
    # The realm process. In a run there is one other realm, with two people and no more than one group.
    "Depot._finished": 0,
    "Depot._pools": 0,
    "Depot._reading": 0,
    "Done.actions": 0,
    "Done.effects": 0,
    "Done.events": 0,
    "Done.replies": 0,
    "Fetching._going": 0,
    "Fetching._later": 0,
    "Following._open": 1,
    "Following._pauses": 1,
    "Gate._allowances": 1,
    "Gate._known": 1,
    "Gate._refused": 6,
    "House._by_key": 1,
    "House._cache": 2,
    # Every item of one delivery is carried out at once.
    "House._carried": lambda settings: settings.realm_open_requests + ITEMS_MAX,
    "House._parted": 1,
    "House._waits": 1,
    "House.asked_table": 20,
    "House.engines": 5,
    "House.passed_table": 20,
    "House.peers": 1,
    "Line._open": OPEN_MOST,
    "Patience._waiting": lambda settings: settings.realm_open_requests,
    "Peer.parts": 10,
    "People._known": 2,
    "PresencePart._hinted": 2,
    "PresencePart._news": 2,
    "PresencePart._online": 2,
    "Sending._unwritten": UNWRITTEN_MOST,
    "TypingPart._hints": 2,
    "Visitors._told": 2,
    # Clients. What they wrote waits for a place among what flies; its tries are kept until the answer.
    "Chain.flying": WINDOW,
    "Chain.waiting": 400,
    "Inbox._fetches": 12,
    "Inbox._heard": 12,
    "Inbox._hints": 60,
    "Inbox._stored": 12,
    "Inbox.conversations": 12,
    "Listening._asked": 3,
    "Listening._rows": 12,
    "Listening._subscribed": 8,
    "Outbox._chains": 8,
    "Outbox._flights": 5_000,
    "Request.flights": 60,
    "Requests._flying": 60,
    "Requests._parked": 30,
    "Requests._queue": 30,
    "Requests._pauses": 0,
    "Session._deadlines": 600,
    "Session._listeners": 1,
    "Session.answers": 0,
    "Session.baselines": 0,
    "Session.events": 0,
    "Session.frames": 0,
    "Session.pauses": 0,
    "Session.subscriptions": 0,
    "Timers._heap": 400,
}
"""By class and attribute: how many there may be in a run, whatever happens in it."""


def excesses(world: World) -> Iterator[str]:
    """What is larger than it may be, and what has no bound at all."""
    for place, size in sizes(world).items():
        if size > world.peaks[place]:
            world.peaks[place] = size
        most = MOST.get(place)
        if most is None:
            yield f"nobody says how large {place} may become"
        elif size > (most if isinstance(most, int) else most(world.settings)):
            yield f"{place} holds {size}"


def sizes(world: World) -> dict[str, int]:
    """The largest container of each kind, by class and attribute."""
    found: dict[tuple[str, str], int] = {}
    seen: set[int] = set()
    roots: list[Any] = [world.broker.core, world.broker.subscriptions]
    roots += [root for worker in world.workers if worker.alive for root in worker.roots]
    roots += [device.session for device in world.devices if device.alive]
    while roots:
        thing = roots.pop()
        if id(thing) not in seen:
            seen.add(id(thing))
            _walk(thing, found, roots)
    return {f"{kind}.{name}": size for (kind, name), size in found.items()}


def _walk(thing: Any, found: dict[tuple[str, str], int], roots: list[Any]) -> None:
    """Note what ``thing`` holds. There are hundreds of them at every look, so this is in haste."""
    kind = type(thing)
    held = (
        vars(thing) if hasattr(thing, "__dict__") else {name: getattr(thing, name) for name in _slots(kind)}
    )
    for name, value in held.items():
        sort = _SORTS.get(type(value)) or _sort(type(value))
        if sort == NEITHER:
            continue
        if sort == OBJECT:
            roots.append(value)
            continue
        _look_into(value, kind.__name__, name, found, roots)


def _look_into(held: Any, kind: str, name: str, found: dict[tuple[str, str], int], roots: list[Any]) -> None:
    """Note how many are held, and what is held inside: in containers (``name[]``), or by things of ours."""
    if len(held) >= found.get((kind, name), 0):
        found[kind, name] = len(held)
    for each in held.values() if isinstance(held, dict) else held:
        sort = _SORTS.get(type(each)) or _sort(type(each))
        if sort == OBJECT:
            roots.append(each)
        elif sort == CONTAINER:
            _look_into(each, kind, f"{name}[]", found, roots)
        elif len(held) > MIXED:
            break  # they are all of a kind


def _slots(kind: type) -> tuple[str, ...]:
    slots = _SLOTS.get(kind)
    if slots is None:
        slots = tuple(name for each in kind.__mro__ for name in getattr(each, "__slots__", ()))
        _SLOTS[kind] = slots
    return slots


def _sort(kind: type) -> int:
    sort = _SORTS.get(kind)
    if sort is None:
        walked = kind.__module__.startswith(OURS) and kind.__name__ not in LEAVES
        sort = CONTAINER if issubclass(kind, CONTAINERS) else OBJECT if walked else NEITHER
        _SORTS[kind] = sort
    return sort
