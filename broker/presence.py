"""What the auth service has been told of who is online, and what it must still be told."""

from __future__ import annotations

from typing import Final

from broker.sessions import Sessions
from protocol.commands import PresenceReport

MOST_PER_REPORT: Final = 20_000
"""Users in one report; the rest follow in the next."""

LIVELY_PER_REPORT: Final = 500
"""Sessions in one report: each costs the store a row."""

ALIVE_EVERY: Final = 60.0
"""Seconds after which a report is made though there is nothing new, to say that this broker lives."""

FORGOTTEN_AFTER: Final = 120.0
"""Seconds without an answered report after which everything is said again: the auth service takes back what a
broker said of which it heard nothing for somewhat longer."""


class Presence:
    """One report at a time is on its way; what it said is said again unless it was answered.

    ``name`` is the broker's, the same at every start, so that the first report after a restart
    can take back what an earlier life said.
    """

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._restart = True
        self._sent: PresenceReport | None = None
        self._sent_at = 0.0
        self._told_at = 0.0
        self._unsaid: dict[int, bool] = {}

    def report(self, sessions: Sessions, now: float) -> PresenceReport | None:
        """The next report, or None when there is nothing to say or one is still on its way."""
        if self._sent is not None:
            return None
        self._unsaid.update(sessions.changes)
        sessions.changes.clear()
        silence = now - self._told_at
        if not self._restart and silence >= FORGOTTEN_AFTER:
            self._restart = True
            self._unsaid = dict.fromkeys(sessions.users_online(), True)
        if not (self._unsaid or self._restart or sessions.lively or silence >= ALIVE_EVERY):
            return None
        self._sent, self._sent_at = self._next(sessions), now
        return self._sent

    def _next(self, sessions: Sessions) -> PresenceReport:
        users = {user: self._unsaid.pop(user) for user in list(self._unsaid)[:MOST_PER_REPORT]}
        lively = sorted(sessions.lively)[:LIVELY_PER_REPORT]
        # Said once: should this report be lost, the next note of the session says more anyway.
        sessions.lively.difference_update(lively)
        return PresenceReport(
            broker=self._name,
            online=[user for user, online in users.items() if online],
            offline=[user for user, online in users.items() if not online],
            sessions=lively,
            restart=self._restart,
        )

    def answered(self, ok: bool) -> None:
        """The report on its way was answered, or failed and must be said again."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        if ok:
            self._restart = False
            self._told_at = self._sent_at
            return
        said = {**dict.fromkeys(sent.online, True), **dict.fromkeys(sent.offline, False)}
        # What has changed since then is newer.
        self._unsaid = {**said, **self._unsaid}
