"""The turns of the realm process: those of a worker, and those of the house between them.

Here: the order of things in a turn. What a worker's turn is stands in ``services.loop``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from config.log import ServerLog
from config.settings import Settings
from protocol.backend import Call
from protocol.commands import COMMANDS, read
from protocol.errors import Busy, Failure, NotFound
from services.batch import Done
from services.context import Service
from services.loop import Link, Loop, frames
from services.realm.allowance import Bucket
from services.realm.house import House, refuse
from services.realm.opening import AGAIN

if TYPE_CHECKING:
    import zmq

    from services.realm.opening import Opening
    from services.realm.ports import SocketPorts

REQUESTS: Final = 256
"""Requests of peers, and replies of each, that one turn takes in."""

AT_ONCE: Final = 0.1
"""Seconds of requests of peers in one turn; libzmq takes them from each connection in turns."""

LOOKS: Final = 20
"""Looks a second at who our peers are, because somebody unknown has come."""


class RealmLoop(Loop):
    """A worker's loop whose other half are peers."""

    def __init__(
        self,
        service: Service,
        settings: Settings,
        log: ServerLog,
        name: str,
        links: Sequence[Link],
        house: House,
        ports: SocketPorts,
        opening: Opening,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(service, settings, log, name, links)
        self._house = house
        self._ports = ports
        self._opening = opening
        self._monotonic = monotonic
        self._open = False
        self._looks = Bucket(LOOKS, LOOKS)
        self._answers: list[tuple[Link, tuple[int, str, bytes]]] = []

    def attach(self, poller: zmq.Poller) -> None:
        """Have our own sockets waited for, too."""
        self._ports.attach(poller)
        self._house.depot.attach(poller)

    def turn(self, wall: int) -> None:
        """Take in what has arrived from everywhere, then let the house have its turn."""
        house, now = self._house, self._monotonic()
        self._open = self._opening.opened(now)
        if self._open:
            house.begin(now, wall)
        super().turn(wall)
        if self._open:
            self._talk(now)
        self._hand_out_ours(wall)

    def _talk(self, now: float) -> None:
        """With peers."""
        house = self._house
        self._ports.shake_hands(self._look_again)
        for name, trouble in self._ports.broken():
            if name in house.peers:
                house.broken(house.peers[name], trouble)
        self._be_asked(now + AT_ONCE)
        for name, frame in self._ports.replies(REQUESTS):
            if name in house.peers:
                house.answered(house.peers[name], frame)
        house.turn()

    def _look_again(self) -> None:
        """Somebody whom nobody knows is at the door; whoever keeps knocking does not keep us looking."""
        if not self._looks.wait(self._monotonic()):
            self._looks.take(1)
            self._house.look()

    def _be_asked(self, until: float) -> None:
        """Do what peers ask, for a while."""
        house = self._house
        for _ in range(REQUESTS):
            arrived = self._ports.receive()
            if arrived is None:
                break
            try:
                house.asked(*arrived)
            except ValueError:
                house.gate.count(house.gate.name_of(arrived.key), "not a message")
            if self._monotonic() > until:
                break

    def _taken(self, link: Link, calls: list[Call]) -> list[Call]:
        """Calls of our own service; those that were passed on go to the house."""
        own = [call for call in calls if self._is_own(call)]
        for call in calls:
            if not self._is_own(call):
                self._pass_on(link, call)
        for payload in link.told:
            self._house.told(payload)
        link.told.clear()
        return own

    def _is_own(self, call: Call) -> bool:
        row = COMMANDS.get(call.command)
        return row is not None and row.service == self._service.name

    def _pass_on(self, link: Link, call: Call) -> None:
        reply = partial(self._reply, link, call.handle)
        row = COMMANDS.get(call.command)
        if not self._open:
            refuse(reply, Busy("This server's realm process is being replaced.", retry_after=AGAIN))
            return
        if row is None or call.command not in self._house.passed_table:
            refuse(reply, NotFound("Another realm cannot be asked this."))
            return
        try:
            request = read(row, call.body)
        except Failure as failure:
            refuse(reply, failure)
            return
        self._house.pass_on(call, request, reply)

    def _reply(self, link: Link, handle: int, status: str, body: bytes) -> None:
        self._answers.append((link, (handle, status, body)))

    def _hand_out_ours(self, wall: int) -> None:
        answers, self._answers = self._answers, []
        for link in {id(link): link for link, _ in answers}.values():
            part = Done()
            part.replies = [answer for whose, answer in answers if whose is link]
            for frame in frames(part):
                link.send(frame)
        done, self._house.done = self._house.done, Done()
        self._hand_out(self.links[0], done, wall)

    def patience(self, now: float) -> float:
        """Seconds until something is due."""
        due = self._house.due() - now if self._open else AGAIN
        return max(0.0, min(super().patience(now), due))

    def close(self) -> None:
        """Hang up."""
        self._house.close()
        self._ports.close()
