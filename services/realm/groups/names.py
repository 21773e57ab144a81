"""How people are called here, and how they are called in another realm.

Belongs here: pure changes of names. A realm calls its own users by their bare names and all others by
``name@realm``; so ours are bare here and ``ani@a`` there, its own ``dewi@b`` here and bare there.
"""

from __future__ import annotations

from protocol import addresses
from protocol.addresses import Address, Kind
from protocol.errors import Invalid


def user(text: str) -> Address:
    """Somebody's name, bare or with a realm. Raises ``Invalid`` for anything else."""
    address = addresses.parse(text)
    if address.kind is not Kind.DIRECT:
        raise Invalid(f"{text[:128]!r} is no user.")
    return address


def there(text: str, ours: str) -> str:
    """A name as written here, as any other realm understands it: with its realm, always."""
    address = user(text)
    return str(address._replace(realm=address.realm or ours))


def here(text: str, ours: str, theirs: str) -> str:
    """A name as the realm ``theirs`` says it, as it is said here. Raises ``Invalid``."""
    address = user(text)
    realm = address.realm or theirs
    return str(address._replace(realm="" if realm == ours else realm))
