"""The street between two realms: what a realm process takes for its sockets, and how the way between breaks.

Frames travel as on all lines of the simulation. A connection that breaks is dialled again by itself, as
libzmq does it; what had not left yet is kept, and what was under way is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.realm.ports import Arrived
from services.storage.realms import Realm
from tests.simulation.network import Network, Pipe, Weather

if TYPE_CHECKING:
    from tests.simulation.world import World

QUEUE = 1000
RETRY = (0.2, 0.4)
KEYS = {"a": b"a" * 32, "b": b"b" * 32}
"""Of each realm."""


class Street:
    """The network between the realms, and who of them has an open door."""

    def __init__(self, network: Network, weather: Weather) -> None:
        self.network = network
        self.weather = weather
        self.doors: dict[str, Ports] = {}
        self._closed_until = self._silent_until = 0.0

    @property
    def closed(self) -> bool:
        """Whether nobody gets a connection."""
        return self.network.clock.now < self._closed_until and not self.network.calm

    @property
    def silent(self) -> bool:
        """Whether frames vanish on connections that look alive."""
        return self.network.clock.now < self._silent_until and not self.network.calm

    def cut(self, seconds: float) -> None:
        """Every connection breaks, and there is none for a while."""
        self._closed_until = self.network.clock.now + seconds
        for door in list(self.doors.values()):
            door.break_all()

    def silence(self, seconds: float) -> None:
        """For a while nothing arrives."""
        self._silent_until = self.network.clock.now + seconds


class Wire:
    """A connection to another realm's door."""

    def __init__(self, ports: Ports, realm: Realm) -> None:
        self._ports = ports
        self._street = ports.street
        self.realm = realm
        self._queue: list[bytes] = []
        self._out: Pipe | None = None
        self._back: Pipe | None = None
        self._attempt = 0
        self._dial(0.0)

    def send(self, frame: bytes) -> bool:
        """Hand a frame over; False when there is no room for it."""
        if self._out is not None:
            self._out.send(frame)
            return True
        if len(self._queue) >= QUEUE:
            return False
        self._queue.append(frame)
        return True

    def redial(self) -> None:
        """Connect anew, with nothing queued."""
        self.hang_up()
        self._dial(0.0)

    def hang_up(self) -> None:
        """Drop the connection and what waits for one."""
        self._close()
        self._queue.clear()
        self._attempt += 1

    def broken(self) -> None:
        """The connection is gone; it is dialled again."""
        if self._out is not None and self._ports.open:
            self._ports.ended.append(self.realm.name)
            self._ports.wake()
        self._close()
        self._dial(self._street.network.rng.uniform(*RETRY))

    def leads_to(self, door: Ports) -> bool:
        """Whether there is a connection, to this door."""
        return self._out is not None and self._street.doors.get(self.realm.name) is door

    def _close(self) -> None:
        """What is under way may arrive all the same, or not."""
        if self._out is not None and self._back is not None:
            if self._street.network.rng.random() < 0.5:
                self._out.finish()
            else:
                self._out.close()
            self._back.close()
        self._out = self._back = None

    def _dial(self, seconds: float) -> None:
        self._attempt += 1
        self._street.network.clock.after(seconds, self._try, self._attempt)

    def _try(self, attempt: int) -> None:
        ports, street = self._ports, self._street
        if attempt != self._attempt or not ports.open:
            return
        door = street.doors.get(self.realm.name)
        if street.closed or door is None or KEYS[ports.name] not in door.admitted:
            self._dial(street.network.rng.uniform(*RETRY))
            return
        back = self._back = Pipe(street.network, street.weather, self._answered)
        self._out = Pipe(street.network, street.weather, lambda frame: door.knock(ports.name, back, frame))
        queue, self._queue = self._queue, []
        for frame in queue:
            self._out.send(frame)

    def _answered(self, frame: bytes) -> None:
        if self._ports.open and not self._street.silent:
            self._ports.answered.append((self.realm.name, frame))
            self._ports.wake()


class Ports:
    """The sockets of one life of a realm process."""

    def __init__(self, street: Street, world: World, wake: Callable[[], None]) -> None:
        self.street = street
        self.name = world.settings.realm
        self.wake = wake
        self.open = True
        self.admitted: set[bytes] = set()
        self.asked: deque[Arrived] = deque()
        self.answered: deque[tuple[str, bytes]] = deque()
        self.ended: list[str] = []
        self._wires: dict[int, Wire] = {}
        street.doors[self.name] = self

    # --- what the network does ------------------------------------------------------------------

    def knock(self, name: str, back: Pipe, frame: bytes) -> None:
        """A request of another realm arrives."""
        if self.open and not self.street.silent:
            self.asked.append(Arrived(KEYS[name], back, frame))  # type: ignore[arg-type]
            self.wake()

    def break_all(self) -> None:
        """Our connections break."""
        for wire in self._wires.values():
            wire.broken()

    def die(self) -> None:
        """The process is dead, and with it every connection from it and to it."""
        self.open = False
        for wire in self._wires.values():
            wire.hang_up()
        for door in list(self.street.doors.values()):
            for wire in door._wires.values():
                if wire.leads_to(self):
                    wire.broken()
        if self.street.doors.get(self.name) is self:
            del self.street.doors[self.name]

    # --- what the house and its loop want of sockets ----------------------------------------------

    def dial(self, realm: Realm) -> Wire:
        """A connection to a realm."""
        wire = self._wires[realm.id] = Wire(self, realm)
        return wire

    def hang_up(self, realm: Realm) -> None:
        """Close that connection."""
        wire = self._wires.pop(realm.id, None)
        if wire is not None:
            wire.hang_up()

    def admit(self, keys: set[bytes], strangers: bool) -> None:
        """Who may connect."""
        self.admitted = keys

    def answer(self, route: Any, frame: bytes) -> None:
        """Send a reply back on the way on which the request came."""
        route.send(frame)

    def attach(self, poller: Any) -> None:
        """Nobody waits for imaginary sockets."""

    def shake_hands(self, look: Callable[[], None]) -> None:
        """Keys are looked at when somebody dials."""

    def receive(self) -> Arrived | None:
        """The next request that has arrived."""
        return self.asked.popleft() if self.asked else None

    def replies(self, most: int) -> list[tuple[str, bytes]]:
        """Replies that have arrived."""
        return [self.answered.popleft() for _ in range(min(most, len(self.answered)))]

    def broken(self) -> list[tuple[str, str]]:
        """Connections that have ended since this was asked last, and why."""
        ended, self.ended = self.ended, []
        return [(name, "The imaginary connection broke.") for name in ended]

    def close(self) -> None:
        """Let go of everything."""
        self.die()
