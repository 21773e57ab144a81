"""Gateways over real sockets: who has a routing id of libzmq's own form is believed, others are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from config.keys import gateway_secret
from protocol import backend
from protocol.backend import Call
from protocol.envelope import pack_body, pack_request, unpack_reply
from tests.broker.test_server import WAIT, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A broker on free ports."""
    made = House(tmp_path)
    yield made
    made.close()


def ask(socket: zmq.Socket[bytes], command: str, origin: str = "", **body: Any) -> None:
    socket.send(pack_request(7, b"", command, pack_body(body), origin))


def next_login(house: House) -> Call:
    """The next login that a worker is given."""
    while house.worker.poll(WAIT):
        kind, *fields = backend.unpack(house.worker.recv())
        if kind == backend.WORK:
            logins = [call for call in backend.read_work(fields) if call.command == "auth.login"]
            if logins:
                return logins[0]
    raise AssertionError("no login")


@pytest.mark.parametrize(
    ("chosen", "status", "address"),
    [(b"", "ok", "192.0.2.7"), (b"an id of my own", "invalid_credentials", "127.0.0.1")],
)
def test_a_gateway_is_believed_unless_it_chose_a_routing_id_of_another_form(
    house: House, chosen: bytes, status: str, address: str
) -> None:
    socket = house.client(zmq.DEALER)
    if chosen:
        socket.setsockopt(zmq.ROUTING_ID, chosen)
    socket.connect(house.settings.commands_address)
    ask(socket, "gateway.introduce", secret=gateway_secret(house.settings.home))
    assert socket.poll(WAIT)
    assert unpack_reply(socket.recv()).status == status
    ask(socket, "auth.login", "192.0.2.7", username="ani", password="x")
    assert next_login(house).address == address


def test_a_gateway_is_one_for_the_connection_on_which_it_said_so(house: House) -> None:
    gate, other = house.commands(), house.commands()
    ask(gate, "gateway.introduce", secret=gateway_secret(house.settings.home))
    assert gate.poll(WAIT)
    ask(other, "auth.login", "192.0.2.7", username="ani", password="x")
    assert next_login(house).address == "127.0.0.1"
    ask(gate, "auth.login", "2001:db8::7", username="ani", password="x")
    assert next_login(house).address == "2001:db8::/64"
