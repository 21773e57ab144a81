"""``message.history``: what was said, and what range of numbers the answer covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from protocol.commands import History, HistoryReply, Message
from services.context import Caller, Context
from services.messaging.locate import Place, locate
from services.storage import messages
from services.storage.messages import Said

MOST_BYTES: Final = 256 * 1024
"""Bytes of texts in one answer; with everything else it stays below what a client must take."""

PAGE: Final = 128
"""Messages read at once, so that an answer cut short by its bytes has not read a thousand long ones."""


def history(ctx: Context, caller: Caller, command: History) -> HistoryReply:
    """Messages in ascending order. Cut short at ``MOST_BYTES``: ``first`` and ``last`` say where."""
    place = locate(ctx, caller, command)
    newest = place.conversation.last_seq
    before = newest + 1 if command.before is None else min(command.before, newest + 1)
    size = min(command.limit, PAGE)
    if command.after is not None:
        found = list(_within(_forward(ctx, place, command.after, before, size), command.limit))
        first = command.after + 1
    else:
        found = list(_within(_backward(ctx, place, before, size), command.limit))[::-1]
        first = found[0].seq if found else max(before, 1)
    last = found[-1].seq if found else first - 1
    shown = [Message(*said) for said in found]
    return HistoryReply(place.conversation.id, shown, first, last, newest, place.marker.read_seq)


def _forward(ctx: Context, place: Place, after: int, before: int, size: int) -> Iterator[Said]:
    while page := messages.earliest(ctx.tx, place.conversation.id, after, before, size):
        yield from page
        after = page[-1].seq


def _backward(ctx: Context, place: Place, before: int, size: int) -> Iterator[Said]:
    while page := messages.latest(ctx.tx, place.conversation.id, 0, before, size):
        yield from page
        before = page[-1].seq


def _within(found: Iterator[Said], limit: int) -> Iterator[Said]:
    """At most ``limit`` messages, and after the first one at most ``MOST_BYTES`` of texts."""
    size = 0
    for number, said in enumerate(found, 1):
        size += len(said.body.encode())
        if number > 1 and size > MOST_BYTES:
            return
        yield said
        if number == limit:
            return
