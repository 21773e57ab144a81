"""The broker's sockets, real ones on loopback, and the traps of libzmq 4.3.5 that they avoid.

For each trap there is a test that the broker is safe and, where it can be shown, one that the trap
is still there: should a new libzmq mend it, that test says so and the rule may go.
"""

from __future__ import annotations

import secrets
import socket as plain_socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from zmq.utils import z85

from benchmarks.own_server import ROOT, free_port_base
from broker.core import Core
from broker.server import Server
from config.folders import socket_folder
from config.keys import gateway_secret, server_keys
from config.loading import load
from config.log import open_log
from config.settings import Settings
from protocol import backend, limits
from protocol.commands import SERVICES
from protocol.envelope import pack_body, unpack_body, unpack_event, unpack_reply

WAIT = 3000
"""Milliseconds within which what must come does come."""
SILENCE = 300
"""Milliseconds of hearing nothing that count as nothing."""


class House:
    """A broker in a thread, with a worker of our own making, and clients."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.port = free_port_base()
        self.settings: Settings = load(
            {"PESAN_HOME": str(home), "PESAN_PORT_BASE": str(self.port), "PESAN_REALM": "here", **environment}
        )
        keys = server_keys(home)
        self._clients: list[zmq.Socket[bytes]] = []
        self.key = z85.decode(keys.public)
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        first, secret = secrets.randbits(40), gateway_secret(home)
        core = Core(
            self.settings, name=b"b" * 16, version="0", first_handle=first, epoch=1, gateway_secret=secret
        )
        self.core = core
        self.log = open_log(self.settings, "broker")
        self.server = Server(self.settings, keys, core, self.log)
        self.server.bind()
        ready = threading.Event()
        self._thread = threading.Thread(target=self.server.run, args=(ready.set,))
        self._thread.start()
        self.worker = self.context.socket(zmq.DEALER)
        self.worker.setsockopt(zmq.LINGER, 0)
        self.worker.connect(f"ipc://{socket_folder(home) / 'backend.sock'}")
        for service in SERVICES:
            self.worker.send(backend.pack_beat(service, service, 10))
        assert ready.wait(5)

    def client(self, kind: int, key: bytes | None = None, **options: Any) -> zmq.Socket[bytes]:
        """A client socket, not connected yet."""
        socket = self.context.socket(kind)
        self._clients.append(socket)
        socket.setsockopt(zmq.LINGER, 0)
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = z85.encode(key or self.key)
        return socket

    def commands(self, key: bytes | None = None) -> zmq.Socket[bytes]:
        """A connected DEALER."""
        socket = self.client(zmq.DEALER, key)
        socket.connect(self.settings.commands_address)
        return socket

    def events(self, *topics: bytes, kind: int = zmq.SUB) -> zmq.Socket[bytes]:
        """A connected SUB with these topics."""
        socket = self.client(kind)
        socket.setsockopt(zmq.SNDHWM, 0)
        for topic in topics:
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        socket.connect(self.settings.events_address)
        return socket

    def publish(self, *frames: bytes) -> None:
        """A worker announces events."""
        self.worker.send(backend.pack_done([], list(frames), []))

    def close(self) -> None:
        """End the broker as a signal would."""
        self.worker.close()
        self.server.stop()
        self._thread.join(5)
        assert not self._thread.is_alive()
        for client in self._clients:
            client.close()
        self.context.term()
        self.log.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A broker on free ports."""
    made = House(tmp_path)
    yield made
    made.close()


def hello(socket: zmq.Socket[bytes], request_id: int = 1) -> dict[str, Any]:
    """Ask for hello and wait for the answer."""
    socket.send(msgpack.packb([1, request_id, b"", "server.hello", b""]))
    assert socket.poll(WAIT), "no answer"
    return unpack_body(unpack_reply(socket.recv()).body)


def topic(kind: bytes = b"u") -> bytes:
    """A topic of our own."""
    return kind + secrets.token_bytes(15)


def test_a_subscription_to_a_user_topic_is_answered_by_a_welcome(house: House) -> None:
    mine = topic()
    events = house.events(mine)
    assert events.poll(WAIT)
    event = unpack_event(events.recv())
    assert (event.topic, event.kind, unpack_body(event.body)) == (mine, "welcome", {"events_epoch": 1})


def test_a_fence_says_that_earlier_subscriptions_are_in_force(house: House) -> None:
    wanted = [topic(b"c") for _ in range(3000)]
    events = house.events(*wanted)
    fence = topic()
    events.setsockopt(zmq.SUBSCRIBE, fence)
    assert events.poll(WAIT)
    assert unpack_event(events.recv()).topic == fence
    some = wanted[::3]
    house.publish(*(one + b"x" for one in some))
    for one in some:
        assert events.poll(WAIT)
        assert events.recv() == one + b"x"


