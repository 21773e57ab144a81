"""Calls that could need a hash: which of them do not wait for one, and who is not crowded out of the line."""

from __future__ import annotations

import msgspec
import pytest

from config.settings import Settings
from protocol.backend import Call
from protocol.commands import JoinGroup
from protocol.errors import OK, Busy
from services import group
from services.context import Context, Slow
from services.storage.engine import Store
from tests.services.desk import Desk
from tests.services.house import PASSWORD
from tests.services.world import World

MALLORY = ("eka", "wrong", "203.0.113.9")


@pytest.fixture
def desk(settings: Settings, store: Store, world: World) -> Desk:
    """Eka has come from 192.0.2.1 before; four may wait."""
    desk = Desk(msgspec.structs.replace(settings, slow_queue=4), store, world)
    desk.house.address = "192.0.2.1"
    desk.house.person("eka")
    return desk


def test_changing_ones_password_is_not_crowded_out_by_strangers(desk: Desk) -> None:
    eka = desk.house.login("eka")
    desk.come(*[("eka", "wrong", f"203.0.113.{number}") for number in range(4)])
    desk.ask((eka, "auth.password", {"old": PASSWORD, "new": "a new password"}, "198.51.100.1"))
    assert desk.answers == [(0, "busy")], "the place of a stranger"
    desk.work()
    assert desk.answers[1] == (4, OK)


def test_a_session_that_has_ended_is_nobody_to_stand_before_strangers(desk: Desk) -> None:
    eka = desk.house.login("eka")
    desk.house.do("auth.logout", eka)
    desk.come(*[("eka", "wrong", f"203.0.113.{number}") for number in range(4)])
    desk.ask((eka, "auth.password", {"old": PASSWORD, "new": "a new password"}, "198.51.100.1"))
    assert desk.answers == [(4, "unauthenticated")], "and its place in the line is nobody's"


def test_who_has_to_pause_stands_in_no_line(desk: Desk) -> None:
    for _ in range(desk.house.settings.password_tries):
        desk.come(MALLORY)
        desk.work()
    del desk.answers[:]
    desk.come(*[MALLORY] * 20)
    assert [status for _, status in desk.answers] == ["rate_limited"] * 20
    assert not desk.engine.waiting


@pytest.fixture
def lobby(settings: Settings, store: Store, world: World) -> Desk:
    """The group service; four may wait. #ops has a password, #open has none."""
    desk = Desk(msgspec.structs.replace(settings, slow_queue=4), store, world, group.SERVICE)
    gita = desk.house.person("gita")
    desk.house.do("group.create", gita, group="ops", password="rahasia")
    desk.house.do("group.create", gita, group="open")
    return desk


CROWD = "203.0.113.9"


def crowd(lobby: Desk, count: int) -> None:
    """So many accounts of one address guess the password of #ops, all at once."""
    guess = {"group": "ops", "password": "wrong"}
    guessers = lobby.house.people(*(f"mallory{number}" for number in range(count)))
    lobby.ask(*[(who, "group.join", guess, CROWD) for who in guessers])


def test_open_groups_are_made_and_entered_at_once_however_many_wait_for_a_hash(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    crowd(lobby, 6)
    del lobby.answers[:]
    lobby.ask(
        (eka, "group.create", {"group": "mine"}, CROWD),
        (eka, "group.join", {"group": "open"}, CROWD),
        (eka, "group.join", {"group": "open", "password": "whatever"}, CROWD),
        (eka, "group.leave", {"group": "open"}, CROWD),
    )
    assert lobby.answers == [(6, OK), (7, OK), (8, OK), (9, OK)], "in the order in which they came"
    assert lobby.hands.at_once == 0


def test_a_member_joins_again_without_a_hash(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    lobby.house.do("group.join", eka, group="ops", password="rahasia")
    lobby.ask((eka, "group.join", {"group": "ops", "password": "forgotten"}, CROWD))
    assert lobby.answers == [(0, OK)]


def test_what_is_refused_anyway_stands_in_no_line(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    lobby.ask(
        (eka, "group.create", {"group": "ops", "password": "x"}, CROWD),
        (eka, "group.join", {"group": "none", "password": "x"}, CROWD),
        (eka, "group.join", {"group": "ops"}, CROWD),
    )
    assert lobby.answers == [(0, "conflict"), (1, "not_found"), (2, "invalid_credentials")]
    assert not lobby.engine.waiting


def test_many_accounts_of_one_address_make_that_address_wait_and_nobody_else(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    crowd(lobby, 4)
    lobby.ask((eka, "group.join", {"group": "ops", "password": "rahasia"}, "192.0.2.77"))
    assert lobby.answers == [(0, "busy")], "one of the crowd"
    lobby.work()
    assert [handle for handle, _ in lobby.answers].index(4) <= 2, "after one of the crowd at most"
    assert dict(lobby.answers)[4] == OK


def test_what_became_ready_while_it_stood_in_line_is_not_hashed(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    crowd(lobby, 1)
    lobby.ask((eka, "group.join", {"group": "ops", "password": "rahasia"}, "192.0.2.77"))
    lobby.house.do("group.join", eka, group="ops", password="rahasia")
    lobby.step()
    lobby.hands.do()
    lobby.step()
    assert lobby.answers == [(0, "invalid_credentials"), (1, OK)]


def test_a_group_that_gets_a_password_at_that_moment_is_entered_by_trying_again(lobby: Desk) -> None:
    """Its neighbour in the batch may have emptied it, and another made it anew."""
    eka = lobby.house.person("eka")
    straight = group.SERVICE.handlers["group.join"]
    assert isinstance(straight, Slow)
    with lobby.house.store.write() as tx:
        call = Call(1, "group.join", eka.user_id, eka.name, eka.session, False, b"", CROWD)
        context = Context(tx, lobby.house.now, lobby.house.settings, {})
        with pytest.raises(Busy):
            straight.straight(context, call, JoinGroup("ops", "rahasia"))
