"""The broker's core, given anything by clients and workers in any order: its books stay right."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from broker.core import Core
from broker.peers import UNKNOWN_ADDRESS
from protocol import backend
from protocol.commands import COMMANDS, SERVICES
from protocol.envelope import pack_body, pack_request, unpack_reply
from protocol.errors import OK
from tests.fuzz import targets
from tests.fuzz.profile import FUZZ
from tests.fuzz.strategies import (
    IDS,
    binaries,
    enveloped,
    integers,
    junk,
    origins,
    packed,
    spoilt,
    texts,
    values,
)

PEERS = (b"\0one", b"\0two", b"\0thr", targets.GATE)
WORKERS = (b"w-1", b"w-2", b"w-3", b"stranger")
peers = st.sampled_from(PEERS)
workers = st.sampled_from(WORKERS)
tokens = st.sampled_from([*IDS, targets.TOKEN, b""])
commands = st.sampled_from(sorted(COMMANDS))
bodies = st.sampled_from([b"", b"x" * 900, pack_body({"secret": targets.GATEWAY_SECRET})])
requests = st.builds(pack_request, st.integers(0, 9), tokens, commands, bodies, st.just("") | origins)
odd_requests = (
    spoilt(requests) | junk | enveloped(integers, integers, tokens, commands | texts, packed(values))
)

handles = st.integers(0, 30)
opened = st.builds(
    lambda who, session: (backend.OPEN, IDS[who], session, who + 1, f"user{who}"),
    st.integers(0, 3),
    st.integers(1, 4),
)
closed = st.tuples(st.just(backend.CLOSE), st.integers(1, 4))
telling = st.tuples(st.just(backend.TELL), st.sampled_from(SERVICES) | texts, binaries)
statuses = st.sampled_from([OK, "busy", "internal", backend.ELSEWHERE]) | texts
done = st.builds(
    backend.pack_done,
    st.lists(st.tuples(handles, statuses, binaries), max_size=6),
    st.lists(binaries, max_size=2),
    st.lists(opened | closed | telling, max_size=3),
)
beats = st.builds(backend.pack_beat, st.sampled_from(SERVICES), st.just("w"), st.integers(0, 6))
odd_backend = (
    spoilt(done | beats)
    | junk
    | enveloped(st.just(1), st.sampled_from(["done", "beat"]), values, values, values)
    | enveloped(st.just(1), st.just("beat"), st.sampled_from(SERVICES), texts, integers | st.floats())
)

steps = st.one_of(
    st.tuples(st.just("request"), peers, requests),
    st.tuples(st.just("request"), peers, requests),
    st.tuples(st.just("request"), peers, odd_requests),
    st.tuples(st.just("backend"), workers, done),
    st.tuples(st.just("backend"), workers, beats),
    st.tuples(st.just("backend"), workers, odd_backend),
    st.tuples(st.just("meet"), peers, st.just("10.0.0.1")),
    st.tuples(st.just("introduce"), peers, st.just(targets.GATEWAY_SECRET)),
    st.tuples(st.just("gone"), workers, st.none()),
    st.tuples(st.just("tick"), st.sampled_from([0.0, 0.2, 1.5, 4.0, 31.0, 1e6]), st.none()),
    st.tuples(st.just("probe"), st.none(), st.none()),
)


@FUZZ
@given(st.lists(steps, min_size=5, max_size=60))
def test_no_frames_in_no_order_upset_the_broker(drawn: list[tuple[str, Any, Any]]) -> None:
    core = Core(
        targets.settings(),
        name=b"b" * 16,
        version="0",
        first_handle=0,
        epoch=7,
        gateway_secret=targets.GATEWAY_SECRET,
    )
    for worker, service in zip(WORKERS, SERVICES, strict=False):
        core.backend(0.0, worker, backend.pack_beat(service, service, 5))
    now, asked, answered = 0.0, 0, 0
    for kind, who, what in drawn:
        now += 0.01
        if kind == "tick":
            now += who
        before = core.in_flight, core.counts["not_an_envelope"]
        step(core, now, kind, who, what)
        if kind == "request":
            asked += 1 - (core.counts["not_an_envelope"] - before[1])
        targets.well_kept(core)
        answered += heard(core)
        assert asked - answered == sum(bool(flight.peer) for flight in core._flights.values())
    end(core, now)
    assert asked == answered + heard(core)


def step(core: Core, now: float, kind: str, who: Any, what: Any) -> None:
    """Do to the broker what was drawn."""
    if kind == "request":
        core.request(now, who, what)
    elif kind == "backend":
        core.backend(now, who, what)
    elif kind == "meet":
        core.peers.meet(who, what)
    elif kind == "introduce":
        assert core.peers.introduce(who, what, now) == (who == targets.GATE)
    elif kind == "gone":
        core.worker_gone(now, who)
    elif kind == "tick":
        core.tick(now)
    elif kind == "probe":
        core.probe()
    for _, frame in core.work():
        _, kind, content = msgpack.unpackb(frame)
        if kind == backend.TELL:
            assert type(backend.read_tell([content])) is bytes
            continue
        for call in content:
            read = backend.read_work([[call]])[0]
            assert read.handle > 0
            assert read.address in ("", UNKNOWN_ADDRESS) or ip_network(read.address)


def heard(core: Core) -> int:
    """How many answers the broker gave; each can be read, whatever a worker put into it."""
    replies, core.replies = core.replies, []
    for peer, frame in replies:
        assert peer in PEERS
        unpack_reply(frame)
    core.events.clear()
    core.signals.clear()
    return len(replies)


def end(core: Core, now: float) -> None:
    """Everyone falls silent: nothing stays open, nobody stays online."""
    for later in (40.0, 80.0):
        core.tick(now + later)
        targets.well_kept(core)
    assert not core.in_flight
    assert not list(core.workers)
    assert not core.sessions.online
    assert all(not session.open and not session.links for session in core.sessions._by_token.values())
