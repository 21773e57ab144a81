"""The server whose data folder a process works in: how its gateway and its windows find it.

Belongs here: that. People's clients find one by ``cli/places``.
"""

from __future__ import annotations

from zmq.utils import z85

from config import whereabouts
from config.keys import server_keys
from config.settings import Settings
from protocol.connection_string import ConnectionString


def own_server(settings: Settings) -> str:
    """The connection string of the broker that these settings are for. Raises ``OSError``."""
    host = whereabouts.EVERYWHERE.get(settings.host, settings.host)
    key = z85.decode(server_keys(settings.home).public) if settings.curve else b""
    return str(ConnectionString(host, settings.port_base, key))
