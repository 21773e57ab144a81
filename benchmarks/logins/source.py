"""A client that comes from a loopback address of its own choice."""

from __future__ import annotations

import zmq

from benchmarks.wire import WireUser
from protocol import connection_string


class FromAddress(WireUser):
    """As ``WireUser``, connected from the address with this number: 127.1.0.1 and on."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], server: str, number: int) -> None:
        super().__init__(context, server)
        there = connection_string.parse(server)
        self.commands.disconnect(f"tcp://{there.host}:{there.port}")
        self.commands.connect(f"tcp://{address(number)}:0;{there.host}:{there.port}")


def address(number: int) -> str:
    """The loopback address of this number, of 16,000."""
    return f"127.1.{number // 250}.{number % 250 + 1}"
