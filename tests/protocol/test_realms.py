"""What realms say to each other: every kind survives the way, and whatever else comes is refused."""

from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from protocol import VERSION, realms
from protocol.body import Body, Empty
from protocol.envelope import pack_body
from protocol.files import FileInfo
from protocol.realms import ANSWERED, ASKED

ID = b"i" * 16
FILE = FileInfo(7, "foto.png", 3, "image/png", b"h" * 32)
SAMPLES: dict[str, Body] = {
    "hello": realms.Hello("a", 1, 2, "a.example:7704"),
    "pair": realms.Pair("a", b"s" * 16, "a.example:7704"),
    "deliver": realms.Deliver([realms.Item(1, "message", "ani", "budi", ID, "halo", 5, FILE)]),
    "push": realms.Push("team", 0, [realms.GroupMessage(1, "ani", "halo", 5, ID, FILE)], 1, 2, ["budi"]),
    "call": realms.PeerCall("ani", "user.get", pack_body({"user": "budi"})),
    "presence": realms.Presences([realms.PeerPresence("ani", True, 5, ["team"])], False),
    "typing": realms.PeerTyping("ani", "#team@a"),
    "fetch": realms.FetchChunk(7, 0, 65_536),
}
REPLIES: dict[str, Body] = {
    "hello": realms.HelloReply("b", 1, 2, "1.0"),
    "pair": realms.PairReply("b", True),
    "deliver": realms.DeliverReply(1, [realms.Refused(1, "not_found", "No.")]),
    "push": realms.PushReply(1, True),
    "presence": Empty(),
    "typing": Empty(),
    "fetch": realms.FetchReply(b"abc"),
}


def body_of(struct: Body) -> bytes:
    """As it travels."""
    return msgspec.msgpack.encode(struct)


def test_there_is_a_sample_of_everything() -> None:
    assert SAMPLES.keys() == ASKED.keys() and REPLIES.keys() == ANSWERED.keys()


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_a_request_arrives_as_it_was_said(kind: str) -> None:
    frame = realms.pack(7, kind, body_of(SAMPLES[kind]))
    number, said, body = realms.unpack(frame)
    assert (number, said) == (7, kind)
    assert realms.read(kind, body) == SAMPLES[kind]


@pytest.mark.parametrize("kind", sorted(ANSWERED))
def test_a_reply_arrives_as_it_was_said(kind: str) -> None:
    _, status, body = realms.unpack(realms.pack(7, "ok", body_of(REPLIES[kind])))
    assert status == "ok" and realms.read_reply(ANSWERED[kind], body) == REPLIES[kind]


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_what_a_later_release_adds_is_passed_over(kind: str) -> None:
    fields = msgpack.unpackb(body_of(SAMPLES[kind]))
    assert realms.read(kind, msgpack.packb({**fields, "novelty": [1, {"a": None}]})) == SAMPLES[kind]


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_a_field_that_is_missing_or_of_another_type_is_refused(kind: str) -> None:
    fields = msgpack.unpackb(body_of(SAMPLES[kind]))
    first = next(iter(fields))
    for wrong in ({}, {**fields, first: {"no": 1}}, {**fields, first: None}):
        with pytest.raises(ValueError, match=first):
            realms.read(kind, msgpack.packb(wrong))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("hello", "realm", "a" * 65),
        ("hello", "start", 0),
        ("pair", "secret", b"s" * 15),
        ("deliver", "items", [{}] * 1001),
        ("push", "messages", [{}] * 1001),
        ("push", "members", ["a"] * 10_001),
        ("call", "user", "a" * 33),
        ("call", "body", b"x" * (128 * 1024 + 1)),
        ("presence", "users", [{}] * 10_001),
        ("typing", "to", ""),
        ("fetch", "size", 512 * 1024 + 1),
        ("fetch", "offset", -1),
    ],
)
def test_what_goes_beyond_a_limit_is_refused(kind: str, field: str, value: Any) -> None:
    fields = msgpack.unpackb(body_of(SAMPLES[kind]))
    with pytest.raises(ValueError, match=field):
        realms.read(kind, msgpack.packb({**fields, field: value}))


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no request 'gossip'"):
        realms.read("gossip", b"\x80")


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        msgpack.packb([VERSION, 1, "hello"]),
        msgpack.packb([VERSION + 1, 1, "hello", b""]),
        msgpack.packb([VERSION, 0, "hello", b""]),
        msgpack.packb([VERSION, -1, "hello", b""]),
        msgpack.packb([VERSION, 2**63, "hello", b""]),
        msgpack.packb([VERSION, True, "hello", b""]),
        msgpack.packb([VERSION, 1, b"hello", b""]),
        msgpack.packb([VERSION, 1, "x" * 33, b""]),
        msgpack.packb([VERSION, 1, "hello", "text"]),
        msgpack.packb([VERSION, 1, "hello", b"", b"more"]),
        msgpack.packb({"hello": 1}),
        msgpack.packb([VERSION, 1, "hello", msgpack.ExtType(1, b"")]),
        realms.pack(1, "hello", b"") + b"\x00",
    ],
)
def test_bytes_that_are_no_message_are_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match="not a message between realms"):
        realms.unpack(frame)


@given(some.binary(max_size=64))
def test_whatever_bytes_arrive_nothing_but_a_refusal_comes_of_it(noise: bytes) -> None:
    for kind in ASKED:
        try:
            realms.read(kind, noise)
        except ValueError as error:
            assert str(error)
    try:
        realms.unpack(noise)
    except ValueError as error:
        assert str(error) == "not a message between realms"


@given(some.sampled_from(sorted(ASKED)), some.data())
def test_a_request_with_a_byte_changed_is_read_or_refused(kind: str, data: some.DataObject) -> None:
    body = bytearray(body_of(SAMPLES[kind]))
    body[data.draw(some.integers(0, len(body) - 1))] = data.draw(some.integers(0, 255))
    try:
        assert isinstance(realms.read(kind, bytes(body)), ASKED[kind])
    except ValueError as error:
        assert str(error)
