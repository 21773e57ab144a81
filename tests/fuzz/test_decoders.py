"""Every decoder, given anything: a value of the right type or the documented refusal, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import addresses, connection_string
from protocol.addresses import Address
from protocol.commands import COMMANDS
from protocol.connection_string import ConnectionString
from protocol.envelope import pack_body, pack_event, unpack_body, unpack_event, unpack_reply, unpack_request
from protocol.errors import FAILURES, OK, Invalid, failure
from protocol.events import EVENTS
from protocol.limits import LIST_MAX_LENGTH, NESTING_MAX_DEPTH
from tests.fuzz import targets
from tests.fuzz.profile import FEW, FUZZ
from tests.fuzz.strategies import (
    IDS,
    binaries,
    bodies_of,
    enveloped,
    integers,
    junk,
    origins,
    packed,
    spoilt,
    texts,
    values,
)

REQUESTS = {name: packed(bodies_of(row.request)) for name, row in COMMANDS.items()}
REPLIES = {name: packed(bodies_of(row.reply)) for name, row in COMMANDS.items()}
commands = st.sampled_from(sorted(COMMANDS))
statuses = st.just(OK) | st.sampled_from(sorted(FAILURES)) | texts
errors = packed(
    st.fixed_dictionaries(
        {}, optional={"message": values, "retry_after": values, "limit": values, "self": values}
    )
)
tokens = st.sampled_from([b"", targets.TOKEN]) | binaries
requests = commands.flatmap(
    lambda name: enveloped(st.just(1), integers, tokens, st.just(name) | texts, REQUESTS[name])
)
of_visitors = commands.flatmap(
    lambda name: enveloped(
        st.just(1), integers, tokens, st.just(name) | texts, REQUESTS[name], origins | values
    )
)
replies = commands.flatmap(
    lambda name: enveloped(st.just(1), integers, statuses, REPLIES[name] | errors | binaries)
)
kinds = st.sampled_from(sorted(EVENTS))
events = kinds.flatmap(
    lambda kind: st.builds(
        pack_event,
        st.sampled_from([targets.TOPIC, targets.SECRET]) | binaries,
        st.just(kind) | texts,
        packed(bodies_of(EVENTS[kind])),
    )
)
handles = st.integers(0, 5)
effects = st.lists(
    st.tuples(st.just("open"), st.sampled_from(IDS), st.integers(1, 3), st.integers(1, 3), texts)
    | st.tuples(st.just("close"), st.integers(1, 3))
    | st.lists(values, max_size=5),
    max_size=3,
)
done = enveloped(
    st.just(1),
    st.just("done"),
    st.lists(st.tuples(handles, statuses, binaries) | values, max_size=4),
    st.lists(binaries | values, max_size=3),
    effects,
)
beats = enveloped(st.just(1), st.just("beat"), st.just("messaging") | texts, texts, integers)
calls = st.tuples(integers, texts, integers, texts, integers, st.booleans(), binaries)
work = enveloped(st.just(1), st.just("work"), st.lists(calls | values, max_size=4))
signals = enveloped(st.just(1), st.sampled_from(["stop", "probe"]) | texts)
backend = st.one_of(done, beats, work, signals)

FRAMES = {
    "envelope": requests | of_visitors | replies,
    "backend": backend,
    "event": events,
}


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_any_bytes_are_read_or_refused_as_documented(name: str) -> None:
    @FUZZ
    @given(junk | FRAMES[name] | spoilt(FRAMES[name]))
    def holds(data: bytes) -> None:
        targets.TARGETS[name](data)

    holds()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_any_body_becomes_the_commands_request_or_a_sentence(name: str) -> None:
    @FEW
    @given(REQUESTS[name] | junk)
    def holds(body: bytes) -> None:
        targets.typed_request(COMMANDS[name], body)

    holds()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_any_answer_becomes_the_commands_reply_or_a_failure(name: str) -> None:
    @FEW
    @given(statuses, REPLIES[name] | errors | junk)
    def holds(status: str, body: bytes) -> None:
        targets.typed_answer(COMMANDS[name], status, body)

    holds()


@FUZZ
@given(texts, st.dictionaries(texts, values))
def test_any_refusal_is_an_error_that_can_be_shown_and_sent_on(code: str, body: dict[str, Any]) -> None:
    error = failure(code, body)
    assert str(error) == error.message
    again = failure(error.code, unpack_or_nothing(pack_body(error.body())))
    assert type(again) is type(error)


def unpack_or_nothing(body: bytes) -> dict[str, Any]:
    """The opened body; nothing when it nests too deep, for which the strategies have no bound."""
    with suppress(Invalid):
        return unpack_body(body)
    return {}


@FUZZ
@given(junk | packed(st.dictionaries(texts, values)))
@example(b"\x81\xa1a" + b"\xdd\x00\x00\x4e\x20" * 500 + b"\xc0" * 130_000)
@example(b"\xdd\xff\xff\xff\xff\x01\x05")
@example(b"\xc6\xff\xff\xff\xff" + b"x" * 100)
def test_no_bytes_take_more_memory_than_their_lists_may_claim(data: bytes) -> None:
    """Each header may claim as many elements as there are bytes, 512 deep, and msgpack believes it."""
    most = (1 << 20) + 200 * len(data) + 8 * 520 * min(len(data), LIST_MAX_LENGTH)
    tracemalloc.start()
    try:
        for read in READERS:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with suppress(ValueError, Invalid):
                read(data)
            assert tracemalloc.get_traced_memory()[1] - before < most
    finally:
        tracemalloc.stop()


READERS: tuple[Callable[[bytes], object], ...] = (
    unpack_request,
    unpack_reply,
    unpack_event,
    unpack_body,
)


@FUZZ
@given(st.dictionaries(texts, values))
def test_a_body_comes_back_as_it_was_packed_or_nests_too_deep(fields: dict[str, Any]) -> None:
    body = pack_body(fields)
    try:
        opened = unpack_body(body)
    except Invalid:
        assert depth(fields) > NESTING_MAX_DEPTH
    else:
        assert msgpack.packb(opened) == body  # as bytes: NaN is not equal to itself


def depth(value: object) -> int:
    """How many maps and lists are inside one another."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


