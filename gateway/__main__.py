"""``python -m gateway``: one gateway for the older protocols, from the settings.

Exit codes: 0 stopped when told to, 78 could not start and will not when tried again. One sentence says why.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys

from zmq.utils import z85

from config import whereabouts
from config.keys import server_keys
from config.log import ServerLog, open_log
from config.readiness import Pulse, say_ready
from config.settings import Settings, SettingsError, load
from gateway.server import DIALECTS, Gateway
from protocol.connection_string import ConnectionString

COULD_NOT_START = 78
"""EX_CONFIG of sysexits.h."""
PULSE = 1.0
"""Seconds between two looks at whether a sign of life is due."""


def main() -> int:
    """Serve until told to stop; the exit code."""
    try:
        settings = load()
        server = os.environ.get("PESAN_SERVER") or _own_server(settings)
        log = open_log(settings, "gateway")
    except (SettingsError, OSError) as error:
        return _refuse(str(error))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        asyncio.run(_serve(settings, server, log))
    except OSError as error:
        return _refuse(_why_not(settings, error))
    finally:
        log.close()
    return 0


async def _serve(settings: Settings, server: str, log: ServerLog) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    gateway = Gateway(settings, server, log)
    await gateway.listen()
    log.info("started", **{dialect.NAME: settings.port_base + dialect.PORT for dialect in DIALECTS})
    say_ready()
    pulse = Pulse()
    while not stopped.is_set():
        pulse.beat(loop.time())
        try:
            async with asyncio.timeout(PULSE):
                await stopped.wait()
        except TimeoutError:
            pass
    await gateway.stop()
    log.info("stopped")


def _own_server(settings: Settings) -> str:
    """The connection string of the broker that these settings are for."""
    host = whereabouts.EVERYWHERE.get(settings.host, settings.host)
    key = z85.decode(server_keys(settings.home).public) if settings.curve else b""
    return str(ConnectionString(host, settings.port_base, key))


def _why_not(settings: Settings, error: OSError) -> str:
    ports = ", ".join(str(settings.port_base + dialect.PORT) for dialect in DIALECTS)
    return f"cannot listen on {settings.gateway_host}, ports {ports}: {error.strerror or error}."


def _refuse(reason: str) -> int:
    print(f"pesan gateway: {reason}", file=sys.stderr)
    return COULD_NOT_START


if __name__ == "__main__":
    sys.exit(main())
