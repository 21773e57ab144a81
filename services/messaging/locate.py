"""Which conversation a command means, and whether its caller may look into it.

Here: from a number or an address to the conversation, with the refusals on the way. Not here: the
path of ``message.send``, which does the same for a whole batch at once (``send``).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from config.settings import Settings
from protocol import addresses
from protocol.addresses import Address, Kind
from protocol.errors import Forbidden, Invalid, NotFound
from services.context import Caller, Context
from services.storage import conversations, groups, members, users
from services.storage.conversations import Conversation
from services.storage.members import Marker


class Named(Protocol):
    """A command that names a conversation by number or by address."""

    @property
    def conversation(self) -> int | None:
        """Its number."""

    @property
    def address(self) -> str | None:
        """Its address."""


class Place(NamedTuple):
    """A conversation and its caller's marker. ``partner`` is the other user of a direct one, else 0.

    ``conversation.id`` is 0 for a direct one in which nothing has been said yet.
    """

    conversation: Conversation
    marker: Marker
    partner: int


def address_of(settings: Settings, text: str) -> Address:
    """Read an address; ``NotFound`` when its realm is not ours."""
    address = addresses.parse(text)
    if address.realm not in ("", settings.realm):
        raise NotFound(f"There is no realm {address.realm} here; this is {settings.realm}.")
    return address


def locate(ctx: Context, caller: Caller, command: Named) -> Place:
    """The conversation that the command names. Refuses who is no member of it."""
    if (command.conversation is None) == (command.address is None):
        raise Invalid("Name the conversation: either conversation, its number, or with, its address.")
    if command.address is not None:
        return at(ctx, caller, command.address)
    return numbered(ctx, caller, command.conversation or 0)


def numbered(ctx: Context, caller: Caller, number: int) -> Place:
    """The conversation of this number."""
    found = conversations.numbered(ctx.tx, number)
    marker = members.marker(ctx.tx, found.id, caller.user_id) if found is not None else None
    if found is None and groups.departed(ctx.tx, number, caller.user_id):
        # Else whoever saw its messages would have to take them for lost.
        raise Forbidden(f"Conversation {number} was deleted, after you had ceased to be a member.")
    if found is None or marker is None:
        # The same answer for both: by counting through the numbers nobody learns what there is.
        raise NotFound(f"There is no conversation {number}.")
    return _place(caller, found, marker)


def at(ctx: Context, caller: Caller, text: str) -> Place:
    """The conversation at an address."""
    address = address_of(ctx.settings, text)
    if address.kind is Kind.DIRECT:
        return _direct(ctx, caller, address.name)
    found = conversations.keyed(ctx.tx, address.name or addresses.BROADCAST)
    if found is None:
        raise NotFound(f"There is no group #{address.name}.")
    return _entered(ctx, caller, found)


def _direct(ctx: Context, caller: Caller, name: str) -> Place:
    user = users.named(ctx.tx, name)
    if user is None:
        raise NotFound(f"There is no user {name}.")
    found = conversations.between(ctx.tx, caller.user_id, user.id)
    if found is None:
        low, high = sorted((caller.user_id, user.id))
        return Place(Conversation(0, Kind.DIRECT, "", b"", 0, low, high), Marker(0, 0), user.id)
    return _entered(ctx, caller, found)


def _entered(ctx: Context, caller: Caller, found: Conversation) -> Place:
    marker = members.marker(ctx.tx, found.id, caller.user_id)
    if marker is None:
        raise Forbidden(f"You are not a member of #{found.name}.")
    return _place(caller, found, marker)


def _place(caller: Caller, found: Conversation, marker: Marker) -> Place:
    partner = found.user_high if found.user_low == caller.user_id else found.user_low
    return Place(found, marker, partner)
