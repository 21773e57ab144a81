"""The three frames: what is read, what is answered, what is dropped, and that junk never crashes."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.presence import MOST_PER_REPORT
from protocol import VERSION
from protocol.envelope import (
    UINT64_MAX,
    BadRequest,
    NotAnEnvelope,
    Request,
    pack_body,
    pack_event,
    pack_reply,
    pack_request,
    unpack_body,
    unpack_event,
    unpack_reply,
    unpack_request,
)
from protocol.errors import Invalid
from protocol.limits import (
    COMMAND_MAX_LENGTH,
    LIST_MAX_LENGTH,
    NESTING_MAX_DEPTH,
    REPLY_MAX_BYTES,
    REQUEST_MAX_BYTES,
    TOKEN_BYTES,
)

TOKEN = b"t" * TOKEN_BYTES
TOPIC = b"u" + b"1" * 15
EXT = msgpack.ExtType(5, b"x")

request_ids = st.integers(0, UINT64_MAX)
tokens = st.binary(max_size=TOKEN_BYTES)
names = st.text(max_size=COMMAND_MAX_LENGTH // 4)
bodies = st.binary(max_size=300)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), UINT64_MAX) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def frame(*fields: Any) -> bytes:
    packed = msgpack.packb(fields)
    assert isinstance(packed, bytes)
    return packed


# --- requests -----------------------------------------------------------------------------------


@given(request_ids, tokens, names, bodies)
def test_a_request_comes_back_as_it_was_packed(
    request_id: int, token: bytes, command: str, body: bytes
) -> None:
    packed = pack_request(request_id, token, command, body)
    assert unpack_request(packed) == Request(VERSION, request_id, token, command, body)


def test_further_elements_are_ignored() -> None:
    assert unpack_request(frame(1, 2, TOKEN, "user.get", b"", "more", 7)).command == "user.get"


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\xc1",
        b"junk",
        b"\x00" * 100,
        frame(),
        frame(1),
        frame("1", 2, b"", "a", b""),
        frame(1, "2", b"", "a", b""),
        frame(1, -2, b"", "a", b""),
        frame(1, 2.0, b"", "a", b""),
        frame(True, 2, b"", "a", b""),
        frame(1.0, 2, b"", "a", b""),
        frame(None, None, b"", "a", b""),
        frame(1, True, b"", "a", b""),
        msgpack.packb({"a": 1}),
        msgpack.packb("text"),
        b"\xdd\xff\xff\xff\xff",
        b"\xdc\xff\xff" + b"\x91" * 1000,
    ],
)
def test_bytes_that_are_no_envelope_are_told_apart_because_nobody_can_be_answered(junk: bytes) -> None:
    with pytest.raises(NotAnEnvelope):
        unpack_request(junk)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (TOKEN,),
        (TOKEN, "a"),
        (TOKEN, b"a", b""),
        ("token", "a", b""),
        (TOKEN, "a", "body"),
        (TOKEN, "a", {}),
        (TOKEN, "a", None),
        (None, "a", b""),
        (TOKEN, "a", [[[]]]),
        (TOKEN, "a", {"map": 1}),
        (TOKEN, "x" * (COMMAND_MAX_LENGTH + 1), b""),
        (TOKEN, "a", b"x" * (REQUEST_MAX_BYTES + 1)),
        (TOKEN, "a", EXT),
        (TOKEN, "a", b"", *range(20)),
    ],
)
def test_a_fault_behind_the_request_id_can_be_answered(fields: tuple[Any, ...]) -> None:
    with pytest.raises(BadRequest) as error:
        unpack_request(frame(VERSION, 77, *fields))
    assert error.value.request_id == 77
    assert error.value.code == "invalid"
    assert "five fields" in error.value.message


def test_a_frame_of_seven_bytes_that_claims_four_billion_elements_costs_nothing() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest) as error:
            unpack_request(b"\xdd\xff\xff\xff\xff\x01\x4d")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert error.value.request_id == 77


def test_a_frame_that_was_cut_off_can_be_answered() -> None:
    with pytest.raises(BadRequest) as error:
        unpack_request(pack_request(UINT64_MAX, TOKEN, "message.send", b"x" * 100)[:-1])
    assert error.value.request_id == UINT64_MAX


def test_bytes_behind_the_frame_are_a_fault_that_can_be_answered() -> None:
    with pytest.raises(BadRequest):
        unpack_request(pack_request(3, TOKEN, "message.send", b"") + b"\x00")


@pytest.mark.parametrize("rest", [(TOKEN, "a", b""), ({"other": "shape"},), (EXT, EXT), ()])
def test_another_version_is_answered_whatever_its_shape(rest: tuple[Any, ...]) -> None:
    assert unpack_request(frame(2, 5, *rest)) == Request(2, 5, b"", "", b"")


def test_the_longest_command_and_body_pass() -> None:
    command, body = "x" * COMMAND_MAX_LENGTH, b"x" * REQUEST_MAX_BYTES
    assert unpack_request(pack_request(1, TOKEN, command, body))[3:] == (command, body, "")


@given(st.binary(max_size=200))
def test_junk_is_read_or_refused_and_nothing_else(junk: bytes) -> None:
    for unpack, refusals in (
        (unpack_request, (NotAnEnvelope, BadRequest)),
        (unpack_reply, (NotAnEnvelope,)),
        (unpack_event, (NotAnEnvelope,)),
        (unpack_body, (Invalid,)),
    ):
        with suppress(*refusals):
            unpack(junk)


@given(st.lists(values, max_size=8))
def test_any_list_is_read_or_refused_and_nothing_else(fields: list[Any]) -> None:
    test = frame(*fields)
    try:
        read = unpack_request(test)
    except (NotAnEnvelope, BadRequest):
        return
    assert type(read.version) is int and 0 <= read.request_id <= UINT64_MAX


@given(request_ids, tokens, names, bodies, st.data())
def test_a_spoilt_request_is_read_or_refused_and_nothing_else(
    request_id: int, token: bytes, command: str, body: bytes, data: st.DataObject
) -> None:
    packed = bytearray(pack_request(request_id, token, command, body))
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=4)):
        packed[place] = data.draw(st.integers(0, 255))
    with suppress(NotAnEnvelope, BadRequest):
        unpack_request(bytes(packed))


# --- replies and events -------------------------------------------------------------------------


@given(request_ids, st.text(max_size=40), bodies)
def test_a_reply_comes_back_as_it_was_packed(request_id: int, status: str, body: bytes) -> None:
    assert unpack_reply(pack_reply(request_id, status, body)) == (VERSION, request_id, status, body)


@given(st.binary(min_size=16, max_size=16), st.text(max_size=40), bodies)
def test_an_event_comes_back_as_it_was_packed(topic: bytes, kind: str, body: bytes) -> None:
    assert unpack_event(pack_event(topic, kind, body)) == (topic, kind, body)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (1, 2, "ok"),
        (2, 2, "ok", b""),
        (True, 2, "ok", b""),
        (1.0, 2, "ok", b""),
        (1, "2", "ok", b""),
        (1, 2, b"ok", b""),
        (1, 2, "ok", "body"),
        (1, 2, "ok", {}),
        (1, 2, "ok", b"x" * (REPLY_MAX_BYTES + 1)),
        (1, 2, "ok", b"", EXT),
    ],
)
def test_what_is_no_reply_is_refused(fields: tuple[Any, ...]) -> None:
    with pytest.raises(NotAnEnvelope):
        unpack_reply(frame(*fields))


@pytest.mark.parametrize(
    "fields", [(), (1, "read"), (2, "read", b""), (True, "read", b""), (1, 3, b""), (1, "read", "x")]
)
def test_what_is_no_event_is_refused(fields: tuple[Any, ...]) -> None:
    with pytest.raises(NotAnEnvelope):
        unpack_event(TOPIC + frame(*fields))


def test_an_event_shorter_than_its_topic_is_refused() -> None:
    with pytest.raises(NotAnEnvelope):
        unpack_event(TOPIC[:9])


def test_replies_and_events_of_a_later_release_may_have_more_elements() -> None:
    assert unpack_reply(frame(1, 2, "ok", b"", "more")).status == "ok"
    assert unpack_event(TOPIC + frame(1, "read", b"", "more")).kind == "read"


# --- bodies -------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.text(), st.integers(-(2**63), UINT64_MAX) | st.text() | st.binary() | st.booleans())
)
def test_a_flat_body_comes_back_as_it_was_packed(fields: dict[str, Any]) -> None:
    assert unpack_body(pack_body(fields)) == fields


def test_an_empty_body_is_an_empty_map() -> None:
    assert unpack_body(b"") == {} == unpack_body(pack_body({}))


def nested(depth: int) -> dict[str, Any]:
    """``depth`` maps and lists inside one another, the body included."""
    value: Any = 1
    for level in range(depth - 1):
        value = [value] if level % 2 else {"in": value}
    return {"in": value}


def test_a_body_may_nest_to_the_limit_and_no_deeper() -> None:
    deepest = nested(NESTING_MAX_DEPTH)
    assert unpack_body(pack_body(deepest)) == deepest
    with pytest.raises(Invalid, match=f"deeper than {NESTING_MAX_DEPTH}"):
        unpack_body(pack_body(nested(NESTING_MAX_DEPTH + 1)))


def test_a_list_may_be_as_long_as_a_report_of_presence_and_no_longer() -> None:
    longest = {"a": [0] * LIST_MAX_LENGTH}
    assert MOST_PER_REPORT <= LIST_MAX_LENGTH
    assert unpack_body(pack_body(longest)) == longest
    with pytest.raises(Invalid):
        unpack_body(pack_body({"a": [0] * (LIST_MAX_LENGTH + 1)}))


def test_lists_that_claim_to_be_long_at_every_depth_get_little_room() -> None:
    bomb = b"\x81\xa1a" + (b"\xdd" + (100_000).to_bytes(4, "big")) * 500
    tracemalloc.start()
    try:
        with pytest.raises(Invalid):
            unpack_body(bomb.ljust(REQUEST_MAX_BYTES, b"\xc0"))
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("depth", [50, 600, 5000, 60_000])
def test_a_bomb_of_lists_is_refused(depth: int) -> None:
    with pytest.raises(Invalid):
        unpack_body(b"\x81\xa1a" + b"\x91" * depth + b"\xc0")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"junk", "msgpack"),
        (pack_body([1]), "not a map"),
        (pack_body("text"), "not a map"),
        (pack_body(None), "not a map"),
        (pack_body({b"a": 1}), "whose name is not a str"),
        (msgpack.packb({1: 1}), "msgpack"),
        (msgpack.packb({"a": EXT}), "msgpack"),
        (msgpack.packb({"a": msgpack.Timestamp(1)}), "msgpack"),
        (b"\x81\xa1a\xc7\x00\x05", "msgpack"),
        (b"\xdf\xff\xff\xff\xff", "msgpack"),
        (b"\x81\xa1a\xdd\xff\xff\xff\xff", "msgpack"),
        (b"\x81\xa1a\xa2\xff\xfe", "msgpack"),
        (pack_body({"a": 1}) + b"\x00", "msgpack"),
    ],
)
def test_a_body_that_is_no_plain_map_is_refused_with_a_sentence(body: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why) as error:
        unpack_body(body)
    assert error.value.message.endswith(".")


@given(st.dictionaries(st.text(), values, max_size=5))
def test_any_map_is_read_or_too_deep(fields: dict[str, Any]) -> None:
    try:
        read = unpack_body(pack_body(fields))
    except Invalid as error:
        assert "deeper" in error.message
    else:
        assert read.keys() == fields.keys()
