"""Builds that are broken on purpose, each in one place: what shows that the simulation would notice.

A broken build is a context in which the real code is changed; ``early`` is a switch of the imaginary disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from client import inbox, outbox
from client.cursors import Cursor, T
from protocol import commands
from services import messaging, topics
from services.context import Context, Tick
from services.messaging import send


@dataclass(frozen=True)
class Broken:
    """One broken build. ``without_ids``: its database has no unique index on message ids."""

    apply: Callable[[], AbstractContextManager[Any]] = nullcontext
    early: bool = False
    without_ids: bool = False


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


SOUND = Broken()

BUILDS = {
    "publish before commit": Broken(early=True),
    "forget the dedupe": Broken(_forgetful, without_ids=True),
    "maximum instead of contiguous cursor": Broken(_eager),
    "no predecessor named": Broken(_unchained),
    "topic kept when someone leaves": Broken(_open_door),
    "one change in two transactions": Broken(_two_steps),
}
"""Every broken build, by what it does wrong."""
