"""``python -m gateway``: one gateway for the older protocols, from the settings.

Exit codes: 0 stopped when told to, 78 could not start and will not when tried again. One sentence says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import resource
import signal
import sys

from client.own_server import own_server
from config.hosts import is_loopback
from config.keys import gateway_secret
from config.loading import SettingsError, load
from config.log import ServerLog, open_log
from config.readiness import Pulse, say_ready
from gateway.server import DIALECTS, Gateway

COULD_NOT_START = 78
"""EX_CONFIG of sysexits.h."""
RESERVED = 256
"""Descriptors that are not for visitors: sockets to the broker, files, what listens."""
PATIENCE = 3.0
"""Seconds that the server has to answer before visitors are let in all the same."""
GARBAGE = (20_000, 5, 3)
"""When cycles are looked for. Who has gone leaves some hundred objects, seconds later and by then no young
ones: with rarer looks at old ones, hundreds of thousands of visits would stay in memory."""
PULSE = 1.0
"""Most seconds between two looks at whether a sign of life is due."""


def main() -> int:
    """Serve until told to stop; the exit code."""
    try:
        settings = load()
        server, secret = own_server(settings), gateway_secret(settings.home)
        log = open_log(settings, "gateway")
    except (SettingsError, OSError) as error:
        return _refuse(str(error))
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    try:
        asyncio.run(_serve(Gateway(settings, server, log, secret), log))
    except OSError as error:
        return _refuse(f"{error.strerror or error} {advice(error)}")
    finally:
        log.close()
    return 0


async def _serve(gateway: Gateway, log: ServerLog) -> None:
    """Until told to stop. Raises ``OSError`` when a port is not to be had."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    gateway.most = min(gateway.most, _allow_open_files() - RESERVED)
    gateway.bind()
    reaching = asyncio.create_task(gateway.reach())
    # Who replaces another lets visitors come when they can be served; who is alone, soon in any case.
    await _first_of(stopped, reaching, PATIENCE)
    if not reaching.done() and not await gateway.alone():
        await _first_of(stopped, reaching, None)
    await gateway.listen()
    ports = {dialect.NAME: gateway.settings.port_base + dialect.PORT for dialect in DIALECTS}
    host = gateway.settings.gateway_host
    log.info("started", host=host, **ports, connections=gateway.most)
    if not is_loopback(host):
        print(f"pesan gateway: passwords travel in clear to {host}.", file=sys.stderr, flush=True)
    reaching.add_done_callback(lambda task: None if task.cancelled() else say_ready())
    pulse = Pulse()
    while not stopped.is_set():
        pulse.beat(loop.time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(PULSE, max(pulse.due - loop.time(), PULSE / 20))):
                await stopped.wait()
    reaching.cancel()
    await gateway.stop()
    log.info("stopped")


async def _first_of(stopped: asyncio.Event, reaching: asyncio.Task[None], patience: float | None) -> None:
    """Wait until either has happened, for so many seconds."""
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait([stopping, reaching], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


def _allow_open_files() -> int:
    """As many as the system lets us have; the usual soft limit of 1,024 is an accident of history."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    return max(soft, hard)


def advice(error: OSError) -> str:
    """What may help when a port is not to be had."""
    if error.errno == errno.EADDRINUSE:
        return (
            "Does another server run, or another program? PESAN_PORT_BASE=N chooses other ports, and "
            "`pesan up -c gateway=0` does without."
        )
    if error.errno == errno.EACCES:
        return "Ports below 1024 are the system's. PESAN_PORT_BASE=N chooses other ports."
    return "gateway_host is an address of this machine: 127.0.0.1 for itself, 0.0.0.0 for every network."


def _refuse(reason: str) -> int:
    print(f"pesan gateway: {reason}", file=sys.stderr)
    return COULD_NOT_START


if __name__ == "__main__":
    sys.exit(main())
