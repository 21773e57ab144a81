"""People who sit in front of ``pesan chat``, at one server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.own_server import ROOT, OwnServer
from client import Chat
from tests.system.pesan import run
from tests.system.screen import PATIENCE, Seat

T = TypeVar("T")
QUICK = {"password_memory_kib": 8, "password_passes": 1}
PESAN = [sys.executable, "-c", "import sys; from client.cli import main; sys.exit(main())"]
SILENCE = 0.5
"""Seconds of seeing nothing that count as seeing nothing."""


class House:
    """A server, and people at terminals."""

    def __init__(self, server: OwnServer) -> None:
        self.server = server
        self.seats: list[Seat] = []
        self.pipes: list[subprocess.Popen[str]] = []

    def environment(self, name: str) -> dict[str, str]:
        return {
            **self.server.environment,
            "HOME": str(self.folder(name)),
            "XDG_STATE_HOME": str(self.folder(name)),
            "XDG_CONFIG_HOME": str(self.folder(name)),
            "LC_ALL": "C.UTF-8",
        }

    def folder(self, name: str) -> Path:
        folder = self.server.home / f"of-{name}"
        folder.mkdir(exist_ok=True)
        return folder

    def moves_in(self, *names: str) -> None:
        """Register people and log their profiles in."""
        for name in names:
            environment = {**self.environment(name), "PESAN_PASSWORD": f"password of {name}"}
            done = run(["register", name], environment, ROOT)
            assert done.returncode == 0, done.stderr

    def sits_down(self, name: str, *arguments: str) -> Seat:
        """``pesan chat`` in a terminal, with a prompt."""
        seat = Seat([*PESAN, "chat", *arguments], self.environment(name), ROOT)
        self.seats.append(seat)
        prompt = f"{arguments[0]}>" if arguments else "pesan>"
        seat.sees(lambda: seat.screen.cursor_line == prompt, prompt)
        return seat

    def pipes_into(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """``pesan chat`` between two pipes."""
        child = subprocess.Popen(
            [*PESAN, "chat", *arguments],
            env=self.environment(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.pipes.append(child)
        return child

    def as_(self, name: str, work: Callable[[Chat], Awaitable[T]]) -> T:
        """Do something with the library under somebody's name."""

        async def run() -> T:
            password = f"password of {name}"
            async with Chat.connect(self.server.connection, username=name, password=password) as chat:
                return await work(chat)

        return asyncio.run(run())

    def says(self, name: str, to: str, *texts: str) -> None:
        async def work(chat: Chat) -> None:
            for text in texts:
                await chat.send(to, text)

        self.as_(name, work)

    def heard(self, name: str, address: str) -> list[str]:
        """Every text of a conversation."""

        async def work(chat: Chat) -> list[str]:
            return [message.body async for message in chat.messages(address)]

        return self.as_(name, work)

    def hears(self, name: str, address: str, texts: list[str]) -> None:
        """Wait until a conversation is this."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.heard(name, address)) != texts:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def close(self) -> None:
        for seat in self.seats:
            seat.leaves()
        for child in self.pipes:
            child.kill()
            child.communicate()
