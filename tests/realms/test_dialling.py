"""Connections to peers, on real sockets: where they go, and why one ended, in a sentence for the operator."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from zmq.utils import z85

from config.keys import server_keys
from config.settings import Settings
from protocol.realms import FRAME_MAX_BYTES
from services.realm import lookup
from services.realm.ports import EARLY_MOST, REPLIES_BYTES, SocketPorts
from services.storage.realms import Realm
from tests.realms.outpost import new_keys, nobody_listens, until


def installation(home: Path, port: int) -> SocketPorts:
    return SocketPorts(Settings(home=home, realm=home.name, port_base=port), server_keys(home))


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[SocketPorts]:
    found = installation(tmp_path / "a", 7700)
    yield found
    found.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[SocketPorts]:
    """Another installation, which listens, and lets in whom it is told to."""
    found = installation(tmp_path / "b", nobody_listens() - 4)
    found.bind()
    yield found
    found.close()


def at(address: str, key: bytes = b"") -> Realm:
    key = key or z85.decode(new_keys().public)
    return Realm(1, "b", key, address, "paired", 1, 0, 0, "", 0, 0, 0)


def trouble(ports: SocketPorts, meanwhile: Callable[[], object] = lambda: None) -> str:
    """Why the one connection there is has ended."""
    said: list[tuple[str, str]] = []

    def ended() -> bool:
        meanwhile()
        said.extend(ports.broken())
        return bool(said)

    until(ended)
    assert [name for name, _ in said] == ["b"] and ports.broken() == []
    return said[0][1]


def address_of(ports: SocketPorts) -> str:
    return ports.bound.removeprefix("tcp://")


def test_where_nobody_listens(ours: SocketPorts) -> None:
    address = f"127.0.0.1:{nobody_listens()}"
    ours.dial(at(address)).send(b"hello")
    assert trouble(ours) == f"Nobody listens at {address}."


def test_a_host_that_nobody_knows(ours: SocketPorts) -> None:
    ours.dial(at("nowhere.invalid:7704")).send(b"hello")
    assert trouble(ours).startswith("nowhere.invalid cannot be found: ")


def test_somebody_else_at_that_address(ours: SocketPorts, there: SocketPorts) -> None:
    ours.dial(at(address_of(there)))
    said = trouble(ours, lambda: there.shake_hands(lambda: None))
    assert said == f"What listens at {address_of(there)} does not have its key, or hangs up."


def test_who_does_not_let_us_in(ours: SocketPorts, there: SocketPorts) -> None:
    ours.dial(at(address_of(there), there.key))
    said = trouble(ours, lambda: there.shake_hands(lambda: None))
    assert said.startswith("It does not let us in: ")


def test_what_is_sent_before_the_host_was_found_arrives(
    ours: SocketPorts, there: SocketPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[lookup.Lookup] = []
    monkeypatch.setattr(lookup.Lookup, "_ask", lambda self, host, port: answers.append(self))
    there.admit({ours.key}, strangers=False)
    port = address_of(there).rpartition(":")[2]
    wire = ours.dial(at(f"localhost:{port}", there.key))
    assert wire.send(b"hello") and ours.broken() == []
    until(lambda: len(answers) == 1)
    wire.redial()
    assert wire.send(b"hello again") and len(answers) == 1  # the question is asked once at a time
    assert not all(wire.send(b"and more") for _ in range(EARLY_MOST))
    answers[0].found = lookup.Found(address_of(there))
    arrived = []

    def received() -> bool:
        ours.broken()
        there.shake_hands(lambda: None)
        found = there.receive()
        if found:
            arrived.append(found)
        return found is not None

    until(received)
    assert (arrived[0].key, arrived[0].frame) == (ours.key, b"hello again")
    there.answer(arrived[0].route, b"welcome")
    until(lambda: wire.receive(1) == [b"welcome"])


def test_replies_that_nobody_asked_for_are_taken_in_a_few_at_a_time(
    ours: SocketPorts, there: SocketPorts
) -> None:
    there.admit({ours.key}, strangers=False)
    wire = ours.dial(at(address_of(there), there.key))
    wire.send(b"hello")
    arrived = []

    def received() -> bool:
        there.shake_hands(lambda: None)
        found = there.receive()
        if found:
            arrived.append(found)
        return found is not None

    until(received)
    many, reply = 12, b"x" * (FRAME_MAX_BYTES - 100)
    for _ in range(many):
        there.answer(arrived[0].route, reply)
    there.answer(arrived[0].route, b"the last")
    turns = []

    def all_came() -> bool:
        turns.append(wire.receive(256))
        return b"the last" in turns[-1]

    wire.socket.poll(10_000)
    time.sleep(0.3)  # more of them are here by now than one turn takes
    until(all_came)
    assert sum(len(frames) for frames in turns) == many + 1
    assert all(sum(map(len, frames)) < REPLIES_BYTES + FRAME_MAX_BYTES for frames in turns)


def test_a_connection_that_broke(ours: SocketPorts, there: SocketPorts) -> None:
    there.admit({ours.key}, strangers=False)
    ours.dial(at(address_of(there), there.key)).send(b"hello")

    def received() -> bool:
        there.shake_hands(lambda: None)
        return there.receive() is not None

    until(received)
    there.unbind()
    # Hands are shaken over a pipe that is taken down by both of its ends.
    assert trouble(ours, lambda: there.shake_hands(lambda: None)) == "The connection broke."


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("localhost", False),
        ("1.2.3", False),
        ("", False),
    ],
)
def test_an_address_needs_no_question(host: str, found: bool) -> None:
    assert lookup.is_ip(host) == found


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = installation(tmp_path / "c", taken.getsockname()[1] - 4)
        with pytest.raises(OSError, match="cannot listen for other realms on tcp:"):
            ports.bind()
        ports.close()
