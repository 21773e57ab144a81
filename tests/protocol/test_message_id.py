"""Message ids: UUIDv7 as RFC 9562 lays it out."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from protocol.limits import MESSAGE_ID_BYTES
from protocol.message_id import message_id

moments = st.integers(0, 2**48 - 1)


@given(moments)
def test_the_layout_is_that_of_rfc_9562_section_5_7(now_ms: int) -> None:
    id = message_id(now_ms)
    assert len(id) == MESSAGE_ID_BYTES
    assert int.from_bytes(id[:6], "big") == now_ms
    assert id[6] >> 4 == 7, "version"
    assert id[8] >> 6 == 0b10, "variant"
    assert (uuid.UUID(bytes=id).version, uuid.UUID(bytes=id).variant) == (7, uuid.RFC_4122)


@given(moments, moments)
def test_a_later_millisecond_sorts_behind(one: int, other: int) -> None:
    if one != other:
        assert (message_id(one) < message_id(other)) == (one < other)


def test_all_74_bits_are_random() -> None:
    ids = [int.from_bytes(message_id(0), "big") for _ in range(2000)]
    ones = zeros = 0
    for id in ids:
        ones |= id
        zeros |= ~id & (1 << 128) - 1
    fixed = 0b1111 << 76 | 0b11 << 62 | (2**48 - 1) << 80
    assert ones & zeros == ~fixed & (1 << 128) - 1


def test_ids_of_one_millisecond_differ() -> None:
    assert len({message_id(1) for _ in range(10_000)}) == 10_000


def test_a_moment_beyond_48_bits_wraps_and_spoils_nothing_else() -> None:
    id = message_id(2**48 + 5)
    assert int.from_bytes(id[:6], "big") == 5
    assert id[6] >> 4 == 7
