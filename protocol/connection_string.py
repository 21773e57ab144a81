"""The one string a client needs to find and trust a server: ``pesan://HOST:PORT?key=BASE64URL``."""

from __future__ import annotations

import base64
import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

KEY_BYTES = 32
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?").fullmatch


class ConnectionString(NamedTuple):
    """Host and port of the commands socket; ``key`` is the server's CURVE public key, 32 bytes.

    An empty ``key`` means a server without encryption (loopback only).
    """

    host: str
    port: int
    key: bytes = b""

    def same_server(self, other: ConnectionString) -> bool:
        """Whether both lead to one server, so that a token of it may be shown to either.

        A server is its key; one without encryption is its address.
        """
        if self.key or other.key:
            return self.key == other.key
        return (self.host, self.port) == (other.host, other.port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        key = base64.urlsafe_b64encode(self.key).rstrip(b"=").decode()
        return f"pesan://{host}:{self.port}" + (f"?key={key}" if key else "")


def parse(text: str) -> ConnectionString:
    """Read a connection string. Raises ``ValueError`` with a sentence that says what is wrong."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "pesan" or not parts.hostname:
        raise ValueError("A connection string looks like pesan://HOST:PORT?key=KEY.")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("The connection string's port is not a number from 1 to 65535.")
    if port is None:
        raise ValueError("The connection string names no port: pesan://HOST:PORT?key=KEY.")
    # A query without a whole key is a string that was cut off, and must not turn encryption off.
    keys = parse_qs(parts.query, keep_blank_values=True).get("key", [""])
    key = _key(keys[0]) if parts.query else b""
    if not key and not _on_this_machine(parts.hostname):
        raise ValueError(
            "The connection string has no key, and only a server on this machine is trusted without one. "
            "Copy all of it, ?key=… included, and put it in quotes: it is what pesan up prints behind ready."
        )
    return ConnectionString(parts.hostname, port, key)


def _on_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _key(text: str) -> bytes:
    if not _KEY(text):
        raise ValueError(
            f"The key in the connection string is not {KEY_BYTES} bytes of base64url; copy it once more."
        )
    return base64.urlsafe_b64decode(text.rstrip("=") + "=")
