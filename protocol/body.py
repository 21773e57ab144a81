"""What every body is made of: the base struct, the types of its fields, and the way from and to the wire.

Belongs here: what commands and events of all nouns share. Not here: any command (``commands``, ``files``).
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from protocol import limits
from protocol.errors import Invalid

T = TypeVar("T")

Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_MAX_LENGTH + 1)]
Address = Annotated[str, Meta(min_length=1, max_length=limits.ADDRESS_MAX_LENGTH)]
Password = Annotated[str, Meta(max_length=limits.PASSWORD_MAX_LENGTH)]
Device = Annotated[str, Meta(max_length=limits.DEVICE_MAX_LENGTH)]
Token = Annotated[bytes, Meta(min_length=limits.TOKEN_BYTES, max_length=limits.TOKEN_BYTES)]
GatewaySecret = Annotated[
    bytes, Meta(min_length=limits.GATEWAY_SECRET_BYTES, max_length=limits.GATEWAY_SECRET_BYTES)
]
MessageId = Annotated[bytes, Meta(min_length=limits.MESSAGE_ID_BYTES, max_length=limits.MESSAGE_ID_BYTES)]
Sha256 = Annotated[bytes, Meta(min_length=limits.SHA256_BYTES, max_length=limits.SHA256_BYTES)]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Bytes = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A size or an offset."""
HistoryLimit = Annotated[int, Meta(ge=1, le=limits.HISTORY_MAX_MESSAGES)]
ListLimit = Annotated[int, Meta(ge=1, le=limits.LIST_MAX_ITEMS)]
OnlineLimit = Annotated[int, Meta(ge=1, le=limits.ONLINE_MAX_NAMES)]


class Body(Struct, frozen=True, omit_defaults=True):
    """Base of every request, reply and event body. Unknown fields are ignored, defaults left out."""


class Empty(Body, frozen=True):
    """A body without fields."""


def convert(fields: dict[str, Any], kind: type[T]) -> T:
    """A struct from an opened body; raises ``Invalid`` with a sentence that names the field."""
    try:
        # Bytes are told to be known, else text in base64 would do for them.
        return msgspec.convert(fields, kind, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise Invalid(f"{error}.") from None


def body_of(struct: Body) -> dict[str, Any]:
    """A struct as the map that travels: wire names, bin kept as bytes, defaults left out."""
    return msgspec.to_builtins(struct, builtin_types=(bytes,))  # type: ignore[no-any-return]
