"""The gate: who may ask us anything, how much, and what is said to those who may not.

Belongs here: allowances by key, what is answered to strangers and to realms that are blocked or removed, and
how often anybody was refused. Not here: the handshake (``ports``), what is done with requests (``asked``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from config.log import ServerLog
from config.settings import Settings
from protocol import realms as language
from protocol.body import Body
from protocol.errors import Forbidden, Invalid, RateLimited
from services.realm.allowance import Allowance
from services.storage.realms import Realm, State

KNOCKS: Final = 5.0
KNOCKS_BURST: Final = 50
"""Invitations that all strangers together may show, a second and at once: each is a look into the store."""


class Gate:
    """It is told who there is (``look``), and counts refusals until they are logged (``tell``)."""

    def __init__(self, settings: Settings, log: ServerLog) -> None:
        self._settings = settings
        self._log = log
        self._known: dict[bytes, Realm] = {}
        self._allowances: dict[bytes, Allowance] = {}
        few = msgspec.structs.replace(settings.rates, peer_rate=KNOCKS, peer_burst=KNOCKS_BURST)
        self._strangers, self._outside = Allowance(few), Allowance(few)
        self._refused: dict[tuple[str, str], int] = {}

    def look(self, realms: Iterable[Realm]) -> None:
        """These are all that we know, peers or not."""
        self._known = {
            realm.key: realm for realm in sorted(realms, key=lambda each: each.state != State.REMOVED)
        }
        self._allowances = {key: kept for key, kept in self._allowances.items() if key in self._known}

    def name_of(self, key: bytes) -> str:
        """The realm that bears this key, or did; '' for a stranger."""
        found = self._known.get(key)
        return found.name if found else ""

    def read(self, now: float, key: bytes, kind: str, packed: bytes) -> Body:
        """The typed body of a request, counted. Raises ``RateLimited``, ``Invalid``."""
        allowance = self._allowance(key)
        wait = allowance.wait(now, kind) if self._settings.rate_limits else 0.0
        if wait:
            raise RateLimited("Too much at a time; try again later.", retry_after=round(wait, 3))
        body = None
        try:
            body = language.read(kind, packed)
        except ValueError as error:
            raise Invalid(f"{error}.") from None
        finally:
            allowance.take(kind, len(packed), body)
        return body

    def _allowance(self, key: bytes) -> Allowance:
        """All who are not known share one, and so do all whom we have parted with."""
        found = self._known.get(key)
        if found is None:
            return self._strangers
        if found.state != State.PAIRED:
            return self._outside
        return self._allowances.setdefault(key, Allowance(self._settings.rates))

    def refusal(self, key: bytes) -> Forbidden:
        """Why whoever bears this key, and is no peer, is not talked to."""
        ours, realm = self._settings.realm, self._known.get(key)
        if realm is None or realm.state == State.PAIRED:
            return Forbidden(f"{ours} is not paired with you.")
        done = "has blocked" if realm.state == State.BLOCKED else "has ended it with"
        return Forbidden(f"{ours} {done} {realm.name}.")

    # --- the log --------------------------------------------------------------------------------

    def count(self, realm: str, what: str) -> None:
        """Something of this realm was refused or dropped."""
        self._refused[realm, what] = self._refused.get((realm, what), 0) + 1

    def tell(self) -> None:
        """Log what was counted, a line for each kind: whoever floods us does not flood the log."""
        refused, self._refused = self._refused, {}
        for (realm, what), times in refused.items():
            self._log.warning("refused or dropped", realm=realm, what=what, times=times)
