"""Which realm a group is of, and what is to be told to the realms whose users are in one of ours.

Belongs here: from an address as written to a group of our own, to another realm, or to a refusal. Not here:
what is done then (``entry``, ``exit``), and how other realms are told (the realm process).
"""

from __future__ import annotations

from typing import NamedTuple

from config.settings import Settings
from protocol import addresses, backend
from protocol.errors import NotFound
from services import elsewhere
from services.context import Caller, Context
from services.storage import followers, realms
from services.storage.realms import State


class Named(NamedTuple):
    """A group as somebody wrote it: its bare name, and the realm that is its home, '' for ours."""

    name: str
    realm: str

    def __str__(self) -> str:
        return f"{self.name}@{self.realm}" if self.realm else self.name


def read(settings: Settings, text: str) -> Named:
    """``ops``, ``#ops`` or ``#ops@realm``. Raises ``Invalid``."""
    address = addresses.parse(f"#{text.removeprefix('#')}")
    return Named(address.name, "" if address.realm == settings.realm else address.realm)


def ours(ctx: Context, caller: Caller, text: str) -> str:
    """The bare name of a group of our own; of another realm's the realm process is to ask (``Elsewhere``)."""
    named = read(ctx.settings, text)
    if not named.realm:
        return named.name
    if realm_of(caller.user):
        raise NotFound(f"There is no group #{named.name}@{named.realm} here.")
    raise elsewhere.asked(ctx, named.realm)


def realm_of(user: str) -> str:
    """The realm of a user's name as we know them; '' for our own."""
    return user.partition("@")[2]


def changed(ctx: Context, group: int, user: str) -> None:
    """This user came or went: if they are another realm's, that is told who its members are."""
    name = realm_of(user)
    realm = realms.named(ctx.tx, name) if name else None
    if realm is not None and realm.state == State.PAIRED:
        followers.changed(ctx.tx, group, realm.id)
        ctx.effect(backend.TELL, backend.REALM, b"")


def came(ctx: Context, group: int, name: str, user: str) -> None:
    """The same of who became a member; whatever is still to be told of an older group of that name is not."""
    realm = realms.named(ctx.tx, realm_of(user)) if realm_of(user) else None
    if realm is not None:
        followers.forget_namesakes(ctx.tx, name, realm.id)
    changed(ctx, group, user)
