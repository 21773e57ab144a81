"""The events sockets of a trunk: which of them a topic is heard over, and who is told of what is heard.

Belongs here: when a further one is needed, and fences that concern several. Who holds what over one of them
is ``topics``', what an event means to a session ``listening``'s.

A broker allows a connection so many topics and refuses further ones silently, a fence among them. So an
*ear* takes topics and sessions up to half of that, and what comes then goes to another ear: nobody is deaf
because somebody else is in many conversations. A session's fence is made on every ear that it has, and counts
when all have said welcome.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

import zmq

from client import sockets
from client.sockets import Link
from client.topics import NEEDED, Topics, read
from protocol.events import MembershipEvent, TopicsEvent, Welcome
from protocol.limits import TOPIC_BYTES

if TYPE_CHECKING:
    from client.lane import Lane
    from client.trunk import Trunk, Trunks

TOPICS: Final = 5_000
"""Topics that a broker allows a connection, unless it says otherwise (``topics_per_connection``)."""


class Ear:
    """One events socket, and what is held over it."""

    def __init__(self, ears: Ears, owner: Trunks, port: int, trunk: Trunk) -> None:
        self.connected = False
        """Whether it is through to the server."""
        self.topics: Topics[Lane] = Topics()
        self.lanes: dict[Lane, int] = {}
        """Who hears something over it, and how many topics."""
        heard, changed = partial(ears.heard, self), partial(ears.changed, self)
        self.link = Link(owner.server, port, zmq.SUB, heard, changed, trunk.turn)

    @property
    def load(self) -> int:
        """Topics, and a fence for everyone."""
        return len(self.topics) + len(self.lanes)

    def join(self, lane: Lane) -> None:
        """This lane may hear over it from now on."""
        if self not in lane.ears:
            lane.ears = (*lane.ears, self)
            self.lanes[lane] = 0

    def part(self, lane: Lane) -> None:
        """This lane hears nothing over it any more."""
        lane.ears = tuple(ear for ear in lane.ears if ear is not self)
        self.lanes.pop(lane, None)

    def hold(self, lane: Lane, topic: bytes, epoch: int | None) -> None:
        """One more holds this topic."""
        self.lanes[lane] += self.topics.hold(lane, topic, epoch)

    def release(self, lane: Lane, topic: bytes) -> None:
        """One holds it no longer. Where somebody came in first, they stay."""
        if self.topics.release(lane, topic):
            self.lanes[lane] -= 1
            if not self.lanes[lane] and self is not lane.ears[0]:
                self.part(lane)


class Ears:
    """Every events socket of a trunk; none until somebody listens."""

    def __init__(self, owner: Trunks, trunk: Trunk) -> None:
        self._owner = owner
        self._trunk = trunk
        self._loop = asyncio.get_running_loop()
        self._kinds = owner.kinds | NEEDED
        self._all_members = "membership" in owner.kinds
        self._ears: list[Ear] = []
        self._port = 0
        self._most = TOPICS // 2
        self._fences: dict[bytes, set[Ear]] = {}
        """Of fences that are made on several: those that have not said welcome."""

    def __len__(self) -> int:
        return len(self._ears)

    def listen(self, lane: Lane, port: int, topics: int) -> None:
        """Tell this lane of its events socket from now on. 0: as was said before."""
        self._port = port or self._port
        self._most = topics // 2 or self._most
        lane.listening = True
        ear = self._one_for(lane)
        ear.join(lane)
        if ear.connected:
            lane.connection.hears_already()

    def subscribe(self, lane: Lane, changes: list[tuple[bool, bytes]]) -> None:
        """Carry out what one connection wants to hear and what not, in order."""
        listening = lane.connection.session.listening
        epoch = listening.known_epoch
        for subscribe, topic in changes:
            if not subscribe:
                self._fences.pop(topic, None)
                for ear in lane.ears:
                    ear.release(lane, topic)
            elif topic == listening.fence:
                if len(lane.ears) > 1:
                    self._fences[topic] = set(lane.ears)
                for ear in lane.ears:
                    ear.hold(lane, topic, epoch)
            else:
                ear = self._one_for(lane, topic)
                ear.join(lane)
                ear.hold(lane, topic, epoch)
        self._tell()

    def leave(self, lane: Lane) -> None:
        """This lane is closed."""
        for ear in lane.ears:
            ear.part(lane)
        self._tell()

    def close(self) -> None:
        """Close every socket."""
        for ear in self._ears:
            ear.link.close()
        self._ears.clear()

    # --- which one ------------------------------------------------------------------------------

    def _one_for(self, lane: Lane, topic: bytes = b"") -> Ear:
        """Where this lane is to hear this topic: if it can be, over a socket that it has."""
        for ear in lane.ears:
            if topic in ear.topics:
                return ear
        for ear in (*lane.ears, *self._ears):
            if ear.load < self._most:
                return ear
        ear = Ear(self, self._owner, self._port, self._trunk)
        self._ears.append(ear)
        return ear

    def _tell(self) -> None:
        """Tell the broker what has changed; who is of no use any more is closed, but for the last."""
        for ear in list(self._ears):
            if not ear.lanes and len(self._ears) > 1:
                self._ears.remove(ear)
                ear.link.close()
            elif ear.topics.changes:
                changes, ear.topics.changes = ear.topics.changes, []
                ear.link.subscribe(changes)

    # --- from the sockets -----------------------------------------------------------------------

    def changed(self, ear: Ear, change: int) -> None:
        """What became of one of them: it concerns those who hear over it, and they are there with all."""
        before, ear.connected = ear.connected, change == sockets.CONNECTED
        for lane in list(ear.lanes):
            if all(one.connected for one in lane.ears) if ear.connected else before:
                lane.connection.events_changed(change)
                self._trunk.touch(lane)

    def heard(self, ear: Ear, frame: bytes) -> None:
        """A frame from one of them."""
        topic = frame[:TOPIC_BYTES]
        event = read(frame, self._kinds)
        if event is None or (isinstance(event, Welcome) and not self._up(ear, topic)):
            return
        only = event.user if isinstance(event, MembershipEvent) and not self._all_members else None
        must = isinstance(event, (Welcome, TopicsEvent))
        now = self._loop.time()
        for lane in ear.topics.holders(topic):
            session = lane.connection.session
            if only is not None and only != session.user:
                continue
            if must or not lane.deaf:
                try:
                    session.heard(now, topic, event)
                except Exception as error:
                    # Not now, for it lets go of its topics.
                    self._loop.call_soon(self._trunk.fault, lane, error)
                self._trunk.touch(lane)

    def _up(self, ear: Ear, fence: bytes) -> bool:
        """Whether this welcome was the last that was missing."""
        awaited = self._fences.get(fence)
        if awaited is not None:
            awaited.discard(ear)
        return not awaited
