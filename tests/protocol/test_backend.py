"""What the broker and its workers say to each other."""

from __future__ import annotations

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