def test_an_empty_or_short_prefix_hears_nothing(house: House) -> None:
    mine = topic()
    for prefix in (b"", b"u", mine[:15]):
        spy = house.events(prefix)
        listener = house.events(mine)
        assert listener.poll(WAIT)
        house.publish(mine + b"secret")
        assert listener.poll(WAIT)
        assert not spy.poll(SILENCE)


def test_a_client_with_the_wrong_key_is_not_let_in(house: House) -> None:
    wrong = z85.decode(zmq.curve_keypair()[0])
    stranger = house.commands(wrong)
    stranger.send(msgpack.packb([1, 1, b"", "server.hello", b""]))
    assert not stranger.poll(SILENCE)
    assert hello(house.commands())["realm"] == "here"


def test_a_client_without_encryption_is_not_let_in(house: House) -> None:
    stranger = house.client(zmq.DEALER)
    stranger.setsockopt(zmq.CURVE_SERVER, 0)
    stranger.setsockopt(zmq.PLAIN_USERNAME, b"anyone")
    stranger.connect(house.settings.commands_address)
    stranger.send(msgpack.packb([1, 1, b"", "server.hello", b""]))
    assert not stranger.poll(SILENCE)


@pytest.mark.parametrize("version", [0, 1])
def test_an_older_zmtp_that_knows_no_encryption_is_no_way_round_it(house: House, version: int) -> None:
    hello_frame = msgpack.packb([1, 1, b"", "server.hello", b""])
    dealer = b"\xff" + bytes(8) + b"\x7f" + bytes([version]) + b"\x05"
    with plain_socket.create_connection(("127.0.0.1", house.port)) as connection:
        connection.settimeout(WAIT / 1000)
        heard = b""
        connection.sendall(dealer + b"\x00\x00")
        with suppress(OSError):
            for _ in range(10):
                connection.sendall(b"\x00" + bytes([len(hello_frame)]) + hello_frame)
                if not (more := connection.recv(1000)):
                    break
                heard += more
        assert b"realm" not in heard
    assert hello(house.commands())["realm"] == "here"


def test_a_frame_over_the_limit_costs_its_sender_the_connection_and_nobody_else(house: House) -> None:
    quiet, loud = house.commands(), house.commands()
    hello(quiet)
    loud.send(b"x" * (limits.REQUEST_MAX_BYTES + 1))
    listener = house.events(topic())
    assert listener.poll(WAIT)
    flood = house.client(zmq.XSUB)
    flood.connect(house.settings.events_address)
    flood.send(b"\x01" + b"x" * limits.SUBSCRIPTION_MAX_BYTES)
    assert hello(quiet, 2)
    assert hello(loud, 3), "it may connect again"


def test_junk_and_multipart_requests_are_dropped_and_the_next_is_answered(house: House) -> None:
    client = house.commands()
    for junk in (b"", b"junk", b"\xc1" * 100, msgpack.packb({"a": 1})):
        client.send(junk)
    client.send_multipart([b"one", b"two", b"three"])
    client.send_multipart([b"", msgpack.packb([1, 1, b"", "server.hello", b""])])
    assert hello(client, 9)["realm"] == "here"
    assert not client.poll(SILENCE)


def test_a_message_of_many_parts_is_passed_over_in_turns_and_its_sender_is_hung_up_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.server.PARTS_AT_ONCE", 100)
    quiet, flood = house.commands(), house.client(zmq.DEALER)
    hello(quiet)
    monitor = flood.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    flood.connect(house.settings.commands_address)
    turns = 0
    real = house.server._skipped

    def counted() -> bool:
        nonlocal turns
        over = real()
        turns += not over
        return over

    monkeypatch.setattr(house.server, "_skipped", counted)
    flood.send_multipart([b""] * 10_000)
    assert monitor.poll(WAIT)
    flood.disable_monitor()
    monitor.close()
    hello(quiet, 2)
    assert turns > 50, "others have their turn between the parts"


def test_an_answer_to_someone_who_left_harms_nobody(house: House) -> None:
    leaver = house.commands()
    hello(leaver)
    leaver.send(msgpack.packb([1, 2, b"", "auth.login", pack_body({})]))
    assert house.worker.poll(WAIT)
    _, calls = backend.unpack(house.worker.recv())
    leaver.close()
    time.sleep(0.2)
    house.worker.send(backend.pack_done([(calls[0][0], "ok", b"")], [], []))
    assert hello(house.commands())["realm"] == "here"


def test_half_open_connections_are_closed_and_keep_nobody_out(house: House) -> None:
    half = [plain_socket.create_connection(("127.0.0.1", house.port)) for _ in range(50)]
    assert hello(house.commands())["realm"] == "here"
    deadline = time.monotonic() + 8
    for connection in half:
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        while connection.recv(100):
            pass
        connection.close()
    assert time.monotonic() < deadline


