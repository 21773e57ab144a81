"""Guessing a group's password: accounts cost nothing, so the address bounds it, and the group itself."""

from __future__ import annotations

import pytest

from protocol.errors import Failure, RateLimited
from services.group.guessing import SLACK
from tests.services.house import SECOND, House, Person

TRIES, BY_ADDRESS, TOGETHER, PACE = 3, 6, 10, 20.0
"""Of an account, of an address, of all strangers; seconds between two tries of those beyond."""
RIGHT, WRONG = "rahasia", "invalid_credentials"


@pytest.fixture
def house(house: House) -> House:
    """Ani has made #ops, which has a password, and citra is in it."""
    house.set(password_tries=TRIES, password_tries_strangers=BY_ADDRESS, password_pause=100.0)
    house.set(group_password_tries=TOGETHER, group_password_pace=PACE)
    ani, citra = house.people("ani", "citra")
    house.do("group.create", ani, group="ops", password=RIGHT)
    house.do("group.join", citra, group="ops", password=RIGHT)
    return house


def joined(house: House, who: Person, password: str = "wrong", address: str = "") -> str | float:
    """``ok``, the code of the refusal, or how many seconds to wait. The clock stands still."""
    house.address = address
    house.now -= SECOND
    try:
        house.do("group.join", who, group="ops", password=password)
    except RateLimited as refusal:
        return refusal.retry_after
    except Failure as refusal:
        return refusal.code
    return "ok"


def crowd(house: House, count: int) -> list[Person]:
    """Accounts that somebody made to throw them away."""
    return house.people(*(f"mallory{number}" for number in range(count)))


def use_up(house: House) -> list[Person]:
    """An account, and an address, for each of the tries that strangers have together."""
    people = crowd(house, TOGETHER + 5)
    heard = [joined(house, who, address=f"203.0.113.{n}") for n, who in enumerate(people)]
    assert heard == [WRONG] * TOGETHER + [PACE] * 5
    return people


def test_however_many_accounts_and_addresses_guess_they_have_so_many_tries_and_then_a_pace(
    house: House,
) -> None:
    people = use_up(house)
    for turn in range(10):
        house.now += int(PACE * SECOND)
        inturn = people[turn:] + people[:turn]
        heard = [joined(house, who, address=f"198.51.{turn}.{n}") for n, who in enumerate(inturn)]
        assert heard == [WRONG] + [PACE] * (len(people) - 1)


def test_the_pace_does_not_slow_down_and_a_newcomer_who_knows_the_password_gets_in(house: House) -> None:
    use_up(house)
    budi = house.person("budi")
    assert joined(house, budi, RIGHT, "192.0.2.1") == PACE - 2, "as long as it took to register"
    house.now += int(PACE * SECOND)
    assert joined(house, budi, RIGHT, "192.0.2.1") == "ok"


def test_right_passwords_use_up_nothing(house: House) -> None:
    for number, who in enumerate(crowd(house, 3 * TOGETHER)):
        assert joined(house, who, RIGHT, f"192.0.2.{number}") == "ok"
    assert house.row("select count(*) from password_failures where subject = '#ops'") == (0,)


def test_members_notice_nothing(house: House) -> None:
    citra = house.login("citra")
    use_up(house)
    assert joined(house, citra, "forgotten") == "ok"
    assert joined(house, citra, "") == "ok"


def test_another_group_is_not_slowed(house: House) -> None:
    ani = house.login("ani")
    house.do("group.create", ani, group="lab", password=RIGHT)
    people = use_up(house)
    assert house.do("group.join", people[-1], group="lab", password=RIGHT)


def test_many_accounts_of_one_address_are_one_guesser(house: House) -> None:
    people = crowd(house, BY_ADDRESS + 2)
    heard = [joined(house, who, address="203.0.113.9") for who in people]
    assert heard == [WRONG] * BY_ADDRESS + [100.0] * 2
    assert joined(house, people[-1], address="203.0.113.10") == WRONG, "somewhere else it is not theirs"


def test_the_right_password_lets_its_address_start_anew_but_not_the_group(house: House) -> None:
    people = crowd(house, 2 * BY_ADDRESS)
    for who in people[: BY_ADDRESS - 1]:
        joined(house, who, address="203.0.113.9")
    assert joined(house, people[-1], RIGHT, "203.0.113.9") == "ok"
    sources = "select source, failures from password_failures where subject = '#ops' and source not like '@%'"
    assert house.row(sources) == ("", BY_ADDRESS - 1)
    assert joined(house, people[BY_ADDRESS], address="203.0.113.9") == WRONG


def test_tries_come_back_while_nobody_guesses(house: House) -> None:
    people = use_up(house)
    house.now += int(TOGETHER * PACE * SECOND)
    heard = [joined(house, who, address=f"198.51.100.{n}") for n, who in enumerate(people)]
    assert heard == [WRONG] * TOGETHER + [PACE] * 5


def test_a_clock_that_goes_back_locks_nobody_out(house: House) -> None:
    people = use_up(house)
    house.now -= int((2 * TOGETHER + SLACK) * PACE * SECOND)
    assert joined(house, people[-1], address="198.51.100.1") == WRONG
    assert joined(house, people[-1], RIGHT, "198.51.100.1") == "ok"


def test_with_rate_limits_off_nobody_is_slowed(house: House) -> None:
    house.set(rate_limits=False)
    people = crowd(house, 2 * TOGETHER)
    assert [joined(house, who) for who in people] == [WRONG] * 2 * TOGETHER
