"""A request on its way: who asked, what, and which worker has it in hand.

Here: the record. When one starts and lands is ``broker.core``'s.
"""

from __future__ import annotations

from broker.sessions import Session, Stick
from broker.workers import Worker
from protocol.backend import Call
from protocol.commands import Command


class Flight:
    """A request that a worker has in hand. ``peer`` is empty for the broker's own.

    ``service`` does it: the command's, or the realm process, to which the former has passed it on.
    """

    __slots__ = ("at", "call", "command", "peer", "request_id", "service", "session", "stick", "worker")

    def __init__(
        self,
        peer: bytes,
        request_id: int,
        command: Command,
        session: Session | None,
        call: Call,
        at: float,
    ) -> None:
        self.peer = peer
        self.request_id = request_id
        self.command = command
        self.service = command.service
        self.session = session
        self.call = call
        self.at = at
        self.worker: Worker
        self.stick: Stick | None = None
