"""Which subscriptions are approved, as frames of the XPUB socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.subscriptions import NOBODY, Subscriptions, wants_welcome

TOPIC = b"u" + b"1" * 15


@pytest.mark.parametrize("topic", [b"", b"u", TOPIC[:15], TOPIC + b"x", b"c" * 100])
def test_only_sixteen_bytes_are_a_topic(topic: bytes) -> None:
    subscriptions = Subscriptions(1, 10)
    assert not subscriptions.frame(b"\x01" + topic, 3)
    assert subscriptions.refused == 1


def test_a_whole_topic_is_approved_and_given_back() -> None:
    subscriptions = Subscriptions(1, 10)
    assert subscriptions.frame(b"\x01" + TOPIC, 3)
    assert subscriptions.topics == 1
    assert subscriptions.frame(b"\x00" + TOPIC, 3)
    assert subscriptions.topics == 0


def test_a_connection_may_have_only_so_many_topics() -> None:
    subscriptions = Subscriptions(1, 2)
    answers = [subscriptions.frame(b"\x01" + bytes([number]) * 16, 3) for number in range(4)]
    assert answers == [True, True, False, False]
    assert subscriptions.frame(b"\x01" + TOPIC, 4)
    subscriptions.disconnected(3)
    assert subscriptions.frame(b"\x01" + TOPIC, 3)


@pytest.mark.parametrize("stray", [b"", b"\x02", b"hello", b"\xff" * 17])
def test_behind_a_stray_message_nothing_is_approved_until_the_socket_is_empty(stray: bytes) -> None:
    subscriptions = Subscriptions(1, 10)
    assert not subscriptions.frame(stray, 3)
    assert not subscriptions.frame(b"\x01" + TOPIC, 4)
    assert subscriptions.empty()
    assert subscriptions.epoch == 2
    assert subscriptions.frame(b"\x01" + TOPIC, 4)
    assert not subscriptions.empty()
    assert subscriptions.epoch == 2


def test_who_sends_what_is_no_subscription_is_unwanted_until_it_is_another_connection() -> None:
    subscriptions = Subscriptions(1, 10)
    subscriptions.frame(b"\x02", 3)
    assert subscriptions.unwanted == {3}
    subscriptions.connected(3)
    assert not subscriptions.unwanted


def test_who_sends_frames_without_end_is_unwanted_and_who_renews_its_own_now_and_then_is_not() -> None:
    subscriptions = Subscriptions(1, 1000)
    topics = [b"u" + number.to_bytes(15, "big") for number in range(1000)]

    def renew() -> list[bool]:
        return [subscriptions.frame(kind + topic, 3) for topic in topics for kind in (b"\x00", b"\x01")]

    for _ in range(20):
        assert all(renew())
        subscriptions.rest(2.0)
    assert not subscriptions.unwanted
    while all(renew()):
        pass
    assert subscriptions.unwanted == {3}


def test_a_client_with_every_topic_it_may_have_renews_them_after_a_restart_and_stays() -> None:
    subscriptions = Subscriptions(1, 5000)
    topics = [b"c" + number.to_bytes(15, "big") for number in range(5000)]
    for topic in topics:  # libzmq's own renewal
        assert subscriptions.frame(b"\x01" + topic, 3)
    for topic in topics:  # the client finds a new epoch
        assert subscriptions.frame(b"\x00" + topic, 3)
        assert subscriptions.frame(b"\x01" + topic, 3)
    assert not subscriptions.unwanted and not subscriptions.empty()


def test_who_is_hung_up_on_for_sending_too_much_makes_nobody_else_subscribe_anew() -> None:
    subscriptions = Subscriptions(1, 10)
    for _ in range(2000):
        subscriptions.frame(b"\x01" + b"u" * 16, 3)
    assert subscriptions.unwanted == {3}
    assert not subscriptions.empty() and subscriptions.epoch == 1


@given(st.lists(st.tuples(st.binary(max_size=20), st.integers(3, 6))))
def test_no_frame_is_approved_that_is_not_a_whole_topic(frames: list[tuple[bytes, int]]) -> None:
    subscriptions = Subscriptions(1, 3)
    for frame, fd in frames:
        if subscriptions.frame(frame, fd):
            assert len(frame) == 17
            assert frame[0] in (0, 1)


def test_a_frame_that_came_over_no_connection_is_approved_for_nobody() -> None:
    subscriptions = Subscriptions(1, 10)
    assert not subscriptions.frame(b"\x01" + TOPIC, NOBODY)
    assert not subscriptions.frame(b"\x00" + TOPIC, NOBODY)


def test_welcomes_are_for_user_topics() -> None:
    assert wants_welcome(TOPIC)
    assert not wants_welcome(b"c" * 16)
