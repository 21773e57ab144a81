"""What tabs cost the process that serves them: memory with none and with many, CPU while nobody does a thing.

A tab here is its socket alone, played by us: it says what a page says, keeps what a browser keeps, and goes
on with a session as a browser in which somebody stays logged in. Browsers would measure themselves.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import msgpack
from flet.messaging.protocol import MessageAction
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.figures import Meter
from benchmarks.own_server import OwnServer
from benchmarks.wire import PASSWORD
from client import Chat
from client.gui.model.keeping import LOGIN
from client.gui.serving.keeping import PREFIX

LOGGED_IN: Final = b"conversations"
"""The identifier of the list, which only the main screen has."""
PATIENCE: Final = 30.0
SETTLE: Final = 2.0
"""Seconds in which what has come is drawn."""
GOING: Final = 15.0
"""Seconds beyond the time out in which Flet looks for windows that are over, and they end."""


class SocketTab:
    """A tab of a browser in which ``login`` is kept."""

    def __init__(self, login: str) -> None:
        self._kept: dict[str, Any] = {PREFIX + LOGIN: login}
        self._socket: ClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._in = asyncio.Event()

    async def open(self, port: int) -> None:
        """Come, and return once somebody is logged in."""
        here = f"127.0.0.1:{port}"
        self._socket = await connect(f"ws://{here}/ws", origin=f"http://{here}", max_size=None)  # type: ignore[arg-type]
        page = {
            "route": "/",
            "web": True,
            "platform": "linux",
            "width": 1280.0,
            "height": 800.0,
            "pwa": False,
        }
        await self._say(MessageAction.REGISTER_CLIENT, {"session_id": "", "page_name": "", "page": page})
        self._listening = asyncio.create_task(self._listen(self._socket))
        async with asyncio.timeout(PATIENCE):
            await self._in.wait()

    async def _say(self, action: MessageAction, body: dict[str, Any]) -> None:
        assert self._socket is not None
        await self._socket.send(b"\x00" + msgpack.packb([action.value, body]))

    async def _listen(self, socket: ClientConnection) -> None:
        async for packet in socket:
            if not isinstance(packet, bytes) or packet[:1] != b"\x00":
                continue
            if LOGGED_IN in packet:
                self._in.set()
            action, body = msgpack.unpackb(packet[1:], strict_map_key=False)
            if action == MessageAction.INVOKE_METHOD.value:
                answer = {
                    "control_id": body["control_id"],
                    "call_id": body["call_id"],
                    "result": self._answer(body["name"], body.get("args") or {}),
                    "error": None,
                }
                await self._say(MessageAction.INVOKE_METHOD, answer)

    def _answer(self, name: str, arguments: dict[str, Any]) -> Any:
        """What a browser's storage answers; None to all else that a page is asked to do."""
        key = arguments.get("key", "")
        if name == "set":
            self._kept[key] = arguments["value"]
        elif name == "remove":
            self._kept.pop(key, None)
        return self._kept.get(key) if name == "get" else None

    async def close(self) -> None:
        """Go."""
        if self._socket is not None:
            await self._socket.close()
        if self._listening is not None:
            await asyncio.gather(self._listening, return_exceptions=True)


async def tabs(server: OwnServer, count: int, seconds: float, gone_after: float) -> dict[str, Any]:
    """MiB of the process of ``server``, which lets a tab go ``gone_after`` seconds after it was closed."""
    logins = [await _login(server.connection, f"tab{number:02}") for number in range(count)]
    meter = Meter({"web": server.processes["web"].pid, "broker": server.processes["broker"].pid})
    found = {"never_visited": _memory(meter)}
    opened = [SocketTab(login) for login in logins]
    try:
        await opened[0].open(server.window_port)
        await asyncio.sleep(SETTLE)
        found["with_1"] = _memory(meter)
        await asyncio.gather(*(tab.open(server.window_port) for tab in opened[1:]))
        await asyncio.sleep(SETTLE)
        found[f"with_{count}"] = _memory(meter)
        meter.begin()
        await asyncio.sleep(seconds)
        idle = meter.cpu_per(seconds / 100)
    finally:
        await asyncio.gather(*(tab.close() for tab in opened))
    await asyncio.sleep(gone_after + GOING)
    found["after_all_closed"] = _memory(meter)
    return {
        "tabs": count,
        "memory_mib": {what: each["pss"] for what, each in found.items()},
        "resident_mib": {what: each["rss"] for what, each in found.items()},
        "memory_per_tab_mib": round(
            (found[f"with_{count}"]["pss"] - found["with_1"]["pss"]) / max(1, count - 1), 2
        ),
        "idle_percent_of_a_core": {name: round(idle[name], 2) for name in ("web", "broker")},
    }


async def _login(server: str, name: str) -> str:
    """Somebody new who stays logged in: what their browser keeps."""
    async with Chat.connect(server) as chat:
        await chat.register(name, PASSWORD)
    async with Chat.connect(server, username=name, password=PASSWORD) as chat:
        return json.dumps({"server": server, "user": name, "token": chat.token.hex()})


def _memory(meter: Meter) -> dict[str, float]:
    return {
        "pss": round(meter.pss_kib()["web"] / 1024, 1),
        "rss": round(meter.rss_kib()["web"] / 1024, 1),
    }
