"""A name that nobody has: its check takes as long as somebody's, whatever parameters there are."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from protocol.errors import InvalidCredentials
from services.auth.nobody import LOOK_EVERY
from services.passwords import Passwords
from tests.services.house import House

OLD, TODAY = "$argon2id$v=19$m=8,t=1,p=1", "$argon2id$v=19$m=16,t=2,p=1"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Parameters of the hashes that are checked."""
    from argon2 import PasswordHasher

    heads: list[str] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, stored: str, password: str) -> bool:
        heads.append(stored.rsplit("$", 2)[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    return heads


def tried(house: House, name: str) -> None:
    with pytest.raises(InvalidCredentials):
        house.do("auth.login", username=name, password="a wrong password")


def changed(house: House) -> None:
    """The operator sets other parameters, and enough time passes to notice."""
    house.set(password_memory_kib=16, password_passes=2, rate_limits=False)
    house.now += LOOK_EVERY


def test_while_all_hashes_are_alike_nobodys_is_too(house: House, seen: list[str]) -> None:
    house.register("ani", "budi")
    tried(house, "ani")
    tried(house, "nobody")
    assert seen == [OLD, OLD]


def test_right_after_a_change_while_nobody_has_logged_in_since_nobodys_is_as_old_as_all_others(
    house: House, seen: list[str]
) -> None:
    house.register("ani")
    changed(house)
    tried(house, "ani")
    tried(house, "nobody")
    assert seen == [OLD, OLD]


def test_a_server_without_accounts_checks_with_the_parameters_of_today(house: House, seen: list[str]) -> None:
    changed(house)
    tried(house, "nobody")
    assert seen == [TODAY]


def test_names_that_nobody_has_take_old_parameters_as_often_as_accounts_have_them(
    house: House, seen: list[str]
) -> None:
    house.register(*(f"old{number}" for number in range(6)))
    changed(house)
    house.register(*(f"new{number}" for number in range(6)))
    for number in range(200):
        tried(house, f"nobody{number}")
    share = Counter(seen)
    assert set(share) == {OLD, TODAY}
    assert 60 < share[OLD] < 140


def test_a_name_takes_the_same_each_time_whatever_its_case_and_whichever_worker_is_asked(
    house: House, seen: list[str]
) -> None:
    house.register("ani")
    changed(house)
    house.register("budi")
    other = House(house.store, house.settings)
    other.now = house.now
    for number in range(20):
        for each, name in (
            (house, f"nobody{number}"),
            (house, f"NoBody{number}"),
            (other, f"nobody{number}"),
        ):
            tried(each, name)
    assert [seen[n] for n in range(0, 60, 3)] == [seen[n] for n in range(1, 60, 3)]
    assert [seen[n] for n in range(0, 60, 3)] == [seen[n] for n in range(2, 60, 3)]


def test_a_name_goes_over_to_todays_parameters_once_and_for_good(house: House, seen: list[str]) -> None:
    people = [f"old{number}" for number in range(8)]
    house.register(*people)
    changed(house)
    names = [f"nobody{number}" for number in range(30)]
    before = dict.fromkeys(names, OLD)
    gone_over = []
    for name in ("", *people):
        if name:
            house.login(name)
            house.now += LOOK_EVERY
        del seen[:]
        for each in names:
            tried(house, each)
        now = dict(zip(names, seen, strict=True))
        assert all(now[each] == TODAY for each in names if before[each] == TODAY)
        before = now
        gone_over.append(Counter(seen)[TODAY])
    assert gone_over[0] == 0, "as old as all accounts"
    assert 0 < gone_over[4] < 30, "half of the accounts have gone over"
    assert gone_over[8] == 30


def test_no_password_fits_nobody_and_what_is_made_up_can_be_read() -> None:
    for like in (OLD, TODAY):
        assert not Passwords(8, 1).fits(None, "", like)
    assert re.fullmatch(r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+", Passwords(8, 1).parameters)
    assert Passwords(8, 1).hash("a password").startswith(Passwords(8, 1).parameters + "$")


def test_a_hash_of_another_kind_in_the_table_stops_nobody(house: House, seen: list[str]) -> None:
    house.register("ani", "budi")
    with house.store.write() as tx:
        tx.run("update users set password = $1 where name = 'budi'", ("!" * 100,))
    house.now += LOOK_EVERY
    tried(house, "nobody")
    assert seen == [OLD]
