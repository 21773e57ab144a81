"""Over which events socket of a trunk a topic is heard, and when a fence counts that concerns several."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from client.ears import Ear, Ears
from client.lane import Lane
from client.sockets import CONNECTED, DISCONNECTED
from protocol.events import Welcome, event

LIMIT = 40


class Socket:
    """In place of a link: what it is told to subscribe to."""

    opened: list[Socket]

    def __init__(self, server: object, port: int, kind: int, *told: Any) -> None:
        assert kind == zmq.SUB and port == 7701
        self.topics: set[bytes] = set()
        self.open = True
        self.opened.append(self)

    def subscribe(self, changes: list[tuple[bool, bytes]]) -> None:
        assert self.open
        for subscribe, topic in changes:
            assert (topic in self.topics) != subscribe, "nothing is said twice"
            (self.topics.add if subscribe else self.topics.remove)(topic)
            assert len(self.topics) <= LIMIT, "the broker would refuse it"

    def close(self) -> None:
        self.open = False


class Somebody:
    """As a connection, on a lane of its own."""

    def __init__(self, ears: Ears, number: int) -> None:
        self.lane = Lane(SimpleNamespace(), number, "", self)  # type: ignore[arg-type]
        self.listening = SimpleNamespace(known_epoch=1, fence=b"")
        self.session = SimpleNamespace(listening=self.listening, user="ani", heard=self._heard)
        self.changes: list[int] = []
        self.welcomes: list[bytes] = []
        self.topics: set[bytes] = set()
        self._ears = ears
        ears.listen(self.lane, 7701, LIMIT)

    def _heard(self, now: float, topic: bytes, event: object) -> None:
        self.welcomes.append(topic)

    def hears_already(self) -> None:
        self.changes.append(CONNECTED)

    def events_changed(self, change: int) -> None:
        self.changes.append(change)

    def want(self, topics: set[bytes]) -> None:
        gone, new = self.topics - topics, topics - self.topics
        self.topics = topics
        changes = [(False, topic) for topic in gone] + [(True, topic) for topic in new]
        self._ears.subscribe(self.lane, changes)

    def fence(self, topic: bytes) -> None:
        old, self.listening.fence = self.listening.fence, topic
        changes = [(False, old)] if old else []
        self._ears.subscribe(self.lane, changes + ([(True, topic)] if topic else []))


@pytest.fixture
async def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    monkeypatch.setattr("client.ears.Link", Socket)
    monkeypatch.setattr(Socket, "opened", [], raising=False)
    trunk = SimpleNamespace(turn=None, touch=lambda lane: None)
    return Ears(SimpleNamespace(server="here", kinds=frozenset()), trunk)  # type: ignore[arg-type]


def topic(number: int, kind: bytes = b"c") -> bytes:
    return kind + number.to_bytes(15, "big")


def connect(ears: Ears) -> list[Ear]:
    for ear in ears._ears:
        if not ear.connected:
            ears.changed(ear, CONNECTED)
    return ears._ears


async def test_no_socket_is_ever_asked_for_more_than_the_broker_allows_it(ears: Ears) -> None:
    """However many sessions hold however much; and each topic that somebody holds is subscribed to."""
    rng = random.Random(7)
    everyone = [Somebody(ears, number) for number in range(1, 31)]
    for step in range(600):
        one = rng.choice(everyone)
        most = rng.choice((0, 3, 10, 100))
        one.want({topic(rng.randrange(300)) for _ in range(rng.randrange(most + 1))})
        one.fence(topic(step, b"u"))
        if rng.random() < 0.7:
            one.fence(b"")
    for one in everyone:
        held = [{t for t in one.topics if one.lane in ear.topics.holders(t)} for ear in one.lane.ears]
        assert set().union(*held) == one.topics and sum(map(len, held)) == len(one.topics)
    for ear in ears._ears:
        link = ear.link
        assert isinstance(link, Socket) and link.open
        assert link.topics >= {t for one in everyone for t in one.topics if one.lane in ear.topics.holders(t)}
    for one in everyone:
        one.want(set())
        one.fence(b"")
        ears.leave(one.lane)
    assert [socket.topics for socket in Socket.opened if socket.open] == [set()]


async def test_who_comes_with_few_topics_has_one_socket_and_hears_what_others_hear_over_it(
    ears: Ears,
) -> None:
    ani, budi = Somebody(ears, 1), Somebody(ears, 2)
    for one in (ani, budi):
        one.want({topic(1), topic(2)})
    assert len(Socket.opened) == 1 and len(ears) == 1
    assert Socket.opened[0].topics == {topic(1), topic(2)}


async def test_a_fence_on_several_sockets_counts_when_the_last_has_said_welcome(ears: Ears) -> None:
    ani = Somebody(ears, 1)
    ani.want({topic(n) for n in range(30)})
    first, second = connect(ears)
    fence = topic(1, b"u")
    ani.fence(fence)
    assert all(fence in socket.topics for socket in Socket.opened)
    for ear in (first, first, second):
        assert not ani.welcomes
        ears.heard(ear, event(fence, Welcome(1)))
    assert ani.welcomes == [fence]
    ani.fence(b"")
    assert not any(fence in socket.topics for socket in Socket.opened) and not ears._fences


async def test_a_session_is_told_of_its_own_sockets_and_is_there_with_all_of_them(ears: Ears) -> None:
    ani, budi = Somebody(ears, 1), Somebody(ears, 2)
    ani.want({topic(n) for n in range(30)})
    first, second = ears._ears
    ears.changed(first, CONNECTED)
    assert (ani.changes, budi.changes) == ([], [CONNECTED])
    ears.changed(second, CONNECTED)
    assert (ani.changes, budi.changes) == ([CONNECTED], [CONNECTED])
    ears.changed(second, DISCONNECTED)
    assert (ani.changes, budi.changes) == ([CONNECTED, DISCONNECTED], [CONNECTED])
    citra = Somebody(ears, 3)
    assert citra.changes == ([CONNECTED] if first in citra.lane.ears else [])


async def test_a_further_socket_is_closed_when_nobody_hears_anything_over_it(ears: Ears) -> None:
    ani = Somebody(ears, 1)
    many = {topic(n) for n in range(50)}
    ani.want(many)
    assert len(ears) > 2
    ani.want({min(t for t in many if ani.lane in ears._ears[0].topics.holders(t))})
    assert len(ears) == 1 and len(ani.lane.ears) == 1
    assert [socket.open for socket in Socket.opened].count(True) == 1
