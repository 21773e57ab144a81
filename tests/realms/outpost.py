"""A real realm process, and whoever comes to its port: peers, impostors, strangers and bare TCP.

Here: sockets of the tests' own. Not here: realms that live together on imaginary lines (``town``).
"""

from __future__ import annotations

import itertools
import json
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import msgspec
import zmq
from zmq.utils import z85

from benchmarks.own_server import REALM, OwnServer
from config.keys import KeyPair, server_keys
from config.loading import load
from protocol import realms as language
from protocol.body import Body
from protocol.envelope import unpack_body
from protocol.realms import Hello, HelloReply
from services.storage import open_store, realms
from services.storage.engine import Transaction

PATIENCE = 20.0
TURNED_AWAY = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
HUNG_UP = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL) | int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
LET_IN = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
GONE = int(zmq.EVENT_DISCONNECTED)
_numbers = itertools.count(1)


def new_keys() -> KeyPair:
    """A key pair of somebody's."""
    return KeyPair(*zmq.curve_keypair())


class Outpost:
    """The installation b, of which nothing runs but the realm process; other realms are rows in its store."""

    def __init__(self, server: OwnServer) -> None:
        self.server = server
        self.settings = load({}, server.home)
        self.keys = server_keys(server.home)
        self.address = f"127.0.0.1:{server.port + REALM}"
        self.port = server.port + REALM
        self._store = open_store(self.settings)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def change(self, doing: Callable[[Transaction], Any]) -> Any:
        """Change something in the store."""
        with self._store.write() as tx:
            return doing(tx)

    def look(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        with self._store.read() as tx:
            return tx.rows(sql, parameters)

    def paired(self, keys: KeyPair | None = None) -> Peer:
        """A new peer, connected, whose hello was answered."""
        name, keys = f"c{next(_numbers)}", keys or new_keys()
        key = z85.decode(keys.public)
        now = time.time_ns() // 1000
        self.change(lambda tx: realms.pair(tx, name, key, f"127.0.0.1:{nobody_listens()}", now))
        until(lambda: self._lets_in(keys))
        return Peer(self, name, keys)

    def _lets_in(self, keys: KeyPair) -> bool:
        with closing(Caller(self, keys)) as caller:
            return caller.saw(LET_IN | TURNED_AWAY) == LET_IN

    def listens(self) -> bool:
        """Whether anybody does on its port."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), PATIENCE):
            return True
        return False

    def refused(self, realm: str, what: str) -> int:
        """How often this was refused to that realm, as the log says."""
        lines = (self.server.home / "log" / "server.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines if "refused or dropped" in line]
        return sum(each["times"] for each in found if (each["realm"], each["what"]) == (realm, what))

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of the log."""
        lines = (self.server.home / "log" / "server.jsonl").read_text().splitlines()
        return [found for line in lines if (found := json.loads(line)).get("event") == event]


class Caller:
    """A DEALER towards the outpost, or whatever stands at ``port``, with these keys."""

    def __init__(
        self, outpost: Outpost, keys: KeyPair, *, server_key: bytes = b"", port: int = 0, curve: bool = True
    ) -> None:
        self.keys = keys
        self._context = zmq.Context()
        self.socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, -1)
        if curve:
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, server_key or outpost.keys.public)
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public)
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret)
        self._monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(
            TURNED_AWAY | HUNG_UP | LET_IN | GONE
        )
        self.socket.connect(f"tcp://127.0.0.1:{port or outpost.port}")
        self._number = 0

    def close(self) -> None:
        """Hang up."""
        self.socket.disable_monitor()
        self._monitor.close(0)
        self.socket.close(0)
        self._context.term()

    def saw(self, events: int) -> int:
        """Wait for one of these events of the connection; which it was."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._monitor.poll(100):
                (event,) = struct.unpack_from("=H", self._monitor.recv_multipart()[0])
                if event & events:
                    return int(event)
        raise AssertionError("nothing of the kind happened to the connection")

    def say(self, frame: bytes) -> None:
        """Send bytes, whatever they are."""
        self.socket.send(frame)

    def begin(self, kind: str, body: Body | bytes) -> int:
        """Ask, and wait for nothing; the request's number."""
        self._number += 1
        packed = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
        self.say(language.pack(self._number, kind, packed))
        return self._number

    def answer(self, number: int) -> tuple[str, bytes]:
        """The reply to this request: status and body."""
        deadline = time.monotonic() + PATIENCE
        while self.socket.poll(int(max(0.0, deadline - time.monotonic()) * 1000)):
            found, status, body = language.unpack(self.socket.recv())
            if found == number:
                return status, body
        raise AssertionError("no answer")

    def ask(self, kind: str, body: Body | bytes) -> tuple[str, dict[str, Any]]:
        """Ask, and wait for the answer."""
        status, packed = self.answer(self.begin(kind, body))
        return status, unpack_body(packed)


class Peer(Caller):
    """Someone at the other end of a pairing: a name with its key."""

    def __init__(self, outpost: Outpost, name: str, keys: KeyPair, port: int = 0) -> None:
        super().__init__(outpost, keys, port=port)
        self.name = name
        self.outpost = outpost

    def hello(self, name: str = "") -> tuple[str, dict[str, Any]]:
        """Say hello, as ourselves or as somebody else."""
        return self.ask("hello", Hello(name or self.name, 1, 1))

    def is_served(self) -> bool:
        """Whether hello is answered as it should be."""
        status, body = self.hello()
        return status == "ok" and msgspec.convert(body, HelloReply).realm == "b"

    def become(self, state: realms.State) -> None:
        """What the operator of b makes of us."""

        def change(tx: Transaction) -> None:
            found = realms.named(tx, self.name)
            assert found is not None
            realms.set_state(tx, found.id, state)

        self.outpost.change(change)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "this never came about"
        time.sleep(0.02)


def nobody_listens() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Recorder:
    """A TCP proxy in front of a port that keeps what the caller says, byte by byte."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.said = bytearray()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with self._listener:
            caller, _ = self._listener.accept()
        with (
            caller,
            socket.create_connection(("127.0.0.1", self._target)) as server,
            selectors.DefaultSelector() as ready,  # not select(), which knows no number above 1,023
        ):
            ready.register(caller, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, caller)
            while True:
                for key, _ in ready.select(PATIENCE):
                    one, other = (caller, server) if key.data is server else (server, caller)
                    data = one.recv(65_536)
                    if not data:
                        return
                    if one is caller:
                        self.said += data
                    other.sendall(data)

    def join(self) -> bytes:
        """All that was said, once the caller has hung up."""
        self._thread.join(PATIENCE)
        return bytes(self.said)


@contextmanager
def outpost(server: OwnServer) -> Iterator[Outpost]:
    """The realm process of this server, running."""
    with closing(Outpost(server)) as found:
        server.start_realm()
        yield found
