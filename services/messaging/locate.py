"""Which conversation a command means, and whether its caller may look into it.

Here: from a number or an address to the conversation, with the refusals on the way. Not here: the
path of ``message.send``, which does the same for a whole batch at once (``send``).
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from config.settings import Settings
from protocol import addresses
from protocol.addresses import Address, Kind
from protocol.errors import Forbidden, Invalid, NotFound
from services.context import Caller, Context
from services.messaging import abroad
from services.storage import conversations, groups, members, users
from services.storage.conversations import Conversation
from services.storage.members import Marker
from services.storage.realms import Realm

UNMET: Final = -1
"""Number of somebody in another realm whom nobody here has met."""


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
    """Read an address; one in our own realm as one without a realm."""
    address = addresses.parse(text)
    return address._replace(realm="") if address.realm == settings.realm else address


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
    realm = abroad.realm(ctx, caller, address, writes=False)
    if address.kind is Kind.DIRECT:
        return _direct(ctx, caller, address, realm)
    found = conversations.keyed(ctx.tx, abroad.key(address))
    if found is None:
        raise abroad.no_group(address)
    return _entered(ctx, caller, found)


def _direct(ctx: Context, caller: Caller, address: Address, realm: Realm | None) -> Place:
    user = users.named(ctx.tx, abroad.key(address))
    if user is None and realm is not None:
        return Place(Conversation(0, Kind.DIRECT, "", b"", 0, 0, 0), Marker(0, 0), UNMET)
    if user is None:
        raise NotFound(f"There is no user {address.name}.")
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
