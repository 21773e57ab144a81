"""A lane: one connection's part of a trunk, in place of the sockets that it would have had.

Belongs here: what a connection asks of its trunk, and what the trunk notes about each connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.timers import NEVER
from protocol.envelope import pack_body

if TYPE_CHECKING:
    from client.connection import Connection
    from client.ears import Ear
    from client.trunk import Trunk


class Lane:
    """One connection's part of a trunk: as its commands socket, and as its events socket."""

    __slots__ = (
        "_origin",
        "_trunk",
        "alarm_at",
        "connection",
        "deaf",
        "ears",
        "key",
        "listening",
        "told",
        "touched",
    )

    def __init__(self, trunk: Trunk, number: int, origin: str, connection: Connection) -> None:
        self._trunk = trunk
        self._origin = pack_body(origin) if origin else b""
        self.key = number.to_bytes(4, "big")
        self.connection = connection
        self.told = False
        """Whether the connection was told that the trunk is through."""
        self.listening = False
        """Whether it is told what becomes of the events socket."""
        self.ears: tuple[Ear, ...] = ()
        """The events sockets that it may hear something over."""
        self.deaf = False
        """Whether its program takes no events at present."""
        self.touched = False
        """Whether its connection has something to carry out at the end of this turn."""
        self.alarm_at = NEVER

    # --- as a link ------------------------------------------------------------------------------

    def send(self, frames: list[bytes]) -> None:
        """Send every frame, with the word on whom it is from."""
        if self._origin and self._trunk.believed:
            tail = self._origin
            frames = [b"\x96" + frame[1:] + tail for frame in frames]
        self._trunk.send(frames)

    def subscribe(self, changes: list[tuple[bool, bytes]]) -> None:
        """Hold (or, with False, let go of) each topic, in order."""
        self._trunk.subscribe(self, changes)

    def pause(self) -> None:
        """Hear nothing for a while. The others on this trunk hear all the same."""
        self.deaf = True

    def resume(self) -> None:
        """Hear again, and look for what was missed."""
        self.deaf = False
        self.connection.missed()

    def close(self) -> None:
        """Let go of everything. A second time does nothing."""
        self._trunk.leave(self)

    # --- besides --------------------------------------------------------------------------------

    def begin(self) -> None:
        """The connection is ready to be told of the server."""
        self._trunk.greet(self)

    @property
    def hears(self) -> bool:
        """Whether the trunk has an events socket."""
        return self._trunk.hears

    def listen(self, port: int, topics: int) -> None:
        """Be told of an events socket: its port, and how many topics a connection may have; 0: as before."""
        self._trunk.listen(self, port, topics)

    def wake_at(self, moment: float) -> None:
        """Have the connection woken then, or a little earlier."""
        self._trunk.alarms.set(self, moment)

    def ring(self) -> None:
        """The moment has come."""
        try:
            self.connection.wake()
        except Exception as error:
            self._trunk.fault(self, error)
