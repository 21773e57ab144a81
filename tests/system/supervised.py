"""A server under ``pesan up``, and two people who chat while its processes are killed.

Here: starting it, reading what it prints, finding its processes. What is to be seen is the tests'.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.own_server import free_port_base
from client import Chat, MessageEvent

PATIENCE = 20.0
PASSWORD = "a password to try"
SERVICES = ("auth", "messaging", "group", "file", "realm")


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a server with this data folder, on ports of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PESAN_")}
    return {**environment, "PESAN_HOME": str(home), "PESAN_PORT_BASE": str(free_port_base())}


class Up:
    """``with Up(folder) as up: up.ready() …``. What it printed is in ``lines``."""

    def __init__(self, folder: Path, *arguments: str, settings: str = "", **environment: str) -> None:
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.settings = self.home / "pesan.toml"
        self.settings.write_text(settings)
        self.environment = {**surroundings(self.home), **environment}
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._open = True
        self.process = self.start(*arguments)
        assert self.process.stdout is not None
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run the command on this data folder; what it prints goes into a pipe."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("pesan")), "up", *arguments],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Up:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print("\n".join(self.lines))
        below = self.family()
        if self.process.poll() is None:
            self.process.kill()
        for one in below:
            one.kill()
        self.process.wait(PATIENCE)
        self._reading.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._open = False
            self._news.notify_all()

    def says(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until a line with ``pattern`` was printed so many times; the last of them."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= times or not self._open, PATIENCE)
            if len(found()) < times:
                raise AssertionError(f"{pattern!r} was not said {times} times:\n" + "\n".join(self.lines))
            return found()[-1]

    def ready(self, times: int = 1) -> str:
        """The connection string, once the broker has printed it so many times."""
        return self.says(r"^pesan ready (\S+)$", times).group(1)

    def ends(self) -> int:
        """The exit code."""
        code = self.process.wait(PATIENCE)
        self._reading.join(PATIENCE)
        return int(code)

    def pid(self, name: str, start: int = 1) -> int:
        """The process of this name, once it was started so many times."""
        return int(self.says(rf"{re.escape(name)} started \(pid (\d+)\)", start).group(1))

    def starts(self, name: str) -> int:
        """How often a process of this name was started so far."""
        return sum(f" {name} started" in line for line in self.lines)

    def kill(self, name: str) -> None:
        """kill -9 the process of this name; returns when another one was started in its place."""
        starts = self.starts(name)
        os.kill(self.pid(name, starts), signal.SIGKILL)
        self.pid(name, starts + 1)

    def family(self) -> list[psutil.Process]:
        """Every process below it."""
        if self.process.poll() is not None:
            return []
        return psutil.Process(self.process.pid).children(recursive=True)


class Talk:
    """ani writes to budi, one message after the other, until told to stop; ``longest``: her longest wait."""

    def __init__(self, server: str) -> None:
        self._ani = Chat.connect(server, timeout=PATIENCE)
        self._budi = Chat.connect(server, timeout=PATIENCE, cursors={})
        self._stop = False
        self.sent = 0
        self.heard: list[str] = []
        self.longest = 0.0

    async def __aenter__(self) -> Talk:
        for chat, name in ((self._ani, "ani"), (self._budi, "budi")):
            await chat.__aenter__()
            await chat.register(name, PASSWORD)
            await chat.login(name, PASSWORD)
        self._hearing = asyncio.create_task(self._hear())
        self._sending = asyncio.create_task(self._send())
        await self.goes_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending.cancel()
        self._hearing.cancel()
        await asyncio.gather(self._sending, self._hearing, return_exceptions=True)
        await self._ani.close()
        await self._budi.close()

    async def _send(self) -> None:
        while not self._stop:
            begun = time.monotonic()
            await self._ani.send("budi", str(self.sent + 1))
            self.longest = max(self.longest, time.monotonic() - begun)
            self.sent += 1
            await asyncio.sleep(0.002)

    async def _hear(self) -> None:
        async for event in self._budi.events():
            if isinstance(event, MessageEvent):
                self.heard.append(event.body)

    async def goes_on(self, messages: int = 20) -> None:
        """Returns when so many more messages have arrived."""
        enough = len(self.heard) + messages
        deadline = time.monotonic() + PATIENCE
        while len(self.heard) < enough:
            assert time.monotonic() < deadline, f"{len(self.heard)} of {self.sent} heard, nothing more"
            if self._sending.done():
                self._sending.result()
            await asyncio.sleep(0.01)

    async def ends(self) -> None:
        """Stop, and hold that every message arrived once, in order."""
        self._stop = True
        await self._sending
        deadline = time.monotonic() + PATIENCE
        while len(self.heard) < self.sent and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert self.heard == [str(number) for number in range(1, self.sent + 1)]
