"""Who is known, who is online, and what is forgotten for want of room."""

from __future__ import annotations

import pytest

from broker.buckets import Buckets
from broker.sessions import Sessions
from config.settings import RateLimits


def opened(sessions: Sessions, number: int, user: int, now: float) -> bytes:
    token = number.to_bytes(16, "big")
    sessions.opened(token, number, user, f"user{user}", Buckets(RateLimits()), now)
    return token


def test_a_user_is_online_until_the_last_session_falls_silent() -> None:
    sessions = Sessions(100, timeout=30)
    opened(sessions, 1, user=7, now=0)
    opened(sessions, 2, user=7, now=20)
    assert sessions.changes == {7: True}
    sessions.changes.clear()
    sessions.expire(31)
    assert sessions.changes == {}
    sessions.expire(51)
    assert sessions.changes == {7: False}
    assert sessions.users_online() == []


def test_a_session_that_fell_silent_is_still_known() -> None:
    sessions = Sessions(100, timeout=30)
    token = opened(sessions, 1, user=7, now=0)
    sessions.expire(31)
    session = sessions.find(token)
    assert session is not None
    sessions.heard(session, 40)
    assert sessions.changes == {7: True}


def test_opening_a_known_session_again_changes_nothing() -> None:
    sessions = Sessions(100, timeout=30)
    token = opened(sessions, 1, user=7, now=0)
    first = sessions.find(token)
    opened(sessions, 1, user=7, now=1)
    assert sessions.find(token) is first


def test_an_offline_session_is_forgotten_before_one_online() -> None:
    sessions = Sessions(2, timeout=30)
    old = opened(sessions, 1, user=1, now=0)
    sessions.expire(31)
    young = opened(sessions, 2, user=2, now=31)
    newest = opened(sessions, 3, user=3, now=31)
    assert [sessions.find(token) is None for token in (old, young, newest)] == [True, False, False]


def test_with_all_online_the_one_silent_longest_is_forgotten() -> None:
    sessions = Sessions(2, timeout=30)
    first, second = opened(sessions, 1, user=1, now=0), opened(sessions, 2, user=2, now=1)
    session = sessions.find(first)
    assert session is not None
    sessions.heard(session, 2)
    opened(sessions, 3, user=3, now=3)
    assert sessions.find(first) is not None
    assert sessions.find(second) is None
    assert len(sessions) == 2


def test_closing_takes_the_links_along() -> None:
    sessions = Sessions(10, timeout=30)
    one, two = opened(sessions, 1, user=7, now=0), opened(sessions, 2, user=7, now=0)
    first, second = sessions.find(one), sessions.find(two)
    assert first is not None and second is not None
    sessions.linked(first, b"a", 0)
    sessions.linked(second, b"b", 0)
    assert second.user.links == 2
    sessions.closed(1)
    assert second.user.links == 1
    sessions.closed(1)
    assert second.user.links == 1


def test_a_session_that_ended_is_not_opened_by_a_word_that_came_late() -> None:
    sessions = Sessions(10, timeout=30)
    token = opened(sessions, 1, user=7, now=0)
    sessions.closed(1)
    opened(sessions, 1, user=7, now=0)
    assert sessions.find(token) is None
    # Nor when its end was heard of here before its beginning.
    sessions.closed(2)
    assert sessions.find(opened(sessions, 2, user=7, now=0)) is None
    assert sessions.users_online() == []


def test_a_session_forgotten_for_want_of_room_may_be_opened_again() -> None:
    sessions = Sessions(1, timeout=30)
    opened(sessions, 1, user=7, now=0)
    opened(sessions, 2, user=8, now=0)
    assert sessions.find(opened(sessions, 1, user=7, now=1)) is not None


def test_ends_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.sessions.ENDED_KEPT", 3)
    sessions = Sessions(10, timeout=30)
    for number in (1, 2, 3, 1, 4):
        sessions.closed(number)
    known = [sessions.find(opened(sessions, number, user=7, now=0)) for number in (1, 2, 3, 4)]
    assert [session is not None for session in known] == [False, True, False, False]
