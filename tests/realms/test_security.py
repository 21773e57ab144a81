"""Whoever comes to the port for other realms without being one that we are paired with, or with bad intent.

A real process, real sockets. What those may do who are peers and mean well is tested on imaginary lines.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from zmq.utils import z85

from benchmarks.own_server import OwnServer
from protocol.addresses import TopicKind, new_topic
from protocol.body import Body
from protocol.envelope import unpack_body
from protocol.realms import FRAME_MAX_BYTES, Deliver, Hello, Item, PeerCall, Presences
from services.storage import users
from services.storage.realms import State
from tests.realms.outpost import (
    GONE,
    HUNG_UP,
    LET_IN,
    PATIENCE,
    TURNED_AWAY,
    Caller,
    Outpost,
    Peer,
    Recorder,
    new_keys,
    outpost,
    until,
)

LIMITS = {"rates": {"peer_rate": 0.5, "peer_burst": 10, "peer_item_rate": 50, "peer_item_burst": 2000}}


@pytest.fixture(scope="module")
def post() -> Iterator[Outpost]:
    server = OwnServer(rate_limits=True, settings=LIMITS, environment={"PESAN_REALM": "b"})
    try:
        with outpost(server) as found:
            found.change(lambda tx: users.add(tx, "budi", "", new_topic(TopicKind.USER), 1))
            yield found
    finally:
        server.close()


@pytest.fixture(scope="module")
def peer(post: Outpost) -> Iterator[Peer]:
    with closing(post.paired()) as found:
        yield found


def message(number: int, user: str = "citra", to: str = "budi", body: str = "halo") -> Item:
    return Item(number, "message", user, to, os.urandom(16), body, 1)


def stored(post: Outpost, body: str) -> int:
    return len(post.look("select 1 from messages where body = $1", body))


def test_a_paired_realm_is_answered(peer: Peer) -> None:
    assert peer.is_served()


# --- who one is ---------------------------------------------------------------------------------


def test_who_bears_no_key_that_we_know_is_refused_in_the_handshake(post: Outpost) -> None:
    with closing(Caller(post, new_keys())) as stranger:
        assert stranger.saw(TURNED_AWAY | LET_IN) == TURNED_AWAY


def test_an_impostor_with_another_key_is_refused_whatever_name_they_say(post: Outpost, peer: Peer) -> None:
    with closing(Peer(post, peer.name, new_keys())) as impostor:
        assert impostor.saw(TURNED_AWAY | LET_IN) == TURNED_AWAY


def test_a_peer_that_says_another_name_is_refused(post: Outpost, peer: Peer) -> None:
    with closing(post.paired()) as other:
        status, body = other.hello(peer.name)
    assert status == "forbidden"
    assert body["message"] == f"By its key this is {other.name}, and not {peer.name!r}."


def test_who_expects_another_key_of_ours_tells_us_nothing(post: Outpost, peer: Peer) -> None:
    with closing(Caller(post, peer.keys, server_key=new_keys().public)) as mistaken:
        assert mistaken.saw(HUNG_UP | LET_IN) & HUNG_UP


def test_who_does_not_encrypt_is_hung_up_on(post: Outpost, peer: Peer) -> None:
    with closing(Caller(post, peer.keys, curve=False)) as plain:
        assert plain.saw(HUNG_UP | LET_IN) & HUNG_UP


def test_a_recorded_session_that_is_played_again_does_nothing(post: Outpost, peer: Peer) -> None:
    recorder = Recorder(post.port)
    with closing(Peer(post, peer.name, peer.keys, recorder.port)) as recorded:
        assert recorded.ask("deliver", Deliver([message(1, body="only once")]))[0] == "ok"
    said = recorder.join()
    assert len(said) > 500 and b"only once" not in said
    assert play(post, said) == b""
    assert stored(post, "only once") == 1
    assert peer.is_served()


def play(post: Outpost, said: bytes) -> bytes:
    """Say these bytes as a client would, step by step; what is answered to the last and longest of them.

    RFC 26: a greeting of 64 bytes; HELLO, which is answered by WELCOME with a cookie; then INITIATE with the
    cookie, and messages.
    """
    with socket.create_connection(("127.0.0.1", post.port), PATIENCE) as player:
        player.sendall(said[:64])
        exactly(player, 64)
        player.sendall(said[64 : 64 + 202])
        assert exactly(player, 170)[2:10] == b"\x07WELCOME"
        heard = bytearray()
        with suppress(ConnectionError):
            player.sendall(said[64 + 202 :])
            while data := player.recv(65_536):
                heard += data
    return bytes(heard)


def exactly(player: socket.socket, size: int) -> bytes:
    heard = bytearray()
    while len(heard) < size:
        data = player.recv(size - len(heard))
        assert data
        heard += data
    return bytes(heard)


# --- what the operator says ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "said"),
    [(State.BLOCKED, "b has blocked {}."), (State.REMOVED, "b has ended it with {}.")],
)
def test_a_realm_that_is_blocked_or_removed_is_refused_at_once_on_connections_old_and_new(
    post: Outpost, peer: Peer, state: State, said: str
) -> None:
    peer.become(state)
    until(lambda: peer.hello()[0] == "forbidden")
    assert peer.hello()[1]["message"] == said.format(peer.name)
    assert peer.ask("deliver", Deliver([message(1, body="too late")]))[0] == "forbidden"
    assert stored(post, "too late") == 0
    with closing(Caller(post, peer.keys)) as again:
        assert again.saw(TURNED_AWAY | LET_IN) == TURNED_AWAY
    peer.become(State.PAIRED)
    until(peer.is_served)


# --- what is said -------------------------------------------------------------------------------


def test_who_speaks_for_another_realms_users_is_refused_and_it_is_logged(post: Outpost, peer: Peer) -> None:
    items = [message(1, user="ani@a", body="as ani"), message(2, body="as citra")]
    status, body = peer.ask("deliver", Deliver(items))
    assert (status, body["n"], [each["n"] for each in body["refused"]]) == ("ok", 2, [1])
    assert (stored(post, "as ani"), stored(post, "as citra")) == (0, 1)
    status, _ = peer.ask("call", PeerCall("ani@a", "user.get", b"\x81\xa4user\xa4budi"))
    assert status == "forbidden"
    assert any(line["realm"] == peer.name for line in post.logged("foreign sender"))


def test_a_frame_that_is_too_large_ends_the_connection_and_nothing_else(post: Outpost, peer: Peer) -> None:
    with closing(post.paired()) as large:
        assert large.is_served()
        large.say(bytes(FRAME_MAX_BYTES + 1))
        assert large.saw(GONE)
    assert peer.is_served()


JUNK = (
    b"",
    b"\x00",
    b"\xff" * 100,
    b"\x94\x01\x01\xa5hello",
    b"\x94\x02\x01\xa5hello\xc4\x00",
    os.urandom(2000),
)


def test_junk_is_counted_and_not_answered(post: Outpost, peer: Peer) -> None:
    for frame in JUNK * 10:
        peer.say(frame)
    assert peer.is_served()
    until(lambda: post.refused(peer.name, "not a message") == 10 * len(JUNK))


def test_a_message_of_many_parts_is_passed_over(post: Outpost, peer: Peer) -> None:
    hello = b"\x94\x01\x07\xa5hello\xc4\x00"
    peer.socket.send_multipart([hello] * 20_000)
    assert peer.is_served()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("hello", b""),
        ("hello", b"\x90"),
        ("hello", b"\xc1"),
        ("dance", b"\x80"),
        ("deliver", Deliver([message(2), message(1)])),
        ("deliver", b"\x81\xa5items\xdd\xff\xff\xff\xff"),
        ("presence", b"\x81\xa5users\x81\x01\x02"),
        ("pair", b"\x80"),
    ],
)
def test_a_request_that_makes_no_sense_is_invalid(peer: Peer, kind: str, body: Body | bytes) -> None:
    status, said = peer.ask(kind, body)
    assert status == "invalid" and said["message"]
    assert peer.is_served()


def test_more_items_than_a_delivery_may_have_are_invalid(peer: Peer) -> None:
    assert peer.ask("deliver", Deliver([message(number) for number in range(1, 1002)]))[0] == "invalid"


# --- how much -----------------------------------------------------------------------------------


def look_up() -> PeerCall:
    return PeerCall("citra", "user.get", b"\x81\xa4user\xa4budi")


def test_too_many_requests_are_refused_with_the_time_to_wait_and_others_notice_nothing(
    post: Outpost, peer: Peer
) -> None:
    with closing(post.paired()) as greedy:
        answers = [greedy.answer(number) for number in [greedy.begin("call", look_up()) for _ in range(100)]]
        assert [status for status, _ in answers[:10]] == ["ok"] * 10
        refused = [unpack_body(body) for status, body in answers if status == "rate_limited"]
        assert refused and all(0 < body["retry_after"] <= 4 for body in refused)
        assert greedy.ask("deliver", Deliver([]))[0] == "ok"  # what is no call has room of its own
        assert greedy.is_served()
        assert peer.ask("call", look_up())[0] == "ok"
        until(lambda: greedy.ask("call", look_up())[0] == "ok")
        until(lambda: post.refused(greedy.name, "rate_limited") >= len(refused))


def test_many_messages_in_one_request_count_as_many(post: Outpost, peer: Peer) -> None:
    many = Deliver([message(number, to="nobody") for number in range(1, 1001)])
    with closing(post.paired()) as greedy:
        statuses = [greedy.ask("deliver", many)[0] for _ in range(4)]
        assert statuses[:2] == ["ok", "ok"] and "rate_limited" in statuses
        assert greedy.is_served()
        assert peer.ask("deliver", Deliver([message(1, body="in time")]))[0] == "ok"
    assert stored(post, "in time") == 1


def test_a_flood_of_connections_and_bytes_leaves_the_process_alive(post: Outpost, peer: Peer) -> None:
    with closing(post.paired()) as flooding:
        flood = [Caller(post, flooding.keys) for _ in range(20)]
        for caller in flood:
            caller.begin("presence", Presences([], all=False))
            caller.say(os.urandom(100_000))
        assert peer.is_served()
        for caller in flood:
            caller.close()
    assert post.server.processes["realm.1"].poll() is None


def test_a_peer_that_never_reads_its_answers_is_not_waited_for(post: Outpost, peer: Peer) -> None:
    with closing(post.paired()) as deaf:
        for number in range(2000):
            deaf.say(b"\x94\x01" + (b"\xcd" + (number + 1).to_bytes(2, "big")) + b"\xa5dance\xc4\x00")
        assert peer.is_served()


def test_a_peer_that_moves_is_dialled_where_it_says_and_nonsense_is_passed_over(post: Outpost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere, closing(post.paired()) as mover:
        elsewhere.settimeout(PATIENCE)
        assert mover.ask("hello", Hello(mover.name, 1, 1, "ipc:///etc/passwd;tcp://x"))[0] == "ok"
        address = f"127.0.0.1:{elsewhere.getsockname()[1]}"
        assert mover.ask("hello", Hello(mover.name, 1, 1, address))[0] == "ok"
        caller, _ = elsewhere.accept()
        caller.close()
    found = post.look("select address from realms where key = $1", z85.decode(mover.keys.public))
    assert found == [(address,)]
