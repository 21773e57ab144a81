"""Looking at what was said: inbox, history, read, unread.

``inbox`` and ``unread`` change nothing; ``read`` moves the marker, after it has printed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from client.cli import output, pages, realms
from client.cli.context import Context, shared
from client.cli.names import ADDRESS
from client.cli.numbers import COUNT, SEQ
from protocol.commands import ConversationInfo, HistoryReply, Message

if TYPE_CHECKING:
    from client.chat import Chat

SHOWN: Final = 20
"""Messages that ``history`` shows unless told otherwise."""


@click.command(short_help="Show what is unread, and leave it so.")
@shared
def inbox(context: Context) -> None:
    """Show every conversation with unread messages, and these. They stay unread: see pesan read."""

    async def work(chat: Chat) -> None:
        for row in await chat.conversations():
            if row.unread:
                await _show_unread(context, chat, row)

    context.run(work)


@click.command(short_help="Show what is unread, and mark it as read.")
@click.argument("with_", metavar="[WITH]", required=False, type=ADDRESS)
@shared
def read(context: Context, with_: str | None) -> None:
    """Show what is unread with a person, in a '#group' or in '*', or everywhere; mark it as read."""

    async def work(chat: Chat) -> None:
        for row in await chosen(chat, with_):
            if row.unread:
                last = await _show_unread(context, chat, row)
                sys.stdout.flush()  # what could not be printed is not read
                await chat.read(row.conversation, last)

    context.run(work)


@click.command(short_help="Count what is unread.")
@click.argument("with_", metavar="[WITH]", required=False, type=ADDRESS)
@click.option("--count", is_flag=True, help="Print one number, the sum.")
@shared
def unread(context: Context, with_: str | None, count: bool) -> None:
    """Print each conversation with unread messages and how many there are."""
    found = [row for row in context.run(lambda chat: chosen(chat, with_)) if row.unread]
    if count:
        total = sum(row.unread for row in found)
        context.show({"unread": total}, str(total))
        return
    for row in found:
        record = {"with": row.name, "conversation": row.conversation, "unread": row.unread}
        context.show(record, f"{output.one_line(row.name)} {row.unread}")


@click.command(short_help="Show a conversation.")
@click.argument("with_", metavar="WITH", type=ADDRESS)
@click.option("-n", "--limit", "count", metavar="N", type=COUNT, help=f"So many messages. [{SHOWN}]")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--after", type=SEQ, metavar="SEQ", help="Those behind this number.")
@shared
def history(context: Context, with_: str, count: int | None, everything: bool, after: int | None) -> None:
    """Show the latest messages with a person, in a '#group' or in '*', oldest first.

    With --after SEQ: from there on, the earliest first. Of our own to people of another realm it is said
    which still wait to go there, and which were refused there; with --json "delivery" says it of each.
    Our own to a group of another realm that were refused, and so have no number, come last.
    """
    context.run(lambda chat: _history(context, chat, with_, sys.maxsize if everything else count, after))


async def _history(context: Context, chat: Chat, with_: str, count: int | None, after: int | None) -> None:
    if after is None and count != sys.maxsize:
        for page in await pages.latest(chat, with_, count or SHOWN):
            for message in page.messages:
                _show(context, message, with_, page)
            _show_refused(context, with_, page)
        return
    left = count or (SHOWN if after is None else sys.maxsize)
    async for page in pages.forward(chat, with_, after or 0):
        for message in page.messages[:left]:
            _show(context, message, with_, page)
        left -= len(page.messages)
        if left >= 0:
            _show_refused(context, with_, page)
        if left <= 0:
            return


async def chosen(chat: Chat, with_: str | None) -> list[ConversationInfo]:
    """One conversation of ours, or all. Raises ``Failure`` where there can be none of this name."""
    rows = await chat.conversations()
    if with_ is None:
        return rows
    found = [row for row in rows if row.name.lower() == with_.lower()]
    if not found:
        # Says what is wrong with the name, if anything is; or that our own realm stands behind it.
        page = await chat.history(with_, limit=1)
        found = [row for row in rows if row.conversation == page.conversation]
    return found


async def _show_unread(context: Context, chat: Chat, row: ConversationInfo) -> int:
    """The messages of others behind the marker; returns the number of the last one seen."""
    user = context.user.lower()
    if not context.json:
        output.out(output.bold(f"{output.one_line(row.name)} ({row.unread} unread)"))
    last = row.read_seq
    async for page in pages.forward(chat, row.conversation, row.read_seq):
        for message in page.messages:
            if message.sender.lower() != user:
                _show(context, message, row.name, page)
        last = max(last, page.last)
    return last


def _show_refused(context: Context, name: str, page: HistoryReply) -> None:
    """What another realm's group has not of ours; only the page with the newest message knows."""
    for post in page.refused:
        message = Message(0, context.user, post.body, post.sent_at, post.id, undelivered=post.reason)
        _show(context, message, name, page)


def _show(context: Context, message: Message, name: str, page: HistoryReply) -> None:
    state = realms.delivery(message, page, name, context.user)
    if context.json:
        more = {"delivery": state} if state else {}
        record = output.fields(message, **{"with": name}, conversation=page.conversation, **more)
        output.out(output.json_line(record))
    else:
        output.out(output.message_line(message) + realms.remark(state, message, name))
