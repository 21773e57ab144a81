"""What handlers tell the realm process arrives as it was said, and nothing else is taken for it."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as some

from services import hints


def test_nothing_at_all_means_that_there_is_something_in_an_outbox() -> None:
    assert hints.unpack(hints.WAKE) is None


def test_who_types_arrives_with_where_they_type() -> None:
    assert hints.unpack(hints.typing("ani", "bob@b")) == hints.Typing("ani", "bob@b")


def test_who_came_or_went_arrives_by_number() -> None:
    (payload,) = hints.presence([3, 1, 2])
    assert hints.unpack(payload) == hints.Presence((3, 1, 2))


def test_many_who_came_at_once_arrive_in_parts() -> None:
    users = list(range(1, 2 * hints.MOST + 2))
    payloads = hints.presence(users)
    assert [len(hints.unpack(payload).users) for payload in payloads] == [hints.MOST, hints.MOST, 1]  # type: ignore[union-attr]


def test_nobody_who_came_is_nothing_to_tell() -> None:
    assert hints.presence([]) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"\xc1",
        msgpack.packb(["typing", "ani"]),
        msgpack.packb(["typing", "ani", ""]),
        msgpack.packb(["typing", 1, "bob@b"]),
        msgpack.packb(["presence", [0]]),
        msgpack.packb(["presence", ["ani"]]),
        msgpack.packb(["else", 1]),
        msgpack.packb({"typing": 1}),
        msgpack.packb([]),
        msgpack.packb(7),
    ],
)
def test_what_is_no_hint_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not a hint"):
        hints.unpack(payload)


@given(some.binary(min_size=1, max_size=64))
def test_whatever_bytes_come_nothing_but_a_refusal_does(payload: bytes) -> None:
    try:
        hints.unpack(payload)
    except ValueError as error:
        assert str(error) == "not a hint"
