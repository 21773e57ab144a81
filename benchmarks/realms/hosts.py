"""Hosts of one's own on this machine: network namespaces, each with one cable to a switch that is one, too.

Belongs here: making them, pulling and plugging in their cables, and taking all of it away again. Needs root
and Debian's ``iproute2``; ``lacking`` says what is missing. Nothing outside the namespaces is touched, and
none of them has a way out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final

NETWORK: Final = "192.0.2."
"""Addresses that no network in the world has (RFC 5737); nothing leaves the namespaces anyway."""
BRIDGE: Final = "switch"
CABLE: Final = "cable"


class Refused(Exception):
    """The machine will not make hosts; the text is a sentence for a person."""


def lacking() -> str:
    """Why no hosts can be made here, in a sentence; '' when they can."""
    if shutil.which("ip") is None:
        return "The command `ip` is missing: install Debian's package iproute2."
    if os.geteuid() != 0:
        return "Network namespaces are made by root alone; this is another user."
    try:
        with Hosts(["x"]):
            return ""
    except Refused as error:
        return str(error)


class Hosts:
    """``with Hosts(["a", "b"]) as hosts``: a namespace for each name, and one for the switch between them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._prefix = f"pesan{os.getpid()}"
        self._switch = f"{self._prefix}-switch"
        self._places = {name: number for number, name in enumerate(names, 1)}
        self._exits = ExitStack()

    def __enter__(self) -> Hosts:
        try:
            self._make()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def address(self, name: str) -> str:
        """Where the others reach this host."""
        return f"{NETWORK}{self._places[name]}"

    def launcher(self, name: str) -> list[str]:
        """What to put before a command so that it runs there; it keeps its pid."""
        return ["ip", "netns", "exec", self._host(name)]

    def pull(self, name: str) -> None:
        """Pull the cable of a host out of the switch: nobody is told, connections look alive."""
        _ip("-n", self._switch, "link", "set", f"{CABLE}-{name}", "down")

    def switch_off(self, name: str) -> None:
        """Switch the host's own interface off: the host has no way to anywhere, and its programs are told."""
        _ip("-n", self._host(name), "link", "set", "eth0", "down")

    def plug_in(self, name: str) -> None:
        """Put the cable back, and switch the interface on."""
        _ip("-n", self._switch, "link", "set", f"{CABLE}-{name}", "up")
        _ip("-n", self._host(name), "link", "set", "eth0", "up")

    def _host(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _make(self) -> None:
        _sweep()
        self._namespace(self._switch)
        _ip("-n", self._switch, "link", "add", BRIDGE, "type", "bridge")
        _ip("-n", self._switch, "link", "set", BRIDGE, "up")
        for name in self._places:
            self._connect(name)

    def _namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        # With a namespace go its interfaces, and with one end of a cable the other.
        self._exits.callback(_ip, "netns", "del", name)
        _ip("-n", name, "link", "set", "lo", "up")

    def _connect(self, name: str) -> None:
        host, end = self._host(name), f"{CABLE}-{name}"
        self._namespace(host)
        _ip("-n", self._switch, "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", host)
        _ip("-n", self._switch, "link", "set", end, "master", BRIDGE, "up")
        _ip("-n", host, "address", "add", f"{self.address(name)}/24", "dev", "eth0")
        _ip("-n", host, "link", "set", "eth0", "up")


def _sweep() -> None:
    """Take away what runs that were killed have left: the namespaces of processes that are no more."""
    for line in _ip("netns", "list").splitlines():
        found = re.match(r"pesan(\d+)-\S+", line)
        if found is not None and not Path("/proc", found[1]).exists():
            _ip("netns", "del", found[0])


def _ip(*words: str) -> str:
    """``ip words…``; what it prints. Raises ``Refused`` with what it says."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise Refused(f"`ip {' '.join(words)}` was refused: {done.stderr.strip()}")
    return done.stdout
