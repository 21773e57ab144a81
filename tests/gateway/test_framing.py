"""Framing: whatever the pieces in which bytes come, the requests are the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.framing import CRLF, NEWLINE, NUL, Framer, Framing, TooLong

LINES = Framing((NEWLINE,))
SEGMENTS = Framing((NEWLINE,), segments=True)
STRINGS = Framing((NUL, NEWLINE))
PAIRS = Framing((CRLF,))
ALL = (LINES, SEGMENTS, STRINGS, PAIRS)
LIMIT = 8

bytes_of_a_few = st.lists(st.sampled_from([b"a", b"b", b"\r", b"\n", b"\0", b"\r\n", b"aaaa"]), max_size=40)


def taken(framer: Framer) -> list[bytes | None]:
    """Everything that is there; None for a request that was too long."""
    found: list[bytes | None] = []
    while framer.ready():
        try:
            request = framer.next()
        except TooLong:
            found.append(None)
        else:
            if request is not None:
                found.append(request)
    assert framer.next() is None
    return found


def expected(framing: Framing, stream: bytes) -> list[bytes | None]:
    """The requests of a stream, by the simplest means; what has no end is none unless it is too long."""
    for end in framing.ends[1:]:
        stream = stream.replace(end, framing.ends[0]) if end != NEWLINE else stream
    if framing is STRINGS:
        stream = stream.replace(b"\r\n", b"\n").replace(b"\n", NUL)
    elif framing is not PAIRS:
        stream = stream.replace(b"\r\n", b"\n")
    *whole, rest = stream.split(framing.ends[0])
    found: list[bytes | None] = [line if len(line) <= LIMIT else None for line in whole]
    return [*found, None] if len(rest.removesuffix(b"\r")) > LIMIT else found


@given(st.sampled_from(ALL), bytes_of_a_few, st.data())
def test_any_split_of_a_stream_gives_the_same_requests(
    framing: Framing, parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    framer, found = Framer(framing, LIMIT), []
    for begin, end in zip([0, *places], [*places, len(stream)], strict=True):
        framer.feed(stream[begin:end])
        found += taken(framer)
    assert found == expected(framing, stream)


@given(st.sampled_from(ALL), bytes_of_a_few)
def test_a_stream_byte_by_byte_gives_the_same_requests(framing: Framing, parts: list[bytes]) -> None:
    framer, found = Framer(framing, LIMIT), []
    stream = b"".join(parts)
    for byte in stream:
        framer.feed(bytes([byte]))
        found += taken(framer)
    assert found == expected(framing, stream)


@pytest.mark.parametrize("framing", ALL)
@pytest.mark.parametrize("bytewise", [True, False])
def test_a_request_of_the_limit_is_taken_and_one_byte_more_is_not(framing: Framing, bytewise: bool) -> None:
    end = framing.ends[-1]
    stream = b"x" * LIMIT + end + b"y" * (LIMIT + 1) + end + b"z" + end
    framer, found = Framer(framing, LIMIT), []
    for piece in [stream[n : n + 1] for n in range(len(stream))] if bytewise else [stream]:
        framer.feed(piece)
        found += taken(framer)
    assert found == [b"x" * LIMIT, None, b"z"]


def test_the_carriage_return_of_a_telnet_line_does_not_count() -> None:
    framer = Framer(LINES, LIMIT)
    framer.feed(b"x" * LIMIT + b"\r\n" + b"y" * LIMIT + b"\r")
    assert taken(framer) == [b"x" * LIMIT]
    framer.feed(b"\n")
    assert taken(framer) == [b"y" * LIMIT]


def test_ten_megabytes_without_an_end_are_told_once_and_not_kept() -> None:
    framer, found = Framer(LINES, 65_536), []
    for _ in range(160):
        framer.feed(b"x" * 65_536)
        found += taken(framer)
        assert len(framer) <= 65_536
    framer.feed(b"x\nWHOAMI\n")
    assert [*found, *taken(framer)] == [None, b"WHOAMI"]


def test_a_request_that_may_be_longer_is_known_by_how_it_begins() -> None:
    framer = Framer(PAIRS, LIMIT, lambda begins: 100 if begins.startswith(b"file ") else LIMIT)
    framer.feed(
        b"file " + b"x" * 95 + b"\r\n" + b"file " + b"x" * 96 + b"\r\nother " + b"x" * 9 + b"\r\nok\r\n"
    )
    assert taken(framer) == [b"file " + b"x" * 95, None, None, b"ok"]


@given(st.binary(max_size=30), st.integers(0, 30))
def test_raw_bytes_between_requests_are_nobodys_ends(raw: bytes, split: int) -> None:
    framer = Framer(SEGMENTS, LIMIT)
    framer.feed(b"PUT\n" + raw[:split])
    assert framer.next() == b"PUT"
    got = framer.take(len(raw))
    framer.feed(raw[split:] + b"NEXT\n")
    got += framer.take(len(raw) - len(got))
    assert (got, framer.next()) == (raw, b"NEXT")


def test_the_end_that_was_used_is_known() -> None:
    framer = Framer(STRINGS, LIMIT)
    framer.feed(b"a\0b\n")
    assert (framer.next(), framer.end) == (b"a", NUL)
    assert (framer.next(), framer.end) == (b"b", NEWLINE)


# --- silence ------------------------------------------------------------------------------------


def test_a_silence_ends_a_segment_and_several_of_them_stay_apart() -> None:
    framer = Framer(SEGMENTS, LIMIT)
    framer.feed(b"ONE\nTWO")
    framer.silence()
    framer.silence()
    framer.feed(b"THREE")
    framer.silence()
    framer.feed(b"FO")
    assert taken(framer) == [b"ONE", b"TWO", b"THREE"]
    framer.feed(b"UR\r\n")
    assert taken(framer) == [b"FOUR"]


def test_a_silence_means_nothing_where_segments_do_not_count_or_nothing_is_unfinished() -> None:
    for framing, data in ((PAIRS, b"half"), (STRINGS, b"half"), (SEGMENTS, b""), (SEGMENTS, b"ONE\n")):
        framer = Framer(framing, LIMIT)
        framer.feed(data)
        taken(framer)
        framer.silence()
        assert not framer.ready()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bytewise", [True, False])
def test_the_end_that_comes_after_the_silence_belongs_to_what_came_before(end: bytes, bytewise: bool) -> None:
    framer, found = Framer(SEGMENTS, LIMIT), []
    framer.feed(b"ONE")
    framer.silence()
    found += taken(framer)
    for piece in [end[n : n + 1] for n in range(len(end))] if bytewise else [end]:
        framer.feed(piece)
        found += taken(framer)
    framer.feed(b"\nTWO\n")
    assert [*found, *taken(framer)] == [b"ONE", b"", b"TWO"]


def test_a_silence_ends_what_was_too_long() -> None:
    framer = Framer(SEGMENTS, LIMIT)
    framer.feed(b"x" * 20)
    assert taken(framer) == [None]
    framer.silence()
    framer.feed(b"ONE\n")
    assert taken(framer) == [b"ONE"]


def test_a_silence_within_raw_bytes_is_none() -> None:
    framer = Framer(SEGMENTS, LIMIT)
    framer.feed(b"PUT\nabc")
    framer.silence()
    assert framer.next() == b"PUT"
    framer.feed(b"def")
    assert framer.take(5) == b"abcde"
    assert not framer.ready()
    framer.silence()
    assert taken(framer) == [b"f"]


# --- what it costs ------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", [LINES, STRINGS, PAIRS])
@pytest.mark.parametrize("which", [0, -1])
def test_many_requests_at_once_cost_no_more_than_in_turn(framing: Framing, which: int) -> None:
    end = framing.ends[which]

    def seconds(count: int) -> float:
        framer = Framer(framing, 65_536)
        framer.feed((b"x" + end) * count)
        began = time.process_time()
        assert len(taken(framer)) == count
        return time.process_time() - began

    few, many = min(seconds(1_000) for _ in range(3)), seconds(32_000)
    assert many < 32 * few * 6


def test_a_framer_that_waits_holds_no_memory_of_what_came() -> None:
    framer = Framer(LINES, 65_536)
    framer.feed(b"x" * 60_000 + b"\n")
    taken(framer)
    assert framer._buffer.__sizeof__() < 100
