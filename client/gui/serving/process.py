"""The process that serves windows to browsers: ``pesan web``, and ``web`` in the Procfile.

Belongs here: its beginning and its end. Exit codes: 0 stopped when told to, 78 could not start and will not
when tried again; one sentence says why. Flet is not loaded before somebody comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import uvicorn

from client.gui.serving.app import Serving, application
from client.gui.serving.mistakes import told_to
from client.own_server import own_server
from config.keys import gateway_secret
from config.loading import SettingsError, load
from config.log import open_log
from config.readiness import Pulse, say_ready
from config.settings import Settings

COULD_NOT_START: Final = 78
"""EX_CONFIG of sysexits.h."""
BACKLOG: Final = 256
SOCKET_MESSAGE: Final = 4 << 20
"""Bytes of the longest message of a page: a text that somebody pasted. Files come another way."""
PULSE: Final = 1.0
"""Most seconds between two looks at whether a sign of life is due."""


def main() -> int:
    """Serve until told to stop; the exit code."""
    try:
        settings = by_flet(load(), os.environ)
        serving = Serving(
            settings, own_server(settings), open_log(settings, "web"), gateway_secret(settings.home)
        )
        listening = _listen(settings)
    except (SettingsError, OSError) as error:
        print(f"pesan web: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return COULD_NOT_START
    try:
        with told_to(serving.log):
            asyncio.run(_serve(serving, listening))
    finally:
        listening.close()
        serving.log.close()
    return 0


async def _serve(serving: Serving, listening: socket.socket) -> None:
    """Until told to stop."""
    server = _Server(
        uvicorn.Config(
            application(serving),
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # ``origin`` says when they are believed
            ws="websockets-sansio",
            ws_max_size=SOCKET_MESSAGE,
            timeout_graceful_shutdown=1,
            lifespan="on",
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    log, settings = serving.log, serving.settings
    log.info("started", host=settings.web_host, port=settings.web_port, tabs=settings.web_tabs)
    living = asyncio.create_task(_live())
    say_ready()
    if not settings.web_loopback:
        print(f"pesan web: passwords travel in clear to {settings.web_host}.", file=sys.stderr, flush=True)
    host = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
    told = os.environ.get("FLET_DISPLAY_URL_PREFIX", "pesan web serves")
    print(f"{told} http://{host}:{listening.getsockname()[1]}/", flush=True)
    await server.serve([listening])
    living.cancel()
    log.info("stopped")


async def _live() -> None:
    """Give signs of life."""
    loop, pulse = asyncio.get_running_loop(), Pulse()
    while True:
        pulse.beat(loop.time())
        await asyncio.sleep(min(PULSE, max(pulse.due - loop.time(), PULSE / 20)))


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: its own way ends the process by the signal once more."""
        yield

    def stop(self) -> None:
        """Stop soon; the second time, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


def by_flet(settings: Settings, environment: Mapping[str, str]) -> Settings:
    """With the address that ``flet run --web`` was told."""
    host = environment.get("FLET_SERVER_IP", "")
    return msgspec.structs.replace(settings, web_host=host) if host else settings


def _listen(settings: Settings) -> socket.socket:
    """The port, shared with the one that we replace. Raises ``OSError`` that says which is not to be had."""
    host, told = settings.web_host, os.environ.get("FLET_SERVER_PORT", "")
    port = int(told) if told.isdecimal() else settings.web_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(
            f"{host}:{port} is not to be had: {error.strerror}. PESAN_PORT_BASE=N chooses other ports, and "
            "`pesan up -c web=0` does without."
        ) from None
    return listening
