"""``python -m broker``: start one broker from the settings. Exit code 78: it could not start."""

from __future__ import annotations

import ctypes
import errno
import gc
import hashlib
import os
import resource
import signal
import sys

import zmq
from zmq.utils import z85

from broker.bulk import Bulk
from broker.core import Core
from broker.server import Server
from config import whereabouts
from config.claims import claim
from config.folders import socket_folder
from config.keys import gateway_secret, server_keys
from config.loading import SettingsError, load
from config.log import ServerLog, open_log
from config.readiness import say_ready
from config.settings import Settings
from config.version import VERSION
from protocol.connection_string import ConnectionString

EXIT_COULD_NOT_START = 78
"""EX_CONFIG of sysexits.h: starting again will not help."""


def main() -> int:
    """Serve until told to stop."""
    try:
        settings = load()
        keys = server_keys(settings.home)
        secret = gateway_secret(settings.home)
        alone = claim(socket_folder(settings.home) / "broker.lock") is not None
        log = open_log(settings, "broker")
    except (SettingsError, OSError) as error:
        return _refuse(str(error))
    if not alone:  # it would take the workers from the other one
        return _refuse(f"another broker runs on the data folder {settings.home}.")

    _seed_routing_ids()
    _allow_open_files()
    core = Core(
        settings,
        name=hashlib.sha256(f"{settings.realm} {settings.commands_address}".encode()).digest()[:16],
        version=VERSION,
        # Unlike any earlier broker's, so that answers meant for that one fit none of our requests.
        first_handle=_random(5) << 20,
        epoch=_random(6),
        gateway_secret=secret,
    )
    server = Server(settings, keys, core, log, Bulk(settings, keys))
    try:
        server.bind()
    except zmq.ZMQError as error:
        return _refuse(_why_not(settings, error))
    _leave_word(settings, keys.public, log)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: server.stop())
    # What was imported stays for good, and requests in flight are no cycles: look at them seldom.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    log.info(
        "started",
        commands=settings.commands_address,
        events=settings.events_address,
        bulk=settings.bulk_address,
    )
    server.run(lambda: _ready(connection_string(settings, keys.public)))
    return 0


def _leave_word(settings: Settings, public_key: bytes, log: ServerLog) -> None:
    """Where clients on this machine find us. For their convenience: without it we serve all the same."""
    try:
        whereabouts.leave(settings.home, str(connection_string(settings, public_key, here=True)))
    except OSError as error:
        file = str(whereabouts.file_of(settings.home))
        log.warning("where we listen could not be written", file=file, error=error.strerror)


def _why_not(settings: Settings, error: zmq.ZMQError) -> str:
    """Why nobody can listen where the settings say."""
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL, errno.EINVAL):
        advice = "This machine has no such address: 127.0.0.1 is for itself alone, 0.0.0.0 for every network."
    elif error.errno == errno.EACCES:
        advice = "Ports below 1024 are the system's. PESAN_PORT_BASE=N chooses other ports."
    else:
        advice = "Is another server running? PESAN_PORT_BASE=N chooses other ports."
    ports = f"ports {settings.port_base}, {settings.events_port} and {settings.bulk_port}"
    return f"cannot listen on {settings.host}, {ports}: {error}. {advice}"


def _ready(connection: ConnectionString) -> None:
    print(f"pesan ready {connection}", flush=True)
    say_ready()


def connection_string(settings: Settings, public_key: bytes, here: bool = False) -> ConnectionString:
    """What a client needs to reach the broker of these settings; ``here``: one on this machine."""
    advertised = "" if here else settings.advertise
    host = advertised or whereabouts.EVERYWHERE.get(settings.host, settings.host).strip("[]")
    key = z85.decode(public_key) if settings.curve else b""
    return ConnectionString(host, settings.port_base, key)


def _seed_routing_ids() -> None:
    """libzmq 4.3.5 hands out routing ids from an unseeded ``rand()``; who guesses one can abort a ROUTER.

    Must run before the first socket is made.
    """
    ctypes.CDLL(None).srand(_random(4))


def _random(size: int) -> int:
    """A number of ``size`` bytes that nobody can guess."""
    return int.from_bytes(os.urandom(size), "big")


def _allow_open_files() -> None:
    """Every client holds two connections open; the usual soft limit of 1,024 is an accident of history."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))


def _refuse(reason: str) -> int:
    print(f"pesan broker: {reason}", file=sys.stderr)
    return EXIT_COULD_NOT_START


if __name__ == "__main__":
    sys.exit(main())