# --- texts --------------------------------------------------------------------------------------

any_text = st.text(st.characters(), max_size=60) | st.text("abAB09#*@._-\n\0 ", max_size=45)
"""Halves of surrogate pairs too: arguments of a shell bring them."""


@FUZZ
@given(any_text)
def test_any_text_is_an_address_or_invalid(text: str) -> None:
    for read in (addresses.parse, addresses.checked_name, addresses.group_name):
        try:
            value = read(text)
        except Invalid as error:
            assert error.message.isprintable()
            assert len(error.message) < 400
            continue
        assert str(value).isascii() and str(value).isprintable()
        if isinstance(value, Address):
            assert addresses.parse(str(value)) == value == addresses.parse(text)


url_like = st.lists(
    st.sampled_from(
        ["pesan", "://", "[", "]", ":", "@", "?", "key=", "&", "#", "/", "127.0.0.1", "::1", "%0a"]
    )
    | st.sampled_from(["localhost", "7700", "65536", "-1", "A" * 43, "é", "\ud800", "\n", "=", "٣", "0"]),
    max_size=10,
).map("".join)
sound = st.builds(
    lambda host, port, key: str(ConnectionString(host, port, key)),
    st.sampled_from(["127.0.0.1", "localhost", "::1", "chat.example"]),
    st.integers(1, 65_535),
    st.binary(min_size=32, max_size=32) | st.just(b""),
)


@st.composite
def spoilt_text(draw: st.DrawFn, whole: st.SearchStrategy[str]) -> str:
    text = draw(whole)
    place = draw(st.integers(0, len(text)))
    end = draw(st.integers(place, min(len(text), place + 5)))
    return text[:place] + draw(st.characters() | st.just("")) + text[end:]


@FUZZ
@given(any_text | url_like | sound | spoilt_text(sound) | any_text.map("pesan://".__add__))
def test_any_text_is_a_connection_string_or_a_value_error(text: str) -> None:
    try:
        server = connection_string.parse(text)
    except ValueError as error:
        assert type(error) is ValueError
        assert str(error).endswith(".")
        return
    assert type(server) is ConnectionString
    assert server.host and 0 < server.port < 65_536
    assert len(server.key) in (0, 32)
    assert connection_string.parse(str(server)) == server
