"""Builds that are broken on purpose, each in one place: what shows that the simulation would notice.

A broken build is a context in which the real code is changed; ``early`` is a switch of the imaginary disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from broker.core import Core
from broker.peers import Peers
from client import inbox, outbox
from client.cursors import Cursor, T
from client.listening import Listening
from client.outbox import Entry, Outbox
from protocol import commands
from protocol.errors import Failure, RateLimited
from services import messaging, topics
from services.context import Context, Tick
from services.messaging import send


@dataclass(frozen=True)
class Broken:
    """One broken build. ``without_ids``: its database has no unique index on message ids.

    ``likely``: a seed that has caught it, so that the search may begin there.
    """

    apply: Callable[[], AbstractContextManager[Any]] = nullcontext
    early: bool = False
    without_ids: bool = False
    likely: int = 0


class Maximum(Cursor[T]):
    """A cursor that believes that whatever was heard last is how far it has heard."""

    def offer(self, seq: int, item: T) -> list[T]:
        """Whatever is newer."""
        self.exists(seq)
        if seq <= self.seq:
            return []
        self.seq = seq
        return [item]

    def fill(self, first: int, last: int, items: Iterable[tuple[int, T]]) -> list[T]:
        """Whatever is newer."""
        return [
            ready for seq, item in sorted(items, key=lambda pair: pair[0]) for ready in self.offer(seq, item)
        ]


def _forgetful() -> AbstractContextManager[Any]:
    """The server looks up no earlier try of a message."""
    return patch.object(send, "messages", SimpleNamespace(stored=lambda tx, pairs: {}))


@contextmanager
def _unchained() -> Iterator[None]:
    """The client names no predecessor, so nothing holds its messages in their order."""
    real = commands.Send

    def alone(to: str, body: str, id: bytes, after: bytes | None = None) -> Any:
        return real(to, body, id)

    with patch.object(outbox, "Send", alone):
        yield


def _eager() -> AbstractContextManager[Any]:
    return patch.object(inbox, "Cursor", Maximum)


def _open_door() -> AbstractContextManager[Any]:
    """Who left a group goes on hearing it: its topic stays."""
    return patch.object(topics, "replace_conversation", lambda ctx, conversation, topic: None)


def _two_steps() -> AbstractContextManager[Any]:
    """A job puts the first message of each conversation elsewhere, and back in its next transaction.

    Whoever looks only in the end sees nothing of it.
    """

    def move(ctx: Context) -> None:
        if not ctx.tx.run("update messages set seq = 1 where seq = -1"):
            ctx.tx.run("update messages set seq = -1 where seq = 1")

    moving = messaging.SERVICE._replace(tick=Tick(0.7, move, writes=True))
    return patch.object(messaging, "SERVICE", moving)


def _remembering() -> AbstractContextManager[Any]:
    """The broker never forgets a connection."""

    def meet(self: Peers, peer: bytes, address: str) -> None:
        self._addresses[peer] = address

    return patch.object(Peers, "meet", meet)


def _impatient() -> AbstractContextManager[Any]:
    """The client takes a refusal for now for the last word on a message."""
    real = Outbox.refused

    def refused(self: Outbox, now: float, request_id: int, failure: Failure) -> Entry | None:
        if isinstance(failure, RateLimited) and request_id in self:
            entry = self._flights[request_id]
            self.drop(entry)
            return entry
        return real(self, now, request_id, failure)

    return patch.object(Outbox, "refused", refused)


@contextmanager
def _thrifty() -> Iterator[None]:
    """The broker gives a request the lowest number that is free, and does not look who answers it.

    So the late answer of a worker that was given up finds another request.
    """
    real, done = Core._dispatch, Core._done

    def dispatch(self: Core, *arguments: Any) -> None:
        self._handle = next(handle for handle in count() if handle + 1 not in self._flights)
        real(self, *arguments)

    def from_anybody(self: Core, now: float, peer: bytes, replies: Any, events: Any, effects: Any) -> None:
        done(self, now, peer, (), events, effects)
        for reply in replies:
            flight = self._flights.get(reply[0])
            done(self, now, flight.worker.id if flight else peer, (reply,), (), ())

    with patch.object(Core, "_dispatch", dispatch), patch.object(Core, "_done", from_anybody):
        yield


def _hoarding() -> AbstractContextManager[Any]:
    """The client ends no subscription to what it may not hear any more."""

    def subscribe(self: Listening) -> bool:
        new = sorted((self.inbox.topics() | {self._session.topic}) - self._subscribed)
        self._session.subscriptions.extend((True, topic) for topic in new)
        self._subscribed |= set(new)
        return bool(new)

    return patch.object(Listening, "_subscribe", subscribe)


def _trusting() -> AbstractContextManager[Any]:
    """The client asks for its own topic only when it is told that it was replaced."""

    def audit(self: Listening, now: float, _: object) -> None:
        if self.on:
            self.want(now)
            self._schedule_audit(now)

    return patch.object(Listening, "_audit", audit)


SOUND = Broken()

BUILDS = {
    "publish before commit": Broken(early=True, likely=30),
    "forget the dedupe": Broken(_forgetful, without_ids=True),
    "maximum instead of contiguous cursor": Broken(_eager),
    "no predecessor named": Broken(_unchained),
    "topic kept when someone leaves": Broken(_open_door, likely=35),
    "one change in two transactions": Broken(_two_steps),
    "connections never forgotten": Broken(_remembering),
    "rate_limited taken for a refusal": Broken(_impatient, likely=16),
    "numbers of requests used again": Broken(_thrifty, likely=15),
    "subscriptions never ended": Broken(_hoarding),
    "own topic never asked for": Broken(_trusting, likely=13),
}
"""Every broken build, by what it does wrong."""
