"""Proof that nothing is missing and nothing has changed: verify.

Three accounts of a conversation are held against each other: what the server counts, what its pages
hold, and what this profile was handed out before (``client.record``). So a server that counts wrongly,
pages that skip something, and a server that was set back to an older copy all come to light.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

from client.cli import output, pages
from client.cli.context import Context, shared
from client.cli.exits import OTHER, Mistake
from client.cli.names import ADDRESS
from client.record import UNREAD_MARK, Extent, Ranges, Record, RecordUnavailable, mark
from protocol.commands import Message, VerifyReply
from protocol.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from client.chat import Chat

NOTHING: Final = Extent(0, 0)
"""Of a conversation of which nothing was seen."""


@click.command(short_help="Prove that no message is missing.")
@click.argument("with_", metavar="[WITH]...", nargs=-1, type=ADDRESS)
@click.option("--accept", is_flag=True, help="Afterwards, take what the server has now for what was seen.")
@click.pass_context
@shared
def verify(context: Context, ctx: click.Context, with_: tuple[str, ...], accept: bool) -> None:
    """Check that conversations (all of ours by default) hold each message from 1 to the newest, as seen.

    \b
    NAME: complete 1..N       every message is there, and those seen before are what they were
    NAME: missing 3..5, 9     the server counts them and does not have them
    NAME: lost 90..120        beyond all that the server counts, but this profile saw them, or was
                              told that they are stored: the server was set back
    NAME: changed 7           not what this profile saw under that number

    Whatever pesan shows, sends and verifies leaves a mark with the profile: a hash, no text. Exit code 1
    when anything is missing, lost or changed; what is gone for good is told each time until --accept. With
    --json "lost" names everything that was seen and is gone, so those of the missing ones as well.
    """

    async def work(chat: Chat) -> bool:
        return await Verification(context, chat, accept).run(with_)

    try:
        sound = context.run(work)
    except RecordUnavailable as error:
        raise Mistake(str(error)) from None
    if not sound:
        ctx.exit(OTHER)


class Verification:
    """One run of ``verify``."""

    def __init__(self, context: Context, chat: Chat, accept: bool) -> None:
        self._context = context
        self._chat = chat
        self._accept = accept
        self._record = context.record
        # Before anything is asked: what another process sees meanwhile is not lost because we did not.
        self._extents = self._record.extents()
        self._names = self._record.names()

    async def run(self, wanted: tuple[str, ...]) -> bool:
        """Check the conversations named, or all; whether all is well."""
        sound = True
        checked: set[int] = set()
        for name in wanted or [row.name for row in await self._chat.conversations()]:
            sound = await self._conversation(name, checked) and sound
        names = {name.lower() for name in wanted}
        for number, name in sorted(self._names.items()):
            if number not in checked and (not wanted or name.lower() in names):
                sound = await self._absent(number, name) and sound
        return sound

    async def _conversation(self, name: str, checked: set[int]) -> bool:
        try:
            reply = await self._chat.verify(name)
        except (NotFound, Forbidden):
            if name.lower() in (known.lower() for known in self._names.values()):
                return True  # it was there once, so there is more to say
            raise
        checked.add(reply.conversation)
        extent = self._extents.get(reply.conversation, NOTHING)
        account = Account(reply, extent.messages)
        async for page in pages.forward(self._chat, name, 0):
            known = self._record.marks(reply.conversation, page.first, page.last)
            account.page(page.messages, known)
            if page.last >= reply.last_seq:
                break
        account.compare(self._record, extent.top)
        _show(self._context, name, account)
        if self._accept:
            account.accept(self._record)
        return account.complete

    async def _absent(self, number: int, name: str) -> bool:
        """Something was seen of a conversation that the server does not list for us."""
        top, count = self._extents[number]
        try:
            if await self._readable(number, name):
                return True  # we became a member a moment ago; the next run checks it
        except Forbidden:
            record = {"with": name, "conversation": number, "complete": None, "seen": count}
            line = f"not a member any more; {count} seen here cannot be checked"
            self._context.show(record, f"{output.one_line(name) or f'conversation {number}'}: {line}")
            return True
        account = Account(VerifyReply(number, 0, 0, True, []), count)
        account.compare(self._record, top)
        _show(self._context, name or f"conversation {number}", account)
        if self._accept:
            account.accept(self._record)
        return False

    async def _readable(self, number: int, name: str) -> bool:
        """Whether the server shows us the conversation. Raises ``Forbidden`` when we ceased to be a member.

        By its address first: of a number that is not ours the server does not even say that it exists.
        By its number then: the group may be deleted, and another one may have its name.
        """
        for target in (name, number) if name else (number,):
            with suppress(NotFound):
                page = await self._chat.history(target, limit=1)
                if page.conversation == number:
                    return True
        return False


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


@dataclass
class Account:
    """One conversation: what the server says of it, what came of it, and what was seen of it before."""

    reply: VerifyReply
    seen: int
    """How many of its messages this profile had seen."""
    fetched: Seen = field(default_factory=Seen)
    missing: Ranges = field(default_factory=list)
    """Counted by the server, and not there."""
    lost: Ranges = field(default_factory=list)
    """Seen here, and not there: some of ``missing``, and what lies beyond all that the server counts."""
    changed: Ranges = field(default_factory=list)
    """There, and not as seen here."""
    _news: list[tuple[int, bytes]] = field(default_factory=list)
    """(seq, mark) of those that changed."""

    def page(self, messages: list[Message], known: dict[int, bytes]) -> None:
        """The next page, and the marks of its numbers."""
        self.fetched.add(messages)
        for message in messages:
            old = known.get(message.seq, UNREAD_MARK)
            if old != UNREAD_MARK and old != (new := mark(message)):
                self.changed = merged([*self.changed, (message.seq, message.seq)])
                self._news.append((message.seq, new))

    def compare(self, record: Record, top: int) -> None:
        """When every page was seen: what is missing, and which of all that was seen up to ``top`` is lost."""
        newest = self.reply.last_seq
        self.missing = merged([*self.fetched.missing(newest), *self.reply.missing])
        gone = [*self.missing, *([(newest + 1, top)] if top > newest else [])]
        for first, last in gone:
            self.lost += record.seen(self.reply.conversation, first, min(last, top))

    @property
    def complete(self) -> bool:
        """Whether all is well."""
        faults = self.missing or self.lost or self.changed or self.fetched.strange
        return not faults and self.reply.complete

    def accept(self, record: Record) -> None:
        """What the server has is from now on what was seen."""
        for first, last in [*self.lost, *self.changed]:
            record.forget(self.reply.conversation, first, last)
        record.keep([(self.reply.conversation, seq, new) for seq, new in self._news])

    def line(self) -> str:
        """All of it in a line."""
        newest = self.reply.last_seq
        parts = [f"missing {shown(self.missing)}"] if self.missing else []
        beyond = [(first, last) for first, last in self.lost if first > newest]
        if beyond:
            parts.append(f"lost {shown(beyond)}: seen here, gone on the server")
        if self.changed:
            parts.append(f"changed {shown(self.changed)}: not what was seen here")
        if parts:
            return "; ".join(parts)
        if not self.complete:
            strange = self.fetched.strange
            return f"faulty: {self.reply.count} stored of {newest}, {strange} came twice or out of order"
        return f"complete 1..{newest}" if newest else "complete, no messages"


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


def _show(context: Context, name: str, account: Account) -> None:
    record = {
        "with": name,
        "conversation": account.reply.conversation,
        "complete": account.complete,
        "last_seq": account.reply.last_seq,
        "count": account.reply.count,
        "missing": account.missing,
        "lost": account.lost,
        "changed": account.changed,
        "seen": account.seen,
    }
    context.show(record, f"{output.one_line(name)}: {account.line()}")
