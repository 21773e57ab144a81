"""Who is logged in, over which connections, and who is online.

A session is known by its token from the moment a worker opened it until it is closed, or forgotten
for want of room (its client then resumes). It is online while something was heard of it within
``timeout`` seconds. A *link* is one connection that used a session: two programs may share one.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from broker.buckets import Buckets
from broker.workers import Worker

NOTED_EVERY: Final = 300.0
"""Seconds between two notes that a session lives, so that the store knows which one is silent longest."""

ENDED_KEPT: Final = 10_000
"""Sessions remembered as ended; then the one that ended first is no longer."""


class User:
    """One user with at least one known session."""

    __slots__ = ("id", "links", "name", "online", "sessions")

    def __init__(self, user_id: int, name: str) -> None:
        self.id = user_id
        self.name = name
        self.sessions = 0
        """Sessions known."""
        self.online = 0
        """Sessions online."""
        self.links = 0
        """Connections in use, over all sessions."""


class Stick:
    """The worker that a session's open requests to one service are with, and how many they are."""

    __slots__ = ("count", "worker")

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.count = 0


class Session:
    """One logged-in device."""

    __slots__ = (
        "buckets",
        "id",
        "links",
        "native",
        "noted",
        "online",
        "open",
        "seen",
        "sticks",
        "token",
        "user",
    )

    def __init__(self, token: bytes, session_id: int, user: User, buckets: Buckets, now: float) -> None:
        self.token = token
        self.id = session_id
        self.user = user
        self.buckets = buckets
        self.seen = now
        self.noted = now
        """When the store was last told that it lives; opening it did."""
        self.online = False
        self.native = False
        """Whether anyone but a gateway ever asked something in it, and so may know its topics."""
        self.open = 0
        """Requests without an answer yet."""
        self.links: dict[bytes, float] = {}
        """When each connection was last heard, by routing id."""
        self.sticks: dict[str, Stick] = {}


class Sessions:
    """Every session the broker knows."""

    def __init__(self, most: int, timeout: float) -> None:
        self._most = most
        self._timeout = timeout
        self._by_token: dict[bytes, Session] = {}
        self._by_id: dict[int, Session] = {}
        self._online: OrderedDict[bytes, Session] = OrderedDict()
        self._linked_twice: set[Session] = set()
        self._users: dict[int, User] = {}
        self.changes: dict[int, bool] = {}
        """Users whose presence changed and must be reported: number → online."""
        self.lively: set[int] = set()
        """Sessions of which the store must be told that they live."""
        self._ended: OrderedDict[int, None] = OrderedDict()
        self.find = self._by_token.get

    def __len__(self) -> int:
        return len(self._by_token)

    @property
    def online(self) -> int:
        """Sessions online."""
        return len(self._online)

    def users_online(self) -> list[int]:
        """Numbers of the users online."""
        return [user.id for user in self._users.values() if user.online]

    def opened(
        self, token: bytes, session_id: int, user_id: int, name: str, buckets: Buckets, now: float
    ) -> None:
        """A worker opened or resumed this session; no word of one that ended, which came late."""
        if session_id in self._ended:
            return
        if token in self._by_token:
            self.heard(self._by_token[token], now)
            return
        self._forget(session_id)
        while len(self._by_token) >= self._most:
            self._forget_one()
        user = self._users.get(user_id)
        if user is None:
            user = self._users[user_id] = User(user_id, name)
        user.sessions += 1
        session = Session(token, session_id, user, buckets, now)
        self._by_token[token] = session
        self._by_id[session_id] = session
        self.heard(session, now)

    def closed(self, session_id: int) -> None:
        """The session ended: its token is worth nothing from now on.

        Its number never comes back, so it is kept: a worker that had resumed the session before another one
        ended it may be the later of the two to say so.
        """
        self._ended[session_id] = None
        self._ended.move_to_end(session_id)
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)
        self._forget(session_id)

    def _forget(self, session_id: int) -> None:
        session = self._by_id.pop(session_id, None)
        if session is None:
            return
        del self._by_token[session.token]
        self._offline(session)
        self._drop_links(session, len(session.links))
        session.links.clear()
        self._linked_twice.discard(session)
        session.user.sessions -= 1
        if not session.user.sessions:
            del self._users[session.user.id]

    def heard(self, session: Session, now: float) -> None:
        """Something came from this session: it is online."""
        session.seen = now
        if now - session.noted >= NOTED_EVERY:
            session.noted = now
            self.lively.add(session.id)
        if session.online:
            self._online.move_to_end(session.token)
            return
        session.online = True
        self._online[session.token] = session
        session.user.online += 1
        if session.user.online == 1:
            self.changes[session.user.id] = True

    def linked(self, session: Session, peer: bytes, now: float, gateway: bool = False) -> None:
        """The session was used over this connection, a gateway's or not, for the first time in a while."""
        session.links[peer] = now
        session.native = session.native or not gateway
        session.user.links += 1
        if len(session.links) > 1:
            self._linked_twice.add(session)

    def expire(self, now: float) -> None:
        """Whatever was silent for ``timeout`` seconds is offline."""
        before = now - self._timeout
        while self._online:
            session = next(iter(self._online.values()))
            if session.seen > before:
                break
            self._offline(session)
            self._drop_links(session, len(session.links))
            session.links.clear()
        for session in list(self._linked_twice):
            self._expire_links(session, before)

    def _expire_links(self, session: Session, before: float) -> None:
        silent = [peer for peer, seen in session.links.items() if seen <= before]
        for peer in silent:
            del session.links[peer]
        self._drop_links(session, len(silent))
        if len(session.links) < 2:
            self._linked_twice.discard(session)

    def _drop_links(self, session: Session, count: int) -> None:
        session.user.links -= count

    def _offline(self, session: Session) -> None:
        if not session.online:
            return
        session.online = False
        del self._online[session.token]
        session.user.online -= 1
        if not session.user.online:
            self.changes[session.user.id] = False

    def _forget_one(self) -> None:
        """Make room: an offline session first, else the one silent longest."""
        if len(self._online) == len(self._by_token):
            session = next(iter(self._online.values()))
        else:
            session = next(known for known in self._by_token.values() if not known.online)
        self._forget(session.id)
