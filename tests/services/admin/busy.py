"""A store in which much has happened, by way of the services: what fsck must find clean."""

from __future__ import annotations

from typing import NamedTuple

from config.log import LogFile, ServerLog
from config.settings import Settings
from protocol.backend import Call
from protocol.envelope import pack_body
from protocol.errors import OK
from services import messaging
from services.batch import Engine
from services.storage.engine import Store
from tests.services.house import House, Person

SECRET = "nobody else's business"
"""In every message: must never be shown."""


class Busy(NamedTuple):
    """Numbers of what is in there: users by name, and four conversations.

    ``pair`` holds six messages of ani's and budi's, ``ops`` four, ``everyone`` and ``notes`` (dewi's) one.
    """

    ani: int
    budi: int
    citra: int
    dewi: int
    pair: int
    ops: int
    everyone: int
    notes: int
    session: int


class _Mouth:
    """Says things through the messaging service."""

    def __init__(self, settings: Settings, store: Store) -> None:
        log = ServerLog(LogFile(settings.home / "log", 1 << 20, 1), "messaging")
        self._engine = Engine(messaging.SERVICE, store, settings, log, clock=lambda: 0)
        self._now = 1_800_000_000_000_000
        self._sent = 0

    def say(self, who: Person, to: str) -> None:
        self._sent += 1
        id = (1 << 64 | self._sent).to_bytes(16, "big")
        self.do(who, "message.send", to=to, body=f"{SECRET} {self._sent}", id=id)

    def do(self, who: Person, command: str, **fields: object) -> None:
        self._now += 1_000_000
        call = Call(0, command, who.user_id, who.name, who.session, False, pack_body(fields))
        replies = list(self._engine.take([call], self._now).replies)
        while self._engine.waiting:
            replies += self._engine.step(self._now).replies
        assert [status for _, status, _ in replies] == [OK], replies


def busy(settings: Settings, store: Store) -> Busy:
    """Fill the store: four people, a group with a password, direct talk, notes, everyone, markers."""
    house, mouth = House(store, settings), _Mouth(settings, store)
    ani, budi, citra, dewi = house.people("ani", "Budi", "citra", "dewi")
    house.do("auth.logout", house.login("ani", "phone"))
    house.do("auth.password", citra, old="correct horse", new="battery staple")
    house.do("presence.report", broker=b"b" * 16, online=[ani.user_id, budi.user_id], offline=[])
    house.do("group.create", ani, group="Ops", password="please")
    for who in (budi, citra, dewi):
        house.do("group.join", who, group="ops", password="please")
    for who, to in ((ani, "budi"), (budi, "ani")) * 3:
        mouth.say(who, to)
    for who in (ani, ani, budi, citra):
        mouth.say(who, "#ops")
    mouth.say(dewi, "*")
    mouth.say(dewi, "dewi")
    mouth.do(ani, "message.read", **{"with": "budi"}, seq=4)
    mouth.do(budi, "message.read", **{"with": "#ops"}, seq=2)
    house.do("group.remove", ani, group="ops", user="dewi")
    house.do("group.leave", citra, group="ops")
    house.do("group.create", dewi, group="soon.gone")
    house.do("group.leave", dewi, group="soon.gone")

    def number(where: str) -> int:
        row = house.row(f"select id from conversations where {where}")
        assert row is not None
        return int(row[0])

    return Busy(
        ani.user_id,
        budi.user_id,
        citra.user_id,
        dewi.user_id,
        number("kind = 'direct' and user_low <> user_high"),
        number("kind = 'group'"),
        number("kind = 'broadcast'"),
        number("kind = 'direct' and user_low = user_high"),
        ani.session,
    )