def first_routing_ids(seed: bool) -> set[bytes]:
    """The id that the first client gets in each of several fresh processes."""
    program = (
        "import zmq\n"
        "from broker.__main__ import _seed_routing_ids\n"
        f"{'_seed_routing_ids()' if seed else ''}\n"
        "context = zmq.Context()\n"
        "router = context.socket(zmq.ROUTER)\n"
        "port = router.bind_to_random_port('tcp://127.0.0.1')\n"
        "dealer = context.socket(zmq.DEALER)\n"
        "dealer.connect(f'tcp://127.0.0.1:{port}')\n"
        "dealer.send(b'')\n"
        "print(router.recv().hex())\n"
        "context.destroy(linger=0)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=30, check=True)
        for _ in range(3)
    ]
    return {run.stdout for run in runs}


def test_routing_ids_cannot_be_guessed_from_one_start_to_the_next() -> None:
    assert len(first_routing_ids(seed=True)) == 3


def test_trap_still_there_unseeded_routing_ids_repeat() -> None:
    assert len(first_routing_ids(seed=False)) == 1


@pytest.mark.parametrize("parts", [1, 2])
def test_a_stray_message_upstream_cannot_steal_a_subscription(house: House, parts: int) -> None:
    attacker, accomplice = house.client(zmq.XSUB), house.client(zmq.XSUB)
    for client in (attacker, accomplice):
        client.connect(house.settings.events_address)
        client.send(b"\x01" + topic())
        assert client.poll(WAIT)
        client.recv()
    victims = topic()
    for _ in range(20):
        attacker.send_multipart([b"\x02stray", b"\x01" + topic(b"c")][:parts])
        victim = house.events(victims)
        accomplice.send(b"\x01" + topic(b"c"))
        victim.poll(30)
        house.publish(victims + b"secret")
        for spy, patience in ((accomplice, 20), (attacker, 0)):
            while spy.poll(patience):
                assert not spy.recv().startswith(victims)
        victim.close()
    assert house.core.epoch > 1, "clients are told to subscribe anew"
    again = house.events(victims)
    assert again.poll(WAIT)


def test_who_sends_what_is_no_subscription_is_hung_up_on_and_nobody_else_is(house: House) -> None:
    mine = topic()
    listener, attacker = house.events(mine), house.client(zmq.XSUB)
    assert listener.poll(WAIT)
    listener.recv()
    monitors = [client.get_monitor_socket(zmq.EVENT_DISCONNECTED) for client in (listener, attacker)]
    attacker.connect(house.settings.events_address)
    attacker.send(b"\x02stray")
    assert monitors[1].poll(WAIT)
    assert not monitors[0].poll(SILENCE)
    house.publish(mine + b"news")
    assert listener.poll(WAIT)
    for client, monitor in zip((listener, attacker), monitors, strict=True):
        client.disable_monitor()
        monitor.close()


def test_a_torrent_of_subscriptions_keeps_nobody_waiting(house: House) -> None:
    quiet, flood = house.commands(), house.client(zmq.XSUB)
    hello(quiet)
    flood.setsockopt(zmq.SNDHWM, 0)
    flood.connect(house.settings.events_address)
    frame = b"\x01" + topic(b"c")
    for _ in range(300_000):
        flood.send(frame)
    for number in range(20):  # each within WAIT
        hello(quiet, 2 + number)


def test_trap_still_there_a_stray_message_shifts_the_approval() -> None:
    """A bare XPUB that approves what it reads: the approval for the victim goes to the next in line."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.setsockopt(zmq.XPUB_MANUAL, 1)
    port = publisher.bind_to_random_port("tcp://127.0.0.1")
    clients = [context.socket(zmq.XSUB) for _ in range(3)]
    attacker, victim, accomplice = clients
    try:
        for client in clients:
            client.connect(f"tcp://127.0.0.1:{port}")
            client.send(b"\x01" + b"first".ljust(16))
            assert publisher.poll(WAIT)
            publisher.recv()
        # One after the other, and nothing read in between, so that all three wait in this order.
        for client, frame in (
            (attacker, b"\x02stray"),
            (victim, b"\x01" + b"v" * 16),
            (accomplice, b"\x01" + b"a" * 16),
        ):
            client.send(frame)
            time.sleep(0.2)
        while publisher.poll(SILENCE):
            frame = publisher.recv()
            if frame[0] == 1:
                publisher.setsockopt(zmq.SUBSCRIBE, frame[1:])
        publisher.send(b"v" * 16 + b"secret")
        heard = [bool(client.poll(SILENCE)) for client in clients]
    finally:
        context.destroy(linger=0)
    assert heard == [False, False, True]
