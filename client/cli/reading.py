"""Looking at what was said: inbox, history, read, unread.

``inbox`` and ``unread`` change nothing; ``read`` moves the marker, after it has printed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from client.cli import output
from client.cli.context import Context, shared
from client.cli.names import ADDRESS
from protocol.commands import ConversationInfo, Message
from protocol.limits import HISTORY_MAX_MESSAGES

if TYPE_CHECKING:
    from client.chat import Chat

SHOWN: Final = 20
"""Messages that ``history`` shows unless told otherwise."""


@click.command(short_help="Show what is unread, and leave it so.")
@shared
def inbox(context: Context) -> None:
    """Show every conversation with unread messages, and these. They stay unread: see pesan read."""

    async def work(chat: Chat) -> None:
        for conversation in await chat.conversations():
            if conversation.unread:
                await _show_unread(context, chat, conversation)

    context.run(work)


@click.command(short_help="Show what is unread, and mark it as read.")
@click.argument("with_", metavar="[WITH]", required=False, type=ADDRESS)
@shared
def read(context: Context, with_: str | None) -> None:
    """Show the unread messages of one conversation (a person, '#group' or '*'), or of all; mark them read."""

    async def work(chat: Chat) -> None:
        for conversation in await chosen(chat, with_):
            if not conversation.unread:
                continue
            last = await _show_unread(context, chat, conversation)
            sys.stdout.flush()  # what could not be printed is not read
            await chat.read(conversation.conversation, last)

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
@click.option("-n", "count", type=click.IntRange(1), default=SHOWN, help="So many messages. [20]")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option(
    "--after", type=click.IntRange(0), metavar="SEQ", help="Only those behind this number, from there on."
)
@shared
def history(context: Context, with_: str, count: int, everything: bool, after: int | None) -> None:
    """Show the latest messages of a conversation (a person, '#group' or '*'), oldest first."""

    async def work(chat: Chat) -> None:
        if everything or after is not None:
            left = count if not everything else sys.maxsize
            async for message in chat.messages(with_, after or 0):
                _show_message(context, message, with_, 0)
                left -= 1
                if not left:
                    return
        else:
            for message in await latest(chat, with_, count):
                _show_message(context, message, with_, 0)

    context.run(work)


async def latest(chat: Chat, address: str | int, count: int) -> list[Message]:
    """The newest ``count`` messages, oldest first."""
    found: list[Message] = []
    before = None
    while len(found) < count:
        limit = min(count - len(found), HISTORY_MAX_MESSAGES)
        page = await chat.history(address, before=before, limit=limit)
        found = [*page.messages, *found]
        if page.first <= 1 or not page.messages:
            break
        before = page.first
    return found


async def chosen(chat: Chat, with_: str | None) -> list[ConversationInfo]:
    """One conversation of ours, or all. Raises ``Failure`` where there can be none of this name."""
    rows = await chat.conversations()
    if with_ is None:
        return rows
    found = [row for row in rows if row.name.lower() == with_.lower()]
    if not found:
        await chat.history(with_, limit=1)  # says what is wrong with the name, if anything is
    return found


async def _show_unread(context: Context, chat: Chat, row: ConversationInfo) -> int:
    """The messages of others behind the marker; returns the number of the last one seen."""
    user = context.user.lower()
    if not context.json:
        output.out(output.bold(f"{output.one_line(row.name)} ({row.unread} unread)"))
    last = row.read_seq
    async for message in chat.messages(row.conversation, row.read_seq):
        last = message.seq
        if message.sender.lower() != user:
            _show_message(context, message, row.name, row.conversation)
    return last


def _show_message(context: Context, message: Message, name: str, conversation: int) -> None:
    more = {"with": name, "conversation": conversation} if conversation else {"with": name}
    if context.json:
        output.out(output.json_line(output.fields(message, **more)))
    else:
        output.out(output.message_line(message))
