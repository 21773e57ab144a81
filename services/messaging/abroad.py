"""Addresses in other realms: which realm is meant, and under which name we have what is there.

Here: what the path of a message (``send``) and that of a question (``locate``) share. Not here: what goes to
other realms (``outgoing``).
"""

from __future__ import annotations

from protocol.addresses import BROADCAST, Address, Kind
from protocol.errors import Failure, Forbidden, NotFound
from services.context import Caller, Context
from services.messaging.outgoing import closed
from services.storage import realms
from services.storage.realms import Realm, State


def realm(ctx: Context, caller: Caller, address: Address, *, writes: bool = True) -> Realm | None:
    """The realm of an address; None for our own. Refuses where there is none, or none to write to."""
    if not address.realm:
        return None
    if address.kind is Kind.BROADCAST:
        raise NotFound("Everyone is who is here: * is nothing in another realm.")
    found = realms.named(ctx.tx, address.realm)
    if found is None:
        raise NotFound(f"There is no realm {address.realm} here; this is {ctx.settings.realm}.")
    if not caller.session:
        # Who is a guest here themselves: no realm is a way to a third one.
        raise Forbidden("Only users and groups of this realm are reached through it.")
    if writes and found.state != State.PAIRED:
        raise closed(found)
    return found


def key(address: Address) -> str:
    """The name under which we have a user or a group."""
    name = address.name or BROADCAST
    return f"{name}@{address.realm}" if address.realm else name


def no_group(address: Address) -> Failure:
    """What is said where we have no such group. In another realm there may be one."""
    if address.realm:
        return Forbidden(f"You are not a member of #{key(address)}.")
    return NotFound(f"There is no group #{address.name}.")
