"""Calls that the server refuses as too often, and what is said of calls that get no answer."""

from __future__ import annotations

import pytest

from client.errors import Timeout
from protocol.commands import WhoamiReply
from protocol.errors import RateLimited, Unavailable
from tests.client.wire import Client, World


def refused_once(seconds: float) -> tuple[Client, int, RateLimited]:
    """A client, its call, and the one refusal that this meets: too early by so many seconds."""
    world = World()
    ani = world.client("ani").login()
    early = RateLimited("Too early.", retry_after=seconds)
    left = [early]
    world.server.refuse = lambda command, request: left.pop() if left else None
    return ani, ani.ask("user.whoami"), early


def test_a_pause_is_told_when_it_begins_and_then_the_call_goes_on() -> None:
    ani, handle, early = refused_once(3.0)
    world = ani.world
    started = world.now
    [pause] = world.until(lambda: ani.session.pauses or None, 2.0)
    assert (pause.message, pause.retry_after) == (early.message, 3.0)
    assert world.now - started < 1.0
    assert handle not in ani.answers
    assert isinstance(world.until(lambda: ani.answers.get(handle), 8.0), WhoamiReply)


def test_a_pause_longer_than_the_caller_waits_is_the_answer_at_once() -> None:
    ani, handle, _ = refused_once(60.0)
    assert isinstance(ani.world.until(lambda: ani.answers.get(handle), 1.0), RateLimited)
    assert ani.session.pauses == []


def test_who_is_away_for_longer_than_the_caller_waits_is_said_to_be_at_once() -> None:
    world = World()
    ani = world.client("ani").login()
    world.server.refuse = lambda command, request: Unavailable("b does not answer.", retry_after=60.0)
    handle = ani.ask("user.whoami")
    answer = world.until(lambda: ani.answers.get(handle), 1.0)
    assert isinstance(answer, Unavailable) and answer.message == "b does not answer."


@pytest.mark.parametrize(("command", "doubtful"), [("user.whoami", False), ("auth.logout", True)])
def test_only_of_what_changes_something_is_said_that_it_may_have_been_done(
    command: str, doubtful: bool
) -> None:
    world = World()
    ani = world.client("ani").login()
    world.faults.loss = 1.0
    handle = ani.ask(command)
    answer = world.until(lambda: ani.answers.get(handle), 20.0)
    assert isinstance(answer, Timeout)
    assert ("may or may not" in answer.message) is doubtful
