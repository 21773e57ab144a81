"""Wrong passwords: who is slowed, who is not, and that nobody learns anything from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from protocol.errors import Failure, InvalidCredentials, RateLimited
from services.backoff import pause
from services.passwords import passwords
from services.storage import known_addresses, password_failures
from tests.services.house import NOBODY, PASSWORD, SECOND, House, Person

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
TRIES, STRANGERS = 3, 10
DAY = 86_400


@pytest.fixture
def house(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Few tries are free; ``house.hashes`` counts the checks of a hash. Ani has logged in from home."""
    house.set(password_tries=TRIES, password_tries_strangers=STRANGERS, password_pause=100.0)
    house.set(password_pause_most=1000.0)
    house.address = HOME
    house.person("ani")
    yield house


@pytest.fixture
def checks(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Passwords that were checked against a hash."""
    made = passwords(house.settings)
    fits, checked = made.fits, []

    def watched(stored: str | None, password: str, like: str = "") -> bool:
        checked.append(password)
        return fits(stored, password, like)

    monkeypatch.setattr(made, "fits", watched)
    return checked


def tried(
    house: House, password: str = "wrong", name: str = "ani", address: str = ELSEWHERE, who: Person = NOBODY
) -> str | float:
    """Log in; ``ok``, the code of the refusal, or how many seconds to wait."""
    house.address = address
    try:
        house.do("auth.login", who, username=name, password=password)
    except RateLimited as refusal:
        return refusal.retry_after
    except Failure as refusal:
        return refusal.code
    return "ok"


WRONG = "invalid_credentials"


def test_some_wrong_passwords_are_free_and_then_each_costs_a_longer_pause(house: House) -> None:
    assert [tried(house) for _ in range(TRIES)] == [WRONG] * TRIES
    assert tried(house) == 99.0, "a second has passed since"
    house.now += 98 * SECOND
    assert tried(house) == WRONG
    assert tried(house) == 199.0
    house.now += 198 * SECOND
    assert tried(house) == WRONG
    assert tried(house) == 399.0


def test_the_right_password_has_to_wait_as_well_and_then_clears_the_count(house: House) -> None:
    for _ in range(TRIES):
        tried(house)
    assert tried(house, PASSWORD) == 99.0
    house.now += 100 * SECOND
    assert tried(house, PASSWORD) == "ok"
    assert [tried(house) for _ in range(TRIES)] == [WRONG] * TRIES


def test_a_try_that_comes_too_early_costs_no_hash_and_prolongs_nothing(
    house: House, checks: list[str]
) -> None:
    for _ in range(TRIES):
        tried(house)
    del checks[:]
    assert [tried(house) for _ in range(50)] == [99.0 - second for second in range(50)]
    assert checks == []


def test_the_pause_is_told_in_words_and_as_a_number(house: House) -> None:
    for _ in range(TRIES):
        tried(house)
    with pytest.raises(RateLimited) as refusal:
        house.do("auth.login", username="ani", password=PASSWORD)
    assert refusal.value.body() == {
        "message": "Too many wrong passwords; try again in 99 seconds.",
        "retry_after": 99.0,
    }


def test_one_address_does_not_pay_for_another_and_one_name_not_for_another(house: House) -> None:
    house.register("budi")
    for _ in range(TRIES):
        tried(house)
    assert tried(house, PASSWORD, address="198.51.100.8") == "ok"
    assert tried(house, PASSWORD, name="budi") == "ok"


def test_strangers_from_everywhere_are_slowed_together_but_not_who_comes_from_home(
    house: House, checks: list[str]
) -> None:
    heard = [tried(house, address=f"203.0.113.{number}") for number in range(STRANGERS)]
    assert heard == [WRONG] * STRANGERS
    del checks[:]
    assert tried(house, PASSWORD, address="203.0.113.99") == 99.0
    assert checks == []
    assert tried(house, PASSWORD, address=HOME) == "ok"
    assert tried(house, PASSWORD, address="203.0.113.99") == 97.0, "what strangers did stays counted"


def test_a_device_that_holds_a_session_is_not_slowed_by_others_wherever_it_is(house: House) -> None:
    ani = house.login("ani")
    for number in range(STRANGERS):
        tried(house, address=f"203.0.113.{number}")
    for _ in range(TRIES):
        tried(house, address=ELSEWHERE)
    assert tried(house, PASSWORD, address=ELSEWHERE) != "ok"
    assert tried(house, PASSWORD, address=ELSEWHERE, who=ani) == "ok"


def test_a_session_of_somebody_else_opens_no_way_around(house: House) -> None:
    budi = house.person("budi")
    for _ in range(TRIES):
        tried(house, who=budi)
    assert tried(house, who=budi) == 99.0


def test_guessing_with_the_users_own_session_is_slowed_too(house: House) -> None:
    thief = house.login("ani")
    for _ in range(TRIES):
        assert tried(house, who=thief) == WRONG
    assert tried(house, who=thief) == 99.0
    with pytest.raises(RateLimited):
        house.do("auth.password", thief, old="wrong", new="a new password")


def test_an_address_from_which_a_session_was_resumed_is_known(house: House) -> None:
    ani = house.login("ani")
    house.address = ELSEWHERE
    house.do("auth.resume", token=ani.token)
    for number in range(STRANGERS):
        tried(house, address=f"203.0.113.{number}")
    assert tried(house, PASSWORD, address=ELSEWHERE) == "ok"


def test_a_wrong_password_makes_no_address_known(house: House) -> None:
    tried(house, address=ELSEWHERE)
    for number in range(STRANGERS):
        tried(house, address=f"203.0.113.{number}")
    assert tried(house, PASSWORD, address=ELSEWHERE) != "ok"


def test_a_name_that_nobody_has_is_slowed_in_the_same_words_and_steps(
    house: House, checks: list[str]
) -> None:
    def told(name: str) -> list[Any]:
        heard: list[Any] = []
        for number in range(STRANGERS + 5):
            house.address = f"203.0.113.{number // 4}"
            with pytest.raises(Failure) as refusal:
                house.do("auth.login", username=name, password="wrong")
            heard.append((type(refusal.value), refusal.value.body()))
        return heard

    ani = told("ani")
    hashed, checks[:] = len(checks), []
    assert told("nobody") == ani
    assert len(checks) == hashed


def test_the_case_of_a_name_makes_no_second_name(house: House) -> None:
    for name in ("ani", "ANI", "Ani"):
        tried(house, name=name)
    assert tried(house, name="aNI") == 99.0


def test_wrong_passwords_are_forgotten_after_a_day(house: House) -> None:
    for _ in range(TRIES):
        tried(house)
    house.now += 1000 * SECOND
    assert tried(house) == WRONG
    assert tried(house) == 199.0
    house.now += (DAY + 1) * SECOND
    assert [tried(house) for _ in range(TRIES)] == [WRONG] * TRIES


def test_a_pause_has_a_longest_even_if_the_clock_goes_back(house: House) -> None:
    for _ in range(20):
        tried(house)
        house.now += 2000 * SECOND
    house.now -= 2000 * SECOND
    assert tried(house) == 999.0
    house.now -= 500_000 * SECOND
    assert tried(house) == 1000.0


def test_who_shares_an_address_with_an_attacker_waits_at_most_the_longest_pause(house: House) -> None:
    """Behind one NAT nothing tells the two apart; what the pause is bounded by is the promise."""
    for _ in range(20):
        tried(house, address=HOME)
        house.now += 2000 * SECOND
    house.now -= 2000 * SECOND
    wait = tried(house, PASSWORD, address=HOME)
    assert isinstance(wait, float) and wait <= 1000.0
    house.now += int(wait * SECOND)
    assert tried(house, PASSWORD, address=HOME) == "ok"


def test_with_rate_limits_off_nobody_is_slowed(house: House) -> None:
    house.set(rate_limits=False)
    assert [tried(house) for _ in range(3 * TRIES)] == [WRONG] * 3 * TRIES


def test_guessing_a_groups_password_is_slowed_for_who_guesses(house: House) -> None:
    ani, budi, citra = house.login("ani"), house.person("budi"), house.person("citra")
    house.do("group.create", ani, group="ops", password="rahasia")
    for _ in range(TRIES):
        with pytest.raises(InvalidCredentials):
            house.do("group.join", budi, group="#Ops", password="wrong")
    with pytest.raises(RateLimited) as refusal:
        house.do("group.join", budi, group="ops", password="rahasia")
    assert refusal.value.retry_after == 99.0
    house.do("group.join", citra, group="ops", password="rahasia")
    house.now += 100 * SECOND
    house.do("group.join", budi, group="ops", password="rahasia")
    mine = "select count(*) from password_failures where subject = '#ops' and source <> ''"
    assert house.row(mine) == (0,), "what all strangers did stays counted"


def test_joining_without_a_password_is_never_slowed(house: House) -> None:
    ani, budi = house.login("ani"), house.person("budi")
    house.do("group.create", ani, group="open")
    house.do("group.create", ani, group="ops", password="rahasia")
    for _ in range(TRIES):
        with pytest.raises(InvalidCredentials):
            house.do("group.join", budi, group="ops", password="wrong")
    house.do("group.join", budi, group="open", password="whatever")
    with pytest.raises(InvalidCredentials, match="needs a password"):
        house.do("group.join", budi, group="ops")


def test_a_change_of_password_clears_what_was_tried_with_the_same_session(house: House) -> None:
    ani = house.login("ani")
    for _ in range(TRIES - 1):
        with pytest.raises(InvalidCredentials):
            house.do("auth.password", ani, old="wrong", new="a new password")
    house.do("auth.password", ani, old=PASSWORD, new="a new password")
    for _ in range(TRIES):
        with pytest.raises(InvalidCredentials):
            house.do("auth.password", ani, old="wrong", new="another password")


def test_no_password_reaches_the_table(house: House) -> None:
    tried(house, "a telling password")
    row = house.row("select * from password_failures where source = $1", ELSEWHERE)
    assert row is not None and row[:3] == ("ani", ELSEWHERE, 1)


# --- the rows -----------------------------------------------------------------------------------


def test_the_rows_are_bounded_and_those_that_slow_somebody_go_last(house: House) -> None:
    house.set(password_failures_kept=20)
    for _ in range(TRIES):
        tried(house)
    for number in range(40):
        house.now += 61 * SECOND
        tried(house, name=f"name{number}", address=HOME)
    assert house.row("select count(*) from password_failures") == (20,)
    kept = house.row("select failures from password_failures where source = $1", ELSEWHERE)
    assert kept == (TRIES,)
    assert house.row("select 1 from password_failures where subject = 'name0'") is None
    assert house.row("select 1 from password_failures where subject = 'name39'") == (1,)


def test_old_rows_are_dropped(house: House) -> None:
    tried(house, name="budi")
    house.now += (DAY + 1) * SECOND
    tried(house, name="citra")
    assert house.row("select 1 from password_failures where subject = 'budi'") is None


def test_a_user_has_so_many_known_addresses_and_the_oldest_is_forgotten(house: House) -> None:
    with house.store.write() as tx:
        for number in range(known_addresses.MOST + 5):
            known_addresses.remember(tx, 77, f"192.0.2.{number}", house.now + number)
        now = house.now + 100
        known = [known_addresses.knows(tx, 77, f"192.0.2.{number}", now) for number in range(50)]
    assert known == [False] * 5 + [True] * known_addresses.MOST + [False] * (50 - 5 - known_addresses.MOST)


def test_a_known_address_is_forgotten_unless_it_is_seen(house: House) -> None:
    now, day = house.now, DAY * SECOND
    with house.store.write() as tx:
        known_addresses.remember(tx, 77, HOME, now)
        assert known_addresses.knows(tx, 77, HOME, now + 90 * day)
        assert not known_addresses.knows(tx, 77, HOME, now + 91 * day)
        known_addresses.remember(tx, 77, HOME, now + 60 * day)
        assert known_addresses.knows(tx, 77, HOME, now + 91 * day)
        assert not known_addresses.knows(tx, 78, HOME, now)


def test_a_count_starts_anew_when_the_last_failure_was_forgotten(house: House) -> None:
    with house.store.write() as tx:
        for _ in range(3):
            password_failures.add(tx, "ani", HOME, 10, 0)
        assert password_failures.of(tx, "ani", HOME, 0)[0] == (3, 10)
        assert password_failures.of(tx, "ani", HOME, 11) == (password_failures.NONE, password_failures.NONE)
        password_failures.add(tx, "ani", HOME, 20, 11)
        assert password_failures.of(tx, "ani", HOME, 0)[0] == (1, 20)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (2, 0), (3, 1), (4, 2), (10, 60), (10**9, 60)])
def test_pauses_double_up_to_the_longest(failures: int, seconds: float) -> None:
    settings = Settings(home=Path("unused"), password_pause=1.0, password_pause_most=60.0)
    assert pause(failures, 3, settings) == seconds
