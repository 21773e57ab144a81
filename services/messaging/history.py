"""``message.history``: what was said, and what range of numbers the answer covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from protocol.addresses import Kind
from protocol.commands import History, HistoryReply, Message, RefusedPost
from protocol.files import FileInfo
from services.context import Caller, Context
from services.messaging import attached
from services.messaging.locate import Place, locate
from services.storage import deliveries, messages, refusals
from services.storage.deliveries import Partner
from services.storage.messages import Said
from services.storage.refusals import Refusal

MOST_BYTES: Final = 256 * 1024
"""Bytes of texts in one answer; with everything else it stays below what a client must take."""

FILE_BYTES: Final = 128
"""What a message's file adds to an answer, beside its name and its type."""

PAGE: Final = 128
"""Messages read at once, so that an answer cut short by its bytes has not read a thousand long ones."""

Shown = tuple[Said, FileInfo | None]
"""A message, and its file if it has one."""


def history(ctx: Context, caller: Caller, command: History) -> HistoryReply:
    """Messages in ascending order. Cut short at ``MOST_BYTES``: ``first`` and ``last`` say where."""
    place = locate(ctx, caller, command)
    newest = place.conversation.last_seq
    before = newest + 1 if command.before is None else min(command.before, newest + 1)
    size = min(command.limit, PAGE)
    kept = _refused(ctx, caller, place) if before > newest else []
    room = MOST_BYTES - sum(each.size for each in kept)
    if command.after is not None:
        found = list(_within(_forward(ctx, place, command.after, before, size), command.limit, room))
        first = command.after + 1
    else:
        found = list(_within(_backward(ctx, place, before, size), command.limit, room))[::-1]
        first = found[0][0].seq if found else max(before, 1)
    last = found[-1][0].seq if found else first - 1
    number, partner = place.conversation.id, _partner(ctx, place)
    delivered, seen, reasons = 0, 0, {}
    if partner is not None:
        abroad = partner.delivered_seq >= 0
        delivered, seen = (partner.delivered_seq if abroad else newest), partner.read_seq
        if abroad:
            refused = deliveries.undelivered(ctx.tx, number, first, last)
            reasons = {seq: each.reason for seq, each in refused.items()}
    return HistoryReply(
        conversation=number,
        messages=[Message(*said, file, reasons.get(said.seq, "")) for said, file in found],
        first=first,
        last=last,
        last_seq=newest,
        read_seq=place.marker.read_seq,
        delivered_seq=delivered,
        seen_seq=seen,
        refused=[_given_back(each) for each in kept] if last >= newest else [],
    )


def _partner(ctx: Context, place: Place) -> Partner | None:
    """The other one of a direct conversation in which something has been said."""
    number = place.conversation.id
    return deliveries.partner(ctx.tx, number, place.partner) if number and place.partner else None


def _given_back(post: Refusal) -> RefusedPost:
    return RefusedPost(post.message_id, post.body, post.sent_at, post.code, post.reason)


def _refused(ctx: Context, caller: Caller, place: Place) -> Sequence[Refusal]:
    """The caller's posts to a group of another realm that came to nothing."""
    if place.conversation.kind != Kind.GROUP or "@" not in place.conversation.name:
        return ()
    return refusals.of(ctx.tx, place.conversation.id, caller.user_id)


def _forward(ctx: Context, place: Place, after: int, before: int, size: int) -> Iterator[Shown]:
    while page := messages.earliest(ctx.tx, place.conversation.id, after, before, size):
        yield from _with_files(ctx, place, page)
        after = page[-1].seq


def _backward(ctx: Context, place: Place, before: int, size: int) -> Iterator[Shown]:
    while page := messages.latest(ctx.tx, place.conversation.id, 0, before, size):
        yield from _with_files(ctx, place, page)
        before = page[-1].seq


def _with_files(ctx: Context, place: Place, page: list[Said]) -> Iterator[Shown]:
    first, last = sorted((page[0].seq, page[-1].seq))
    files = attached.in_range(ctx.tx, place.conversation.id, first, last)
    return ((said, files.get(said.seq)) for said in page)


def _within(found: Iterator[Shown], limit: int, most: int) -> Iterator[Shown]:
    """At most ``limit`` messages, and after the first one at most ``most`` bytes of texts and of files."""
    size = 0
    for number, (said, file) in enumerate(found, 1):
        size += len(said.body.encode())
        if file is not None:
            size += FILE_BYTES + len(file.name.encode()) + len(file.type)
        if number > 1 and size > most:
            return
        yield said, file
        if number == limit:
            return
