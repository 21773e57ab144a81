"""Proof that nothing is missing: verify.

The server counts what it holds; then every page is fetched and counted here as well, so that a server
that counts wrongly, or pages that skip something, come to light.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from client.cli import output, pages
from client.cli.context import Context, shared
from client.cli.exits import OTHER
from client.cli.names import ADDRESS
from protocol.commands import Message, VerifyReply

if TYPE_CHECKING:
    from client.chat import Chat

Ranges = list[tuple[int, int]]


@click.command(short_help="Prove that no message is missing.")
@click.argument("with_", metavar="[WITH]...", nargs=-1, type=ADDRESS)
@click.pass_context
@shared
def verify(context: Context, ctx: click.Context, with_: tuple[str, ...]) -> None:
    """Check that conversations (all of ours by default) hold each message from 1 to the newest.

    Prints "NAME: complete 1..N" or "NAME: missing 3..5, 9"; exit code 1 when anything is missing.
    """

    async def work(chat: Chat) -> bool:
        names = with_ or [row.name for row in await chat.conversations()]
        return all([await _verify(context, chat, name) for name in names])

    if not context.run(work):
        ctx.exit(OTHER)


async def _verify(context: Context, chat: Chat, name: str) -> bool:
    reply = await chat.verify(name)
    seen = Seen()
    async for page in pages.forward(chat, name, 0):
        seen.add(page.messages)
        if page.last >= reply.last_seq:
            break
    missing = merged([*seen.missing(reply.last_seq), *reply.missing])
    _show(context, name, reply, missing, seen.strange)
    return not missing and not seen.strange and reply.complete


class Seen:
    """What was fetched so far, in order."""

    def __init__(self) -> None:
        self.last = 0
        self.strange = 0
        """Messages that came twice or out of order."""
        self._holes: Ranges = []

    def add(self, messages: Iterable[Message]) -> None:
        """The next page."""
        for message in messages:
            if message.seq <= self.last:
                self.strange += 1
                continue
            if message.seq > self.last + 1:
                self._holes.append((self.last + 1, message.seq - 1))
            self.last = message.seq

    def missing(self, newest: int) -> Ranges:
        """Ranges of 1 to ``newest`` that did not come."""
        rest = [(self.last + 1, newest)] if self.last < newest else []
        return [(first, min(last, newest)) for first, last in self._holes + rest if first <= newest]


def merged(ranges: Ranges) -> Ranges:
    """The same numbers in as few ranges as there can be, ascending."""
    found: Ranges = []
    for first, last in sorted((first, last) for first, last in ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def shown(ranges: Ranges) -> str:
    """``3..5, 9``."""
    return ", ".join(f"{first}..{last}" if first < last else str(first) for first, last in ranges)


def _show(context: Context, name: str, reply: VerifyReply, missing: Ranges, strange: int) -> None:
    complete = not missing and not strange and reply.complete
    record = {
        "with": name,
        "conversation": reply.conversation,
        "complete": complete,
        "last_seq": reply.last_seq,
        "count": reply.count,
        "missing": missing,
    }
    if missing:
        line = f"missing {shown(missing)}"
    elif not complete:
        line = f"faulty: {reply.count} stored of {reply.last_seq}, {strange} came twice or out of order"
    else:
        line = f"complete 1..{reply.last_seq}" if reply.last_seq else "complete, no messages"
    context.show(record, f"{output.one_line(name)}: {line}")
