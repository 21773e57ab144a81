"""What the broker and its workers say to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import VERSION
from protocol.backend import (
    BEAT,
    CLOSE,
    DONE,
    OPEN,
    PROBE,
    STOP,
    WORK,
    Call,
    call,
    pack_beat,
    pack_done,
    pack_signal,
    pack_work,
    read_beat,
    read_close,
    read_done,
    read_open,
    read_work,
    unpack,
)

names = st.text(max_size=10)
numbers = st.integers(0, 2**63 - 1)
bodies = st.binary(max_size=50)
calls = st.builds(Call, numbers, names, numbers, names, numbers, st.booleans(), bodies)


@given(names, names, st.integers(0, 10_000))
def test_a_beat_says_service_name_and_capacity(service: str, name: str, capacity: int) -> None:
    assert unpack(pack_beat(service, name, capacity)) == (BEAT, service, name, capacity)


@given(st.lists(calls, max_size=5))
def test_work_is_calls_in_their_order(batch: list[Call]) -> None:
    kind, received = unpack(pack_work(batch))
    assert kind == WORK
    assert [Call(*fields) for fields in received] == batch


@given(calls)
def test_a_call_made_the_cheap_way_is_the_same(made: Call) -> None:
    cheap = call(tuple(made))
    assert type(cheap) is Call
    assert cheap == made


@given(st.lists(st.tuples(numbers, names, bodies), max_size=4), st.lists(bodies, max_size=4))
def test_done_is_replies_events_and_effects(
    replies: list[tuple[int, str, bytes]], events: list[bytes]
) -> None:
    effects: list[tuple[Any, ...]] = [(OPEN, b"t" * 16, 1, 2, "ani"), (CLOSE, 1)]
    assert unpack(pack_done(replies, events, effects)) == (
        DONE,
        tuple(replies),
        tuple(events),
        tuple(effects),
    )


@pytest.mark.parametrize("kind", [PROBE, STOP])
def test_a_signal_is_its_kind_alone(kind: str) -> None:
    assert unpack(pack_signal(kind)) == (kind,)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"junk",
        b"\xc1",
        msgpack.packb([]),
        msgpack.packb([VERSION]),
        msgpack.packb([VERSION + 1, BEAT]),
        msgpack.packb({"a": 1}),
        msgpack.packb("text"),
        msgpack.packb([VERSION, msgpack.ExtType(5, b"x")]),
        pack_signal(STOP)[:-1],
        pack_signal(STOP) + b"\x00",
    ],
)
def test_what_is_none_of_ours_is_a_value_error(frame: bytes) -> None:
    with pytest.raises(ValueError):
        unpack(frame)


@given(st.binary(max_size=100))
def test_junk_is_read_or_a_value_error(junk: bytes) -> None:
    try:
        fields = unpack(junk)
    except ValueError:
        return
    assert type(fields) is tuple and fields


@pytest.mark.parametrize(
    ("read", "fields"),
    [
        (read_beat, ("messaging", "m-1")),
        (read_beat, ("messaging", "m-1", "many")),
        (read_beat, ("messaging", "m-1", -1)),
        (read_beat, ("messaging", "m-1", True)),
        (read_beat, ({}, "m-1", 1)),
        (read_done, ((), ())),
        (read_done, (((1, "ok"),), (), ())),
        (read_done, ((({}, "ok", b""),), (), ())),
        (read_done, (((1, "ok", "text"),), (), ())),
        (read_done, ((), ("text",), ())),
        (read_done, ((), (), (1,))),
        (read_work, ()),
        (read_work, (7,)),
        (read_work, (((1, "user.get"),),)),
        (read_work, (((1, (), 1, "ani", 1, True, b""),),)),
        (read_open, (b"t", 1, 2)),
        (read_open, ((), 1, 2, "ani")),
        (read_close, ()),
        (read_close, ("1",)),
    ],
)
def test_fields_of_another_shape_are_a_value_error(
    read: Callable[[tuple[Any, ...]], object], fields: tuple[Any, ...]
) -> None:
    with pytest.raises(ValueError):
        read(fields)


def test_further_fields_are_ignored() -> None:
    assert read_beat(("messaging", "m-1", 4, "more")) == ("messaging", "m-1", 4)
    assert read_done(((), (), (), "more")) == ((), (), ())
    assert read_work(((), "more")) == []
    assert read_open((b"t", 1, 2, "ani", "more")) == (b"t", 1, 2, "ani")
    assert read_close((1, "more")) == 1
