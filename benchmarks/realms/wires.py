"""What lies between the realms, and how it breaks: proxies on one machine, or cables between hosts.

Both kinds can cut a realm off (its connections are reset, nobody gets through), and have what is said to it
and by it fall into nothing while its connections look alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

from benchmarks.crash.proxy import HOST, Proxy
from benchmarks.realms.hosts import Hosts
from benchmarks.realms.installation import Installation

REALM_PORT = 4
"""Above the port base: where other realms knock."""


class Wires(Protocol):
    """The network between realms, by their names."""

    kind: str

    def launcher(self, realm: str) -> Sequence[str]:
        """What to put before the commands of this realm."""

    def connect(self, installation: Installation) -> None:
        """Put a wire before its door. Before its start."""

    def cut(self, realm: str) -> None:
        """Nobody reaches it any more, and who tries learns that."""

    def drop(self, realm: str) -> None:
        """Nobody reaches it any more, and nobody learns that."""

    def heal(self, realm: str) -> None:
        """All is well."""


class Doors:
    """A TCP proxy before the door of each realm, on one machine."""

    kind = "processes on one machine"

    def __init__(self, exits: ExitStack, seed: int) -> None:
        self._exits = exits
        self._seed = seed
        self._proxies: dict[str, Proxy] = {}

    def launcher(self, realm: str) -> Sequence[str]:
        """Nothing: it is this machine."""
        return ()

    def connect(self, installation: Installation) -> None:
        """Others are told the proxy's address."""
        port = installation.server.port + REALM_PORT
        self._proxies[installation.realm] = self._exits.enter_context(Proxy(port, self._seed, ports=1))
        installation.advertise(f"{HOST}:{port}")

    def cut(self, realm: str) -> None:
        """Reset whoever comes."""
        self._proxies[realm].shut()

    def drop(self, realm: str) -> None:
        """Swallow what others ask it; what it asks them passes their doors."""
        self._proxies[realm].drop()

    def heal(self, realm: str) -> None:
        """Let everybody in."""
        self._proxies[realm].reopen()


class Cables:
    """A host for each realm, and a switch between them."""

    kind = "hosts in network namespaces"

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def launcher(self, realm: str) -> Sequence[str]:
        """A command that enters the host."""
        return self._hosts.launcher(realm)

    def connect(self, installation: Installation) -> None:
        """The door is open to the network; everything else of the server is for its own host."""
        address = self._hosts.address(installation.realm)
        installation.advertise(address, bind=address)

    def cut(self, realm: str) -> None:
        """Switch the host's own interface off: its programs learn of it."""
        self._hosts.switch_off(realm)

    def drop(self, realm: str) -> None:
        """Pull the cable at the other end."""
        self._hosts.pull(realm)

    def heal(self, realm: str) -> None:
        """Everything on and plugged in."""
        self._hosts.plug_in(realm)
