"""What hypothesis draws from: msgpack as no packer would write it, spoilt frames, typed but wild values.

Belongs here: every strategy that the fuzz tests share. Does not belong here: what must hold for a
thing that was drawn (``targets`` and the tests).
"""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from protocol.envelope import UINT64_MAX

PEOPLE = ("ani", "budi", "citra", "dewi")
GROUPS = ("ops", "locked")
IDS = tuple(bytes([letter]) * 16 for letter in b"abcd")
"""Message ids, tokens and topics from a small stock, so that some are met again."""

# --- values -------------------------------------------------------------------------------------

edges = st.sampled_from(
    [-(2**63), -1, 0, 1, 2, 31, 32, 33, 1000, 1001, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, UINT64_MAX]
)
integers = st.integers(0, 6) | edges | st.integers(-(2**63), UINT64_MAX)
ABROAD = ("ani@here", "budi@b", "BUDI@b", "ani@b", "#ops@b", "ops@b", "#no@b", "*@b", "ani@c", "@")
names = st.sampled_from([*PEOPLE, "ANI", *GROUPS, "#ops", "#locked", "#OPS", "*", "nobody", *ABROAD])
paths = st.sampled_from(
    ["ani/ops", "/ani/", "ani/ani/ops", "..", "ani/../ops", "a//b", "a\\b", ".", " ", "CON", "a/" * 40]
)
texts = (
    names
    | paths
    | st.text(max_size=40)
    | st.sampled_from(["", "\0", "a\0b", "x" * 33, "x" * 2000, "é\u202e\n", "𝕏"])
)
origins = st.sampled_from(
    [
        "",
        "192.0.2.7",
        "::ffff:192.0.2.7",
        "2001:db8:1:2::7",
        "fe80::1%eth0",
        "::1",
        "0",
        "?",
        "2001:db8::/64",
        "%",
    ]
) | st.text(max_size=16)
"""What a gateway may say about where somebody comes from, addresses and not."""
binaries = st.sampled_from(IDS) | st.binary(max_size=40) | st.just(b"")
scalars = st.none() | st.booleans() | integers | st.floats() | texts | binaries
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
"""Anything that msgpack can pack."""


