"""The client programs of one scenario: started, told to write, killed, started anew.

Belongs here: processes and their ledgers. What goes wrong with the server is ``scenarios``'.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from benchmarks import ledger
from benchmarks.crash.cast import GROUP, PROBER, Cast
from benchmarks.crash.client import CALL_TIMEOUT
from benchmarks.ledger import Line, Reader
from benchmarks.own_server import ROOT
from benchmarks.wire import PASSWORD, WireUser, each

ENTER_SECONDS = 60.0
PROGRAM = "program"
"""Programs are called ``program0``, ``program1``, …, and the one that asks the services ``prober``."""


class Crowd:
    """Everyone who chats. ``folder`` keeps their ledgers; ``server`` is what their programs connect to."""

    def __init__(self, cast: Cast, folder: Path, server: str) -> None:
        self.cast = cast
        self.folder = folder
        self.lines: list[Line] = []
        """Every line of every ledger read so far."""
        self._server = server
        self._reader = Reader(folder)
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self.tokens: dict[str, str] = {}
        """Of each user, in hexadecimal."""
        self._writing = False

    @property
    def programs(self) -> list[str]:
        """Names of the programs of people (not the prober)."""
        return sorted(name for name in self._programs if name.startswith(PROGRAM))

    @property
    def pids(self) -> dict[str, int]:
        """Every program's process."""
        return {name: process.pid for name, process in self._programs.items()}

    @property
    def torn(self) -> int:
        """Lines of ledgers that were cut off."""
        return self._reader.torn

    # --- before ---------------------------------------------------------------------------------

    def register(self, server: str) -> None:
        """Make the users and the group, and open a session for each, over the wire."""
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        context.set(zmq.MAX_SOCKETS, 4096)
        names = self.cast.everyone
        users = [WireUser(context, server) for _ in names]
        called = dict(zip(users, names, strict=True))

        def who(user: WireUser) -> dict[str, Any]:
            return {"username": called[user], "password": PASSWORD}

        each(users, "auth.register", who)
        for user, reply in each(users, "auth.login", who):
            user.entered(called[user], reply)
            self.tokens[user.name] = user.token.hex()
        members = [user for user in users if user.name in self.cast.group]
        if members:
            members[0].call("group.create", group=GROUP)
            each(members[1:], "group.join", lambda _: {"group": GROUP})
        for user in users:
            user.close()
        context.term()

    def start(self) -> None:
        """Start every program; returns when all of them hear."""
        for number in range(self.cast.programs):
            self._start(f"{PROGRAM}{number}", self.cast.program(number))
        self._start("prober", [PROBER])
        self.await_state("ready", ENTER_SECONDS)

    def _start(self, name: str, people: list[str]) -> None:
        part = self.folder / f"{name}.json"
        part.write_text(
            json.dumps(
                {
                    "server": self._server,
                    "ledger": str(self.folder / f"{name}.ledger"),
                    "people": [self._person(one) for one in people],
                }
            )
        )
        self._spawn(name)

    def _person(self, name: str) -> dict[str, Any]:
        to = self.cast.writes_to(name)
        rate = self.cast.rate * (2 if to == GROUP else 1)
        return {"name": name, "token": self.tokens[name], "to": to, "rate": rate, "probes": name == PROBER}

    def _spawn(self, name: str) -> None:
        with (self.folder / f"{name}.stderr").open("a") as errors:
            self._programs[name] = subprocess.Popen(
                self._command(name),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
            )

    def _command(self, name: str) -> list[str]:
        return [sys.executable, "-m", self.cast.module, str(self.folder / f"{name}.json")]

    # --- during ---------------------------------------------------------------------------------

    def go(self) -> None:
        """Everyone writes."""
        self._writing = True
        for name in self._programs:
            self._tell(name, "go")

    def stop(self) -> bool:
        """Nobody writes anything new; True when every call was answered in its time."""
        self._writing = False
        for name in self._programs:
            self._tell(name, "stop")
        return self.await_state("idle", CALL_TIMEOUT + 10.0)

    def _tell(self, name: str, order: str) -> None:
        pipe = self._programs[name].stdin
        assert pipe is not None
        pipe.write(order.encode() + b"\n")
        pipe.flush()

    def kill(self, *names: str) -> None:
        """kill -9, all at the same time."""
        for name in names:
            self._programs[name].kill()
        for name in names:
            process = self._programs.pop(name)
            process.wait(10)
            assert process.stdin is not None
            process.stdin.close()

    def restart(self, *names: str) -> None:
        """Start killed programs again; each finds its ledger, and writes at once when the others do."""
        for name in names:
            self._spawn(name)
            if self._writing:
                self._tell(name, "go")

    def read(self) -> list[Line]:
        """What the ledgers have in addition since the last call."""
        lines = self._reader.new()
        self.lines.extend(lines)
        return lines

    def until(self, reached: Callable[[list[Line]], bool], seconds: float) -> bool:
        """Read on until ``reached(new lines)`` says so; False when the time is over."""
        deadline = time.monotonic() + seconds
        while not reached(self.read()):
            if time.monotonic() > deadline:
                return False
            self._check()
            time.sleep(0.02)
        return True

    def await_state(self, state: str, seconds: float) -> bool:
        """Wait until every program's newest word about itself is ``state``."""
        states = {line.fields[0]: line.fields[1] for line in self.lines if line.what == ledger.STATE}

        def reached(lines: list[Line]) -> bool:
            states.update({line.fields[0]: line.fields[1] for line in lines if line.what == ledger.STATE})
            return all(states.get(name) == state for name in self._programs)

        return self.until(reached, seconds)

    def _check(self) -> None:
        """A program that ended by itself is a fault of ours, not of the server's."""
        for name, process in self._programs.items():
            if process.poll() is not None:
                text = (self.folder / f"{name}.stderr").read_text(errors="replace")
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{text}")

    # --- after ----------------------------------------------------------------------------------

    def close(self) -> None:
        """End every program."""
        for process in self._programs.values():
            assert process.stdin is not None
            process.stdin.close()
        for process in self._programs.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self._programs.clear()
        self.read()
