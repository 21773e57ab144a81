"""Other realms: realms, and why a message waits for one.

Belongs here: what the server knows of realms, in sentences. Who runs a server pairs it: pesan realm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from client.cli import output
from client.cli.context import Context, shared
from client.errors import ClientError
from protocol.addresses import name_key
from protocol.commands import HistoryReply, Message, RealmInfo
from protocol.errors import Failure

if TYPE_CHECKING:
    from client.chat import Chat

PAIRED: Final = "paired"
"""The state of a realm that we talk to."""
PATIENCE: Final = 2.0
"""Seconds that a sentence about a realm may take to make: what it is about is done."""


@click.command(short_help="Print the other realms that can be written to.")
@shared
def realms(context: Context) -> None:
    """Print the other realms that can be written to (budi@b, '#team@b'), and whether they are there."""
    found = context.run(lambda chat: chat.realms())
    if context.json:
        for realm in found:
            output.out(output.json_line(output.fields(realm)))
        return
    for line in lines(found):
        output.out(line)


def lines(found: Sequence[RealmInfo]) -> list[str]:
    """A line for each: ``b  there``, ``c  away since 14:03, 12 waiting``."""
    width = max((len(one.realm) for one in found), default=0)
    return [f"{output.one_line(one.realm):<{width}}  {_state(one)}" for one in found]


def realm_of(address: str) -> str:
    """The realm that stands behind a name; '' for ours."""
    return address.partition("@")[2].lower()


def _state(realm: RealmInfo) -> str:
    waiting = f", {realm.waiting} waiting" if realm.waiting else ""
    if realm.state != PAIRED:
        return f"{output.one_line(realm.state)}{waiting}"
    return (f"away since {moment(realm.away_since)}" if realm.away_since else "there") + waiting


async def queued(chat: Chat, address: str) -> str:
    """Said of a message that waits for its realm, which does not answer: since when."""
    realm = realm_of(address)
    since = 0
    with suppress(Failure, ClientError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            since = next((one.away_since for one in await chat.realms() if one.realm == realm), 0)
    return f"queued: realm {realm} " + (
        f"has been away since {moment(since)}" if since else "has not answered yet"
    )


def moment(micros: int) -> str:
    """Local time for people to the minute, with the day unless that is today: ``14:03``."""
    then = time.localtime(micros / 1e6)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)


# --- what became of a message ---------------------------------------------------------------------


def delivery(message: Message, page: HistoryReply, address: str, user: str) -> str:
    """What became of a message of ours to somebody of another realm; '' for every other message.

    To a group there it is only said when it was refused.

    ``waiting`` here, ``delivered`` there, ``read`` by them, ``undelivered``: refused there.
    """
    ours = name_key(message.sender) == name_key(user)
    if not ours or not realm_of(address):
        return ""
    if message.undelivered:
        return "undelivered"
    if address.startswith("#"):
        return ""
    if message.seq <= page.seen_seq:
        return "read"
    return "delivered" if message.seq <= page.delivered_seq else "waiting"


def remark(state: str, message: Message, address: str) -> str:
    """The same in a few words behind its line; '' where all is well."""
    if state == "undelivered":
        return f" (refused there: {output.one_line(message.undelivered)})"
    return f" (waits for realm {realm_of(address)})" if state == "waiting" else ""
