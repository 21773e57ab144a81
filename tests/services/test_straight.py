"""Calls that could need a hash: which of them do not wait for one, and who is not crowded out of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
import pytest

from config.settings import Settings
from protocol.backend import Call
from protocol.commands import COMMANDS, JoinGroup
from protocol.errors import OK, Busy
from services import group
from services.arrival import Need, needs
from services.context import Context, Slow
from services.job import Job
from services.storage import open_store, users
from services.storage.engine import Store, StoreUnavailable, Transaction
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


# --- transactions -------------------------------------------------------------------------------


Write = Callable[[], AbstractContextManager[Transaction]]


def watched(lobby: Desk, monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]) -> None:
    """Let ``look`` see each write transaction of the engine before it begins."""
    write: Write = lobby.house.store.write

    def looking() -> AbstractContextManager[Transaction]:
        look()
        return write()

    monkeypatch.setattr(lobby.house.store, "write", looking)


def test_who_enters_an_open_group_is_not_kept_locked_until_others_have(
    lobby: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever locks the same users in another order would stand in a circle with the batch."""
    eka, fitri = lobby.house.people("eka", "fitri")
    other = open_store(lobby.house.settings)
    begun: list[list[int]] = []

    def crossing() -> None:
        with other.write() as tx:
            found = [users.locked(tx, who.user_id) for who in (fitri, eka)]
        begun.append([user.id for user in found if user])

    try:
        watched(lobby, monkeypatch, crossing)
        lobby.ask(
            (eka, "group.join", {"group": "open"}, CROWD), (fitri, "group.join", {"group": "open"}, CROWD)
        )
    finally:
        other.close()
    assert lobby.answers == [(0, OK), (1, OK)]
    assert begun == [[fitri.user_id, eka.user_id]] * 2


def test_who_leaves_groups_does_not_keep_one_locked_while_waiting_for_the_next(
    lobby: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    eka, fitri = lobby.house.people("eka", "fitri")
    for name in ("one", "other"):
        lobby.house.do("group.create", eka, group=name)
    lobby.house.do("group.join", fitri, group="one")
    begun: list[None] = []
    watched(lobby, monkeypatch, lambda: begun.append(None))
    lobby.ask(
        (eka, "group.remove", {"group": "one", "user": "fitri"}, CROWD),
        (eka, "group.leave", {"group": "other"}, CROWD),
        (eka, "group.leave", {"group": "one"}, CROWD),
    )
    assert (sorted(lobby.answers), len(begun)) == ([(0, OK), (1, OK), (2, OK)], 3)


def test_what_a_session_asks_comes_to_pass_in_its_order_whatever_shares_a_transaction(
    lobby: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    eka, fitri = lobby.house.people("eka", "fitri")
    lobby.house.do("group.join", fitri, group="open")
    begun: list[None] = []
    watched(lobby, monkeypatch, lambda: begun.append(None))
    lobby.ask(
        (eka, "group.create", {"group": "mine"}, CROWD),
        (eka, "group.join", {"group": "mine"}, CROWD),
        (eka, "group.leave", {"group": "mine"}, CROWD),
        (eka, "group.create", {"group": "mine", "password": "x"}, CROWD),
        (fitri, "group.leave", {"group": "open"}, CROWD),
    )
    assert sorted(lobby.answers) == [(0, OK), (1, OK), (2, OK), (4, OK)], (
        "a hash is to be made for the fourth"
    )
    assert len(begun) == 4, "each of them its own"
    lobby.work()
    assert lobby.answers[-1] == (3, OK)


def test_a_group_that_is_there_no_more_when_its_turn_comes_is_made_anew(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    lobby.house.do("group.create", eka, group="mine")
    lobby.ask(
        (eka, "group.leave", {"group": "mine"}, CROWD),
        (eka, "group.create", {"group": "mine"}, CROWD),
    )
    assert lobby.answers == [(0, OK), (1, OK)], "though it would have been refused on arrival"


def test_a_refusal_does_not_wait_for_those_who_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(desk.house.settings.password_tries):
        desk.come(MALLORY)
        desk.work()
    del desk.answers[:]

    def locked() -> AbstractContextManager[Transaction]:
        raise StoreUnavailable("database is locked")

    monkeypatch.setattr(desk.house.store, "write", locked)
    desk.come(MALLORY, ("a name\n", "x", "203.0.113.9"))
    assert [status for _, status in desk.answers] == ["rate_limited", "invalid"]


def test_an_ended_session_learns_nothing_of_groups(lobby: Desk) -> None:
    eka = lobby.house.person("eka")
    lobby.house.do("auth.logout", eka)
    names = ("ops", "open", "none")
    lobby.ask(*[(eka, "group.join", {"group": name, "password": "x"}, CROWD) for name in names])
    assert [status for _, status in lobby.answers] == ["unauthenticated"] * 3


def test_a_look_that_does_not_end_well_has_found_what_it_has_found(lobby: Desk) -> None:
    eka = lobby.house.person("eka")

    class Broken:
        """A store whose transactions fail when all is said."""

        @contextmanager
        def read(self) -> Iterator[Transaction]:
            with lobby.house.store.read() as tx:
                yield tx
            raise OSError("no end")

    call = Call(7, "group.join", eka.user_id, eka.name, eka.session, False, b"", CROWD)
    jobs = [Job(call, COMMANDS["group.join"], JoinGroup("open", ""), 0)]
    faults: list[tuple[Job, str]] = []
    found = needs(
        jobs,
        group.SERVICE.handlers,
        Broken(),  # type: ignore[arg-type]
        lambda tx: Context(tx, lobby.house.now, lobby.house.settings, {}),
        lambda job, error: faults.append((job, str(error))),
    )
    assert found == {7: Need.NOTHING}
    assert faults == [(jobs[0], "no end")]
