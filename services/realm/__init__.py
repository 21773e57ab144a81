"""The realm service: people of other realms, reached through their servers.

Here: how the process is put together. ``house`` is what all parts share, ``line`` our side of the talk with
one peer, ``ports`` the sockets, ``loop`` the turns; ``asked``, ``passed`` and ``parts`` are the tables in
which each noun's file has its place.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from config.keys import server_keys
from config.log import ServerLog
from config.settings import Settings
from services.auth import SERVICE as AUTH
from services.batch import Engine
from services.context import Service
from services.file import SERVICE as FILE
from services.group import SERVICE as GROUP
from services.loop import Link, Loop
from services.messaging import SERVICE as MESSAGING
from services.realm.asked import ASKED
from services.realm.groups import parting
from services.realm.house import House
from services.realm.line import Times
from services.realm.listing import list_realms
from services.realm.loop import RealmLoop
from services.realm.opening import Opening
from services.realm.parts import PARTS
from services.realm.passed import PASSED
from services.realm.ports import SocketPorts
from services.slow import Hands
from services.storage.engine import Store

BORROWED = (AUTH, MESSAGING, GROUP, FILE)
"""Services whose handlers do here what peers' users ask for."""


def _loop(
    settings: Settings, store: Store, log: ServerLog, name: str, links: Sequence[Link], hands: Hands
) -> Loop:
    ports = SocketPorts(settings, server_keys(settings.home))
    opening = Opening(settings, log, ports)
    opening.first()
    house = House(
        settings,
        store,
        log,
        ports,
        {service.name: Engine(service, store, settings, log, hands=hands) for service in BORROWED},
        asked=ASKED,
        passed=PASSED,
        parts=PARTS,
        rng=random.Random(),
        start=time.time_ns() // 1000,
        times=Times(settings.realm_answer_timeout, settings.realm_quiet, settings.realm_pause_most),
        part_from=parting.part,
    )
    house.key = ports.key
    return RealmLoop(SERVICE, settings, log, name, links, house, ports, opening)


SERVICE = Service("realm", {"realm.list": list_realms}, loop=_loop)
