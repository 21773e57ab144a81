"""Pings: the server hears that we live, and we hear what may have been missed.

Belongs here: when a ping goes out, and what its answer says about the events. Whether the commands socket
is through is ``session``'s; what is done about missed events, ``listening``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.commands import Body, Empty, PingReply

if TYPE_CHECKING:
    from client.session import Session

PING: Final = 10.0
"""Seconds between pings. The broker calls a session offline after 30 of silence."""
PING_GAP: Final = 25.0
"""Seconds between two answered pings after which events may have been missed."""


class Pings:
    """One session's. At most one is under way."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answered_at = 0.0
        self._under_way = False
        self._round = 0

    def begin(self, now: float) -> None:
        """Logged in or resumed: all is well for now."""
        self._answered_at = now
        self.schedule(now, PING)

    def schedule(self, now: float, delay: float) -> None:
        """The next ping, instead of the one that was planned."""
        self._round += 1
        session = self._session
        session.timers.at(now + delay * session.rng.uniform(0.8, 1.0), self._ping, self._round)

    def _ping(self, now: float, round: int) -> None:
        session = self._session
        if round != self._round or not session.token:
            return
        self.schedule(now, PING)
        if session.online and not self._under_way:
            self._under_way = True
            session.ask(now, "session.ping", Empty(), self._ponged)

    def _ponged(self, now: float, answer: Body | Exception) -> None:
        self._under_way = False
        if not isinstance(answer, PingReply):
            return
        if now - self._answered_at > PING_GAP:
            self._session.listening.want(now)
        self._answered_at = now
        self._session.listening.epoch(now, answer.events_epoch)
