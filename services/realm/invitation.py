"""An invitation: the one string by which one realm finds and trusts another, once.

    pesan-realm://NAME@HOST:PORT/KEY/SECRET/UNTIL/CHECK

``KEY`` is the CURVE key and ``SECRET`` the one-time secret, in base64url; ``UNTIL`` the last second, since
the epoch; ``CHECK`` tells a string that was cut off or mistyped. No character of it means anything to a
shell, so it may be pasted without quotes. Whoever has the string may pair with the realm that made it, once.

Belongs here: writing and reading it. Not here: what becomes of it (``pairing``, ``joining``).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final, NamedTuple

from protocol.addresses import REALM_PATTERN
from protocol.realms import SECRET_BYTES

SCHEME: Final = "pesan-realm"
KEY_BYTES: Final = 32
_CHECK_BYTES: Final = 6
_host = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,16})?").fullmatch
_realm = re.compile(REALM_PATTERN).match


class Invitation(NamedTuple):
    """``address``: host:port of the realm socket, an IPv6 host in brackets. ``until``: seconds since the
    epoch.
    """

    realm: str
    address: str
    key: bytes
    secret: bytes
    until: int

    def __str__(self) -> str:
        said = f"{self.realm}@{self.address}/{_text(self.key)}/{_text(self.secret)}/{self.until}"
        return f"{SCHEME}://{said.replace('[', '').replace(']', '')}/{_check(said)}"


def parse(text: str) -> Invitation:
    """Read an invitation. Raises ``ValueError`` with a sentence that says what is wrong with it."""
    text = "".join(text.split())  # a mail program may have broken it into lines
    scheme, _, rest = text.partition("://")
    if scheme == "pesan":
        raise ValueError(
            "This is a connection string, for clients. An invitation is what `pesan realm invite` prints "
            "on the other server."
        )
    parts = rest.split("/")
    if scheme != SCHEME or "@" not in parts[0]:
        raise ValueError(
            f"An invitation looks like {SCHEME}://NAME@HOST:PORT/…, as `pesan realm invite` prints it."
        )
    realm, _, address = parts[0].partition("@")
    try:
        address = checked_address(address)
        key, secret, until = _bytes(parts[1]), _bytes(parts[2]), int(parts[3])
        whole = Invitation(realm, address, key, secret, until)
        if str(whole) != text or not _realm(realm) or len(key) != KEY_BYTES or len(secret) != SECRET_BYTES:
            raise ValueError
    except (ValueError, IndexError):
        raise ValueError("This invitation was not copied whole; copy it once more.") from None
    return whole


def checked_address(text: str, port: int = 0) -> str:
    """``HOST:PORT`` in the one form that we store, from what somebody said; ``port``: if they named none.

    An IPv6 host is given brackets. Raises ``ValueError`` with a sentence.

    >>> checked_address("chat.example.org", 7704), checked_address("2001:db8::1:7704")
    ('chat.example.org:7704', '[2001:db8::1]:7704')
    """
    named, colon, end = text.rpartition(":")
    if port and (not colon or (":" in named and not named.endswith("]")) or text.endswith("]")):
        named, end = text, str(port)
    host = named[1:-1] if named[:1] + named[-1:] == "[]" else named
    if not _host(host) or not re.fullmatch("[0-9]{1,5}", end) or not 0 < int(end) < 65_536:
        raise ValueError(f"{text[:100]!r} is no address: HOST:PORT, as chat.example.org:7704.")
    return f"[{host}]:{int(end)}" if ":" in host else f"{host}:{int(end)}"


def _check(said: str) -> str:
    return _text(hashlib.sha256(said.encode()).digest()[:_CHECK_BYTES])


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
