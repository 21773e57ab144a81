"""Where a browser is: the network address that counts as whoever opened a tab.

Belongs here: that alone. ``X-Forwarded-For`` is what a reverse proxy says of whom it speaks for, and what
anybody else can write as well. So it is believed only of who connects from this machine, and only where
``web_names`` says that there is a proxy; and of what stands in it only the end, which the proxy itself wrote.
Why so: docs/decisions/0056-a-tab-counts-by-its-browsers-address.md.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from client.gui.serving.guard import names
from config.hosts import is_loopback
from config.settings import Settings

FORWARDED: Final = "x-forwarded-for"
LONGEST: Final = 4096
"""Characters of the header that are read, from its end."""


def origin(scope: Scope, settings: Settings) -> str:
    """The address of the browser that asks; '' when not even the server knows."""
    peer: str = (scope.get("client") or ("", 0))[0]
    if not (names(settings.web_names) and is_loopback(peer)):
        return peer
    told = ",".join(Headers(scope=scope).getlist(FORWARDED))[-LONGEST:]
    last = told.rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return peer
