"""What the auth service has been told of who is online, and what it must still be told."""

from __future__ import annotations

from broker.sessions import Sessions
from protocol.commands import PresenceReport

MOST_PER_REPORT = 20_000
"""Users in one report; the rest follow in the next."""


class Presence:
    """One report at a time is on its way; what it said is said again unless it was answered.

    ``name`` is the broker's, the same at every start, so that the first report after a restart
    can take back what an earlier life said.
    """

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._restart = True
        self._sent: dict[int, bool] | None = None
        self._unsaid: dict[int, bool] = {}

    def report(self, sessions: Sessions) -> PresenceReport | None:
        """The next report, or None when there is nothing new or one is still on its way."""
        if self._sent is not None:
            return None
        self._unsaid.update(sessions.changes)
        sessions.changes.clear()
        if not self._unsaid and not self._restart:
            return None
        users = list(self._unsaid)[:MOST_PER_REPORT]
        self._sent = {user: self._unsaid.pop(user) for user in users}
        return PresenceReport(
            broker=self._name,
            online=[user for user, online in self._sent.items() if online],
            offline=[user for user, online in self._sent.items() if not online],
            restart=self._restart,
        )

    def answered(self, ok: bool) -> None:
        """The report on its way was answered, or failed and must be said again."""
        sent, self._sent = self._sent, None
        if ok:
            self._restart = False
        elif sent:
            # What has changed since then is newer.
            self._unsaid = {**sent, **self._unsaid}
