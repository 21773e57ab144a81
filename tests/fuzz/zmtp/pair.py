"""Ani and budi, who chat through the client library, and count what reaches them, how often, and when."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Final

from benchmarks.figures import latency_figures
from client import Chat
from client.inbox import Status
from protocol.events import MessageEvent

PASSWORD: Final = "correct horse"
PAUSE: Final = 0.02
"""Seconds between two messages of each."""
LAST_WORD: Final = 20.0
"""Seconds that what was said may take to arrive in the end."""


class Pair:
    """Both sides of one conversation, in one process with one clock."""

    def __init__(self) -> None:
        self.said: dict[str, float] = {}
        """Text → when it was sent."""
        self.heard: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.sends: list[float] = []
        self.breaks: list[str] = []
        """Reasons for which somebody stopped hearing events."""
        self.over = asyncio.Event()

    async def chat(self, server: str, seconds: float) -> None:
        """Talk for so long, then wait for the last word."""
        async with (
            Chat.connect(server, username="ani", password=PASSWORD) as ani,
            Chat.connect(server, username="budi", password=PASSWORD) as budi,
        ):
            ears = [asyncio.create_task(self._listen(ani)), asyncio.create_task(self._listen(budi))]
            await asyncio.sleep(1.0)
            self.breaks.clear()
            await asyncio.gather(self._talk(ani, "budi", seconds), self._talk(budi, "ani", seconds))
            end = time.monotonic() + LAST_WORD
            while set(self.said) - set(self.heard) and time.monotonic() < end:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            for ear in ears:
                ear.cancel()
            await asyncio.gather(*ears, return_exceptions=True)

    async def _talk(self, me: Chat, other: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        number = 0
        while time.monotonic() < end:
            number += 1
            text = f"{me.user} {number}"
            began = self.said[text] = time.perf_counter()
            await me.send(other, text)
            self.sends.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)

    async def _listen(self, me: Chat) -> None:
        async for event in me.events():
            if isinstance(event, MessageEvent) and event.sender != me.user:
                self.heard[event.body] += 1
                self.latencies.append(time.perf_counter() - self.said[event.body])
            elif isinstance(event, Status) and not event.connected:
                self.breaks.append(event.reason)

    def figures(self) -> dict[str, Any]:
        """What they noticed."""
        return {
            "messages": len(self.said),
            "lost": len(set(self.said) - set(self.heard)),
            "doubled": sum(count - 1 for count in self.heard.values() if count > 1),
            "reconnects": len(self.breaks),
            "delivery": latency_figures(self.latencies),
            "acknowledgement": latency_figures(self.sends),
        }


async def register(server: str) -> None:
    """Accounts for both."""
    async with Chat.connect(server) as nobody:
        for name in ("ani", "budi"):
            await nobody.register(name, PASSWORD)
