"""A whole server of one's own: real processes, free loopback ports, a throw-away data folder.

Benchmarks measure it, tests of the whole system kill and restart its parts. Every process is known
by name and ended by its pid.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("auth", "messaging", "group", "file")
START_TIMEOUT = 20.0
DIALECTS = (10, 11, 12, 13)
WEB = 3
REALM = 4
PORTS = (0, 1, 2, WEB, REALM, *DIALECTS)
"""Commands, events, chunks of files, windows, other realms, dialects of the gateway: above the port base."""


class OwnServer:
    """``with OwnServer() as server: server.connection …``.

    ``counts`` says how many workers of a service (default one each); ``settings`` go into
    pesan.toml; ``environment`` is added to every process; ``home`` is an empty folder to be used (and
    emptied in the end) in place of one of its own; ``workers`` is the module run as worker; ``gateway``:
    with the older protocols, too; ``realm``: with a door for other realms; ``web``: with windows for
    browsers, at ``window``; ``launcher``: words before each command, to run it on another host.
    """

    def __init__(
        self,
        *,
        counts: Mapping[str, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        rate_limits: bool = False,
        home: Path | None = None,
        workers: str = "services",
        gateway: bool = False,
        realm: bool = False,
        web: bool = False,
        launcher: Sequence[str] = (),
    ) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix="pesan-"))
        self.port = free_port_base()
        self.workers = workers
        self._gateway = gateway
        self._web = web
        self.window_port = self.port + WEB
        self.window = f"http://127.0.0.1:{self.window_port}/"
        self._launcher = launcher
        self.connection = ""
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.counts = {**dict.fromkeys(SERVICES, 1), **({"realm": 1} if realm else {}), **(counts or {})}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PESAN_")},
            "PESAN_HOME": str(self.home),
            "PESAN_PORT_BASE": str(self.port),
            "PESAN_RATE_LIMITS": "on" if rate_limits else "off",
            "PYTHONPATH": str(ROOT),
            **(environment or {}),
        }
        if settings:
            (self.home / "pesan.toml").write_text(_toml(settings), encoding="utf-8")

    def __enter__(self) -> OwnServer:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start every process and wait until a login would be answered."""
        self.start_broker(wait=False)
        for service, count in self.counts.items():
            for number in range(1, count + 1):
                self.start_worker(service, number)
        self.await_ready()
        if self.counts.get("realm") and not self._launcher:
            self._await_ports("realm.1", (REALM,))
        if self._gateway:
            self.start_gateway()
        if self._web:
            self.start_web()

    def start_gateway(self, name: str = "gateway") -> None:
        """Start a gateway, and wait until it listens."""
        self._spawn(name, ["-m", "gateway"])
        self._await_ports(name, DIALECTS)

    def start_web(self) -> None:
        """Start to serve windows, and wait until they can be opened."""
        self._spawn("web", ["-m", "client.gui.serving"])
        self._await_ports("web", (WEB,))

    def start_realm(self, number: int = 1) -> None:
        """Start a realm process, and wait until it listens; it does so with a broker or without."""
        self.start_worker("realm", number)
        self._await_ports(f"realm.{number}", (REALM,))

    def _await_ports(self, name: str, places: Sequence[int]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not all(_taken(self.port + place) for place in places):
            if time.monotonic() > deadline or self.processes[name].poll() is not None:
                raise RuntimeError(f"{name} did not start\n{self.errors()}")
            time.sleep(0.02)

    def start_broker(self, wait: bool = True) -> None:
        """Start the broker; its connection string is the same at every start."""
        self._spawn("broker", ["-m", "broker"])
        if wait:
            self.await_ready()

    def start_worker(self, service: str, number: int = 1) -> None:
        """Start one worker, known as ``service.number``."""
        self._spawn(f"{service}.{number}", ["-m", self.workers, service])

    def await_ready(self) -> None:
        """Wait for the broker's ``pesan ready`` line."""
        broker = self.processes["broker"]
        assert broker.stdout is not None
        line = broker.stdout.readline()
        if not line.startswith("pesan ready "):
            raise RuntimeError(f"the broker did not start: {line!r}\n{self.errors()}")
        self.connection = line.split()[2]

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one process; with -9, wait until it is gone."""
        process = self.processes[name]
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait(10)
            self._forget(name)

    def kill_together(self, names: Sequence[str]) -> None:
        """kill -9 of several processes at the same moment; returns when they are gone."""
        for name in names:
            os.kill(self.processes[name].pid, signal.SIGKILL)
        for name in names:
            self.kill(name)

    def start_again(self, names: Sequence[str]) -> None:
        """Start killed processes; when the broker was among them, wait for its return."""
        if "broker" in names:
            self.start_broker(wait=False)
        for name in names:
            if name != "broker":
                service, _, number = name.partition(".")
                self.start_worker(service, int(number))
        if "broker" in names:
            self.await_ready()

    def stop(self, name: str) -> int:
        """SIGTERM to one process; its exit code once it ended."""
        process = self.processes[name]
        process.terminate()
        code = int(process.wait(10))
        self._forget(name)
        return code

    def errors(self) -> str:
        """What the processes wrote to stderr."""
        return "".join(
            f"--- {file.name}\n{file.read_text(errors='replace')}"
            for file in sorted(self.home.glob("*.stderr"))
        )

    def close(self) -> None:
        """End every process, then remove the data folder."""
        for process in self.processes.values():
            process.terminate()
        deadline = time.monotonic() + 5
        for name, process in list(self.processes.items()):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
            self._forget(name)
        shutil.rmtree(self.home, ignore_errors=True)

    def _spawn(self, name: str, arguments: list[str]) -> None:
        with (self.home / f"{name}.stderr").open("a") as errors:
            self.processes[name] = subprocess.Popen(
                [*self._launcher, sys.executable, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if name == "broker" else subprocess.DEVNULL,
                stderr=errors,
                text=True,
                cwd=ROOT,
            )

    def _forget(self, name: str) -> None:
        process = self.processes.pop(name)
        if process.stdout is not None:
            process.stdout.close()


def free_port_base() -> int:
    """A loopback port that is free now, and the others of a server that begins there.

    Taken below the range from which the kernel hands out ports by itself, at a place of this
    process's own, so that parallel runs do not meet.
    """
    first = 10_000 + (os.getpid() * 37) % 20_000
    ports: list[int] = [*range(first, 32_000, 20), *range(10_000, first, 20)]
    for port in ports:
        if all(_free(port + place) for place in PORTS):
            return port
    raise RuntimeError("no free port")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _taken(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _toml(settings: Mapping[str, Any]) -> str:
    def value(item: Any) -> str:
        return str(item).lower() if isinstance(item, bool) else repr(item).replace("'", '"')

    plain = [f"{name} = {value(item)}" for name, item in settings.items() if not isinstance(item, Mapping)]
    for name, table in settings.items():
        if isinstance(table, Mapping):
            plain += [f"[{name}]", *(f"{key} = {value(item)}" for key, item in table.items())]
    return "\n".join(plain) + "\n"
