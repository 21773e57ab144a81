"""What is kept of large replies for who does not read: so many bytes, and given back when they read or go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import zmq

from broker.owed import Owed

SIZE, MOST, MOST_OF_ALL = 100_000, 1_000_000, 1_200_000
SECONDS = 10.0


class Door(NamedTuple):
    """A ROUTER, and a client that has said who it is and reads little by itself."""

    router: zmq.Socket[bytes]
    client: zmq.Socket[bytes]
    peer: bytes
    owed: Owed


@pytest.fixture
def door() -> Iterator[Door]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router, client = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    for option, value in ((zmq.LINGER, 0), (zmq.RCVTIMEO, int(1000 * SECONDS))):
        router.setsockopt(option, value)
        client.setsockopt(option, value)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.SNDBUF, 4096)
    client.setsockopt(zmq.RCVHWM, 1)
    client.setsockopt(zmq.RCVBUF, 4096)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    client.connect(f"tcp://127.0.0.1:{port}")
    client.send(b"here")
    peer, _ = router.recv_multipart()
    yield Door(router, client, peer, Owed(router, MOST, MOST_OF_ALL))
    client.close()
    router.close()
    context.term()


def within(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return False


def filled(door: Door) -> int:
    """Send until nothing more is taken, which must be soon; how many were."""
    for count in range(200):
        if not door.owed.send(door.peer, bytes(SIZE)):
            return count
        time.sleep(0.005)  # libzmq takes some of them out of the queue
    raise AssertionError("no bound")


def test_who_does_not_read_is_kept_so_many_bytes(door: Door) -> None:
    sent = filled(door)
    assert MOST - SIZE < door.owed.waiting(door.peer) <= MOST
    assert sent < 60, "what the kernel and libzmq's own buffers hold, and no more than that"


def test_who_reads_has_room_again_and_has_lost_nothing_that_was_taken(door: Door) -> None:
    sent = filled(door)
    for _ in range(sent):
        assert len(door.client.recv()) == SIZE
    assert within(lambda: door.owed.waiting(door.peer) == 0)
    assert door.owed.send(door.peer, bytes(SIZE))
    assert len(door.client.recv()) == SIZE


def test_one_that_is_larger_than_the_bound_gets_through_alone(door: Door) -> None:
    assert door.owed.send(door.peer, bytes(2 * MOST))
    assert len(door.client.recv()) == 2 * MOST


def test_what_is_kept_for_one_who_is_gone_is_given_back(door: Door) -> None:
    filled(door)
    assert len(door.owed) == 1
    door.client.close()

    def forgotten() -> bool:
        door.router.poll(0)  # a socket hears who is gone when it is used
        door.owed.forget()
        return len(door.owed) == 0

    assert within(forgotten)
    with pytest.raises(zmq.ZMQError):
        door.owed.send(door.peer, bytes(SIZE))
    assert len(door.owed) == 0


def test_while_all_together_are_owed_too_much_who_owes_gets_no_more_and_others_one_at_a_time(
    door: Door,
) -> None:
    filled(door)
    others = []
    for number in range(4):
        other = door.router.context.socket(zmq.DEALER)
        others.append(other)
        other.setsockopt(zmq.LINGER, 0)
        other.setsockopt(zmq.RCVHWM, 1)
        other.setsockopt(zmq.RCVBUF, 4096)
        other.setsockopt(zmq.RCVTIMEO, int(1000 * SECONDS))
        other.connect(door.router.getsockopt_string(zmq.LAST_ENDPOINT))
        other.send(b"here")
        peer, _ = door.router.recv_multipart()
        taken = 0
        while taken < 100 and door.owed.send(peer, bytes(2 * SIZE)):
            taken += 1
            time.sleep(0.005)
        assert taken >= 1, "who owes nothing is answered"
        assert door.owed.bytes <= MOST_OF_ALL + 2 * SIZE * (number + 1)

    # Whoever reads is answered as before.
    def all_read() -> bool:
        for each in (door.client, *others):
            while each.poll(10):
                each.recv()
        door.owed.forget()
        return door.owed.bytes == 0

    assert within(all_read)
    assert door.owed.send(door.peer, bytes(SIZE))
    for other in others:
        other.close()