def of_type(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values that fit a field of this type, its bounds aside."""
    if isinstance(kind, inspect.UnionType):
        return st.one_of([of_type(each) for each in kind.types])
    if isinstance(kind, inspect.ListType):
        return st.lists(of_type(kind.item_type), max_size=4)
    if isinstance(kind, inspect.TupleType):
        return st.tuples(*map(of_type, kind.item_types))
    if isinstance(kind, inspect.DictType):
        return st.dictionaries(texts, of_type(kind.value_type), max_size=3)
    if isinstance(kind, inspect.StructType):
        return bodies_of(kind.cls, wild=0)
    plain: dict[type, st.SearchStrategy[Any]] = {
        inspect.NoneType: st.none(),
        inspect.BoolType: st.booleans(),
        inspect.IntType: integers,
        inspect.StrType: texts,
        inspect.BytesType: binaries,
    }
    return plain[type(kind)]


@st.composite
def bodies_of(draw: st.DrawFn, kind: type[msgspec.Struct], wild: int = 10) -> dict[str, Any]:
    """A map for this struct: most fields fit their type, about ``wild`` in a hundred are anything."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields: dict[str, Any] = {}
    for field in info.fields:
        if field.required or draw(st.booleans()):
            odd = wild and draw(st.integers(1, 100)) <= wild
            fields[field.encode_name] = draw(values if odd else of_type(field.type))
    if wild and draw(st.integers(1, 100)) <= wild:
        fields.update(draw(st.dictionaries(texts, values, max_size=2)))
        fields.pop(draw(st.sampled_from(sorted(fields))) if fields else "", None)
    return fields


# --- bytes --------------------------------------------------------------------------------------


def _sized(code: int, width: str, claim: int) -> bytes:
    most = 256 ** struct.calcsize(f">{width}") - 1
    return bytes([code]) + struct.pack(f">{width}", min(claim, most))


claims = st.integers(0, 20) | st.sampled_from([255, 256, 65_535, 65_536, 2**24, 2**31 - 1, 2**31, 2**32 - 1])
"""Lengths that a header claims."""
_headers = {0xD9: "B", 0xDA: "H", 0xDB: "I", 0xC4: "B", 0xC5: "H", 0xC6: "I", 0xDC: "H", 0xDD: "I"} | {
    0xDE: "H",
    0xDF: "I",
    0xC7: "B",
    0xC8: "H",
    0xC9: "I",
}
headers = st.builds(
    lambda code, claim: _sized(code, _headers[code], claim), st.sampled_from(sorted(_headers)), claims
)
"""A str, bin, list, map or ext that says how long it is, and mostly lies."""
oddities = st.sampled_from(
    [
        b"\xc1",  # never used
        b"\xcb" + struct.pack(">d", float("nan")),
        b"\xca" + struct.pack(">f", float("inf")),
        b"\xcb" + struct.pack(">d", 1.0),  # a float that is a number
        b"\xcf" + b"\0" * 7 + b"\1",  # a small number in eight bytes
        b"\xd3" + b"\0" * 7 + b"\1",
        b"\xd3" + b"\x80" + b"\0" * 7,
        b"\xcf" + b"\xff" * 8,
        b"\xa3\xed\xa0\x80",  # half a surrogate pair
        b"\xa2\xff\xfe",  # no UTF-8
        b"\xa2\xc0\x80",  # NUL, overlong
        b"\xd6\xff" + b"\0" * 4,  # timestamps of three sizes
        b"\xd7\xff" + b"\xff" * 8,
        b"\xc7\x0c\xff" + b"\xff" * 12,
        b"\xc7\x00\xff",  # and of none
        b"\xd4\x05x",  # ext
        b"\xd8\x80" + b"x" * 16,
        b"\xc7\x00\x05",
        b"\x82\xa1a\x01\xa1a\x02",  # a key twice
        b"\x81\x01\x02",  # a key that is no text
        b"\x81\xa0\x80",
        b"\x81\xc4\x01a\x01",
    ]
)
bombs = st.builds(
    lambda opener, depth: opener * depth,
    st.sampled_from([b"\x91", b"\x81\xa1a", b"\xdd\0\0\0\1", b"\xdc\xff\xff", b"\x81", b"\xdd\0\0\xff\xff"]),
    st.sampled_from([7, 8, 9, 50, 511, 512, 600, 5000]),
)
"""Maps and lists without end inside one another."""
pieces = (
    st.builds(lambda value: bytes(msgpack.packb(value)), values)
    | oddities
    | headers
    | bombs
    | st.binary(max_size=20)
)
junk = st.lists(pieces, max_size=6).map(b"".join) | st.binary(max_size=200)
"""Bytes that are msgpack here and there."""


@st.composite
def spoilt(draw: st.DrawFn, frames: st.SearchStrategy[bytes]) -> bytes:
    """A valid frame to which one to three things happened."""
    frame = draw(frames)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(frame)))
        end = draw(st.integers(place, min(len(frame), place + 12)))
        frame = draw(
            st.one_of(
                st.just(frame[:place]),
                st.just(frame[end:]),
                st.just(frame[:place] + frame[end:]),
                st.just(frame[:end] + frame[place:]),
                st.integers(0, 7).map(lambda bit: _flipped(frame, place, bit)),  # noqa: B023
                pieces.map(lambda piece: frame[:place] + piece + frame[end:]),  # noqa: B023
                st.just(frame + frame),
            )
        )
    return frame


def _flipped(frame: bytes, place: int, bit: int) -> bytes:
    if not frame:
        return frame
    place %= len(frame)
    return frame[:place] + bytes([frame[place] ^ 1 << bit]) + frame[place + 1 :]


@st.composite
def enveloped(draw: st.DrawFn, *fields: st.SearchStrategy[Any]) -> bytes:
    """A list of these fields as msgpack, sometimes with one of them replaced, one lacking or one too many."""
    drawn = [draw(field) for field in fields]
    fate = draw(st.integers(0, 19))
    if fate == 0:
        drawn[draw(st.integers(0, len(drawn) - 1))] = draw(values)
    elif fate == 1:
        drawn.pop()
    elif fate == 2:
        drawn += draw(st.lists(values, max_size=13))
    return bytes(msgpack.packb(drawn))


def packed(bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Bodies as they travel: packed whole, spoilt, or something else altogether."""
    whole = bodies.map(lambda body: bytes(msgpack.packb(body)))
    return st.one_of(whole, whole, whole, spoilt(whole), junk)
